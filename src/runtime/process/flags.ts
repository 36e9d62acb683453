/**
 * The flags that this program was started with, as far as processes of the same runtime are to have
 * them: what changes how modules are found and what the language is. `node:child_process`'s `fork()` hands
 * on all; here nothing is that would debug, test, watch or evaluate, or give a permission.
 *
 * @module
 */

import type { RuntimeName } from "../command.ts";
import { builtin } from "../thread_handle.ts";

interface Scope {
  readonly process?: { readonly execArgv?: readonly string[] };
  readonly Deno?: { readonly mainModule: string };
}

const scope = globalThis as Scope;

/** Of Node and Bun: what is for this program alone. */
const OWN = new RegExp(
  "^(?:--inspect|--debug|--test|--experimental-test|--watch|--hot$|--eval|--print|-e$|-p$|-pe$|--check|-c$|" +
    "--input-type|--interactive|-i$|--run|--permission|--experimental-permission|--allow-|--build-|" +
    "--cpu-prof|--heap-prof|--heapsnapshot|--prof$|--title|--port)",
);

/** Of Deno: those that are handed on, alone or with the value that follows. */
const DENO_FLAGS =
  /^--(?:no-config|unstable(?:-.*)?|node-modules-dir|no-npm|no-remote|cached-only|vendor|no-lock|frozen|v8-flags|unsafely-ignore-certificate-errors)(?:=|$)/;
const DENO_VALUES =
  /^(?:--(?:config|import-map|cert|location|seed|lock|preload|import|require|conditions|minimum-dependency-age)|-c)(?:=|$)/;
/** Those that are not, and whose value is the next argument. */
const DENO_OWN_VALUES = /^(?:--(?:ext|log-level|cpu-prof-(?:dir|interval|name))|-L)$/;

/** The flags of this program that a process of this runtime is started with, too. */
export function ownFlags(name: RuntimeName): string[] {
  return name === "deno" ? denoFlags() : withoutOwn(scope.process?.execArgv ?? []);
}

function withoutOwn(words: readonly string[]): string[] {
  // Bun tells a "-" where the program came from stdin.
  return flagsIn(words).filter(([flag]) => flag !== "-" && !OWN.test(flag!)).flat();
}

/** Each flag of Node or Bun, with its value if that is a word of its own. */
export function flagsIn(words: readonly string[]): string[][] {
  const flags: string[][] = [];
  for (const word of words) {
    if (word.startsWith("-")) flags.push([word]);
    else flags.at(-1)?.push(word);
  }
  return flags;
}

/** Deno does not tell its flags; on Linux its command line can be read, if this program may. */
function denoFlags(): string[] {
  let line: string[];
  try {
    const { readFileSync } = builtin<{ readFileSync(path: string, how: "utf8"): string }>("fs")!;
    line = readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(1, -1);
  } catch {
    line = [];
  }
  const kept: string[] = [];
  for (let i = 0; i < line.length; i++) {
    const flag = line[i]!;
    if (i === 0 && !flag.startsWith("-")) continue; // "run", "test", …
    if (!flag.startsWith("-") || flag === "-" || flag === "--") break; // the program, and what is its own
    if (DENO_OWN_VALUES.test(flag)) {
      i++;
      continue;
    }
    const takesNext = DENO_VALUES.test(flag) && !flag.includes("=");
    if (DENO_FLAGS.test(flag) || DENO_VALUES.test(flag)) kept.push(flag);
    if (takesNext && i + 1 < line.length) kept.push(line[++i]!);
  }
  if (!kept.some((flag) => /^(?:-c|--config|--no-config)(?:=|$)/.test(flag))) {
    const config = configBeside();
    if (config !== undefined) kept.push(`--config=${config}`);
  }
  return kept;
}

/** The configuration that Deno finds for this program: one of a process would be found from its folder. */
function configBeside(): string | undefined {
  try {
    const { existsSync } = builtin<{ existsSync(path: URL): boolean }>("fs")!;
    let folder = new URL(".", scope.Deno!.mainModule);
    if (folder.protocol !== "file:") return undefined;
    for (;;) {
      for (const name of ["deno.json", "deno.jsonc"]) {
        const file = new URL(name, folder);
        if (existsSync(file)) return decodeURIComponent(file.pathname);
      }
      const parent = new URL("..", folder);
      if (parent.href === folder.href) return undefined;
      folder = parent;
    }
  } catch {
    return undefined; // this program may not look
  }
}

/** Words of `NODE_OPTIONS` that are for this program alone. A value that is quoted is left as it is. */
export function withoutOwnOptions(options: string, permissions: boolean): string {
  const unwanted = permissions
    ? /^--(?:inspect|test|watch|permission|experimental-permission|allow-)/
    : /^--(?:inspect|test|watch)/;
  return flagsIn(options.split(" ")).filter(([flag]) => !unwanted.test(flag!)).flat().join(" ");
}
