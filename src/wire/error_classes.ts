/**
 * Classes of errors by name: built-in ones, the runtime's, and those that were registered.
 *
 * @module
 */

import { append, ErrorOf, getPrototypeOf, hasOwn, textSlice } from "./originals.ts";

type ErrorClass = new (...args: never[]) => Error;
/** Prototypes of one class at the most; a Proxy may give ever new ones. */
const MAX_PROTOTYPES = 100;

type Classes = Record<string, ErrorClass | undefined>;

/** No prototype: a hostile name reaches nothing. */
const CLASSES: Classes = Object.assign(Object.create(null), {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
});
const { SuppressedError: Suppressed, InternalError: Internal, WebAssembly: wasm } = globalThis as {
  SuppressedError?: ErrorClass;
  InternalError?: ErrorClass; // of Firefox: what a stack overflow is there
  WebAssembly?: unknown;
};
if (Suppressed !== undefined) CLASSES["SuppressedError"] = Suppressed;
if (Internal !== undefined) CLASSES["InternalError"] = Internal;

/** Where a runtime has more of them. A name alone would confuse a user's `NotFound` with the runtime's. */
const SPACES: (readonly [prefix: string, classes: () => unknown])[] = [[
  "WebAssembly.",
  () => wasm,
]];

/**
 * Says where else there are classes of errors.
 *
 * @param prefix What their names begin with on the wire, with a dot.
 * @param classes Gives an object that holds them.
 */
export function useErrorClasses(prefix: string, classes: () => unknown): void {
  for (let i = 0; i < SPACES.length; i++) if (SPACES[i]![0] === prefix) return;
  append(SPACES, [prefix, classes]);
}

/** The classes of a place that has `Error`s in it, by their own name. */
function classIn(space: () => unknown, name: string): ErrorClass | undefined {
  const classes = space() as Classes | null | undefined;
  if (classes === null || classes === undefined || !hasOwn(classes, name)) return undefined;
  const found = classes[name];
  return typeof found === "function" && isErrorPrototype(found.prototype) ? found : undefined;
}

const ERROR_PROTOTYPE: object = ErrorOf.prototype;

/** Whether `Error.prototype` is among the prototypes of another one. */
function isErrorPrototype(prototype: unknown): boolean {
  let next = prototype as object | null;
  for (let i = 0; typeof next === "object" && next !== null && i < MAX_PROTOTYPES; i++) {
    next = getPrototypeOf(next);
    if (next === ERROR_PROTOTYPE) return true;
  }
  return false;
}

/** Makes a class known. */
export function registerClass(errorClass: ErrorClass): void {
  CLASSES[errorClass.name] = errorClass;
}

/** The name of a prototype's class, with where it is found if it is one of the runtime's. May throw. */
export function qualifiedName(prototype: object): string | undefined {
  const { constructor } = prototype as { constructor?: { name?: unknown } };
  const name = constructor?.name;
  if (typeof name !== "string") return undefined;
  if (hasOwn(CLASSES, name)) return name;
  for (let i = 0; i < SPACES.length; i++) {
    const space = SPACES[i]!;
    if (classIn(space[1], name)?.prototype === prototype) return space[0] + name;
  }
  return name;
}

/** The nearest class that is known here. */
export function findErrorClass(names: readonly string[]): ErrorClass {
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (typeof name !== "string") continue; // of a list that lies, the text may be endless
    if (hasOwn(CLASSES, name)) return CLASSES[name]!;
    for (let at = 0; at < SPACES.length; at++) {
      const prefix = SPACES[at]![0];
      if (textSlice(name, 0, prefix.length) !== prefix) continue;
      const found = classIn(SPACES[at]![1], textSlice(name, prefix.length));
      if (found !== undefined) return found;
    }
  }
  return ErrorOf;
}
