import { useErrorClasses } from "../wire/error_classes.ts";

/** Tells the codec of errors where this runtime has more classes of them than the language. */
export function useRuntimeErrors(): void {
  const { Deno, process } = globalThis as {
    Deno?: { errors?: unknown };
    process?: { getBuiltinModule?(name: string): unknown };
  };
  if (Deno?.errors !== undefined) useErrorClasses("Deno.errors.", () => Deno.errors);
  const builtin = process?.getBuiltinModule?.bind(process);
  // Loaded when it is asked for; who throws one has loaded it.
  if (builtin !== undefined) useErrorClasses("assert.", () => builtin("node:assert"));
}
