/**
 * Functions that travel as their text: made of it, with what tools have put into it, and what to say of
 * a variable that did not travel along.
 *
 * @module
 */

import { append, apply, define, FunctionOf, matches, textSlice } from "../wire/originals.ts";
import { isError } from "../wire/value_kind.ts";

/** What Istanbul counts with, in programs whose coverage is measured. */
const COUNTER = /\bcov_\w+(?=\(\))/;

/** Who puts names into functions that stand for what was written there. */
const TOOLS: readonly (readonly [RegExp, string])[] = [
  [/^__vi/i, "Vite"],
  [/webpack/i, "webpack"],
  [/^(?:__)?cov/, "Istanbul"],
  [/^__(?:awaiter|generator|import(?:Star|Default)|assign|rest|spreadArray)$/, "TypeScript"],
  [/^__(?:to(?:ESM|CommonJS)|require|commonJS|async|using|spread(?:Props|Values))$/, "esbuild"],
  [
    /^_(?:interop|async_?to|regenerator|ts_|define_?prop|object_?(?:spread|without))/i,
    "Babel or SWC",
  ],
];

/**
 * Makes a function of its text.
 *
 * @param load `import()`, of the place where tasks run.
 */
export function compileTask(source: string, load: (url: string) => unknown): unknown {
  const names = ["__name", "__vite_ssr_dynamic_import__"];
  const values: unknown[] = [keepName, load];
  // A name twice would be an error, in strict code.
  const known: Record<string, true> = { __proto__: null } as never;
  let rest = source;
  for (let found = matches(COUNTER, rest); found !== null; found = matches(COUNTER, rest)) {
    const name = found[0]!;
    if (known[name] === undefined) {
      known[name] = true;
      append(names, name);
      append(values, uncounted);
    }
    rest = textSlice(rest, found.index + name.length);
  }
  append(
    names,
    `"use strict"; return (${source}\n);\n//# sourceURL=concurrent-futures-task.js`,
  );
  return apply(apply(FunctionOf, undefined, names), undefined, values);
}

/** What esbuild and tsx, with `keepNames`, put around each function inside of a task. */
function keepName<T>(target: T, name: string): T {
  define(target as object, "name", name, false);
  return target;
}

const TO_PRIMITIVE = Symbol.toPrimitive;

/** Takes every count, as `cov_x().b[0][1]++`, and keeps none: nobody would collect them from here. */
const uncounted: unknown = new Proxy(() => uncounted, {
  get: (_, name) => name === TO_PRIMITIVE ? () => 0 : uncounted,
  set: () => true,
});

/** A plain function travels without its surroundings: says so where one was missed. */
export function explainClosure(error: unknown, task: string): void {
  try {
    // Not by `instanceof`, which never ends for a Proxy with endless prototypes.
    if (!isError(error) || error.name !== "ReferenceError") return;
    // V8: "x is not defined"; JavaScriptCore: "Can't find variable: x".
    const found = matches(/^(\S+) is not defined$|^Can't find variable: (\S+)$/, error.message);
    const variable = found?.[1] ?? found?.[2];
    if (variable === undefined) return;
    const tool = toolOf(variable);
    error.message = `${variable} is not defined in the worker: ` +
      (tool === undefined
        ? `task "${task}" must be self-contained; pass "${variable}" as an argument, or export the ` +
          `task from a module and use importTasks`
        : `${tool} has put it into task "${task}"; import inside of the task what it needs, or export ` +
          `it from a module that ${tool} does not change and use importTasks`);
  } catch { /* a frozen error keeps its message, and a Proxy may throw at any look */ }
}

function toolOf(variable: string): string | undefined {
  for (let i = 0; i < TOOLS.length; i++) {
    if (matches(TOOLS[i]![0], variable) !== null) return TOOLS[i]![1];
  }
  return undefined;
}
