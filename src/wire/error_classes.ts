/**
 * Classes of errors by name: built-in ones, the runtime's, and those that were registered.
 *
 * @module
 */

type ErrorClass = new (...args: never[]) => Error;
type Classes = Record<string, ErrorClass | undefined>;

const { hasOwn } = Object;

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
const { SuppressedError: Suppressed, WebAssembly: wasm } = globalThis as {
  SuppressedError?: ErrorClass;
  WebAssembly?: unknown;
};
if (Suppressed !== undefined) CLASSES["SuppressedError"] = Suppressed;

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
  if (!SPACES.some(([known]) => known === prefix)) SPACES.push([prefix, classes]);
}

/** The classes of a place that has `Error`s in it, by their own name. */
function classIn(space: () => unknown, name: string): ErrorClass | undefined {
  const classes = space() as Classes | null | undefined;
  if (classes === null || classes === undefined || !hasOwn(classes, name)) return undefined;
  const found = classes[name];
  return typeof found === "function" && found.prototype instanceof Error ? found : undefined;
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
    const [prefix, space] = SPACES[i]!;
    if (classIn(space, name)?.prototype === prototype) return prefix + name;
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
      const [prefix, space] = SPACES[at]!;
      if (!name.startsWith(prefix)) continue;
      const found = classIn(space, name.slice(prefix.length));
      if (found !== undefined) return found;
    }
  }
  return Error;
}
