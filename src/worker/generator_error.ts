import { TypeErrorOf } from "../wire/originals.ts";

const TAG: typeof Symbol.toStringTag = Symbol.toStringTag;

/** What to say of a result that cannot be sent because it is a generator. */
export function generatorError(value: unknown): TypeError | undefined {
  try {
    const tag = (value as { [TAG]?: unknown })[TAG];
    if (tag !== "Generator" && tag !== "AsyncGenerator") return undefined;
  } catch {
    return undefined;
  }
  return new TypeErrorOf("it is a generator, whose values come one by one; use executor.stream()");
}
