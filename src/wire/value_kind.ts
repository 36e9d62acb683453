import { show } from "../futures/show.ts";

/** The tag of a typed array, whatever its class says; `undefined` for a `DataView`. */
const tagOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get as (this: unknown) => string | undefined;

/** Built-in classes that have a form of their own. */
const BUILT_IN: readonly (readonly [string, new (...args: never[]) => object])[] = [
  ["Map", Map],
  ["Set", Set],
  ["Error", Error],
  ["Error", DOMException],
  ["Date", Date],
  ["ArrayBuffer", ArrayBuffer],
  ["RegExp", RegExp],
  ["Number", Number],
  ["String", String],
  ["Boolean", Boolean],
  ["BigInt", BigInt as unknown as new () => object],
];

/** "DataView", or the name of the typed array's built-in class. */
export function viewKindOf(view: ArrayBufferView): string {
  return tagOf.call(view) ?? "DataView";
}

/** "Object" for what travels by its own properties, or the name of its class. */
export function kindOf(value: object): string {
  for (const [kind, builtIn] of BUILT_IN) if (value instanceof builtIn) return kind;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag === "Object" || tag === "Arguments") return "Object";
  // A class of the runtime (MessagePort, Promise, Blob) has state that no property shows; a class of
  // the user's own with a tag has not.
  const known = (globalThis as Record<string, unknown>)[tag];
  if (typeof known === "function" && value instanceof known) return tag;
  return /^(?:Async)?Generator$|Iterator$/.test(tag) ? tag : "Object";
}

/** The error of a value that cannot travel. */
export function uncloneable(
  value: unknown,
  why = "cannot be sent to another process",
): DOMException {
  const name = typeof value === "symbol" ? "a symbol" : show(value);
  return new DOMException(`${name} ${why}`, "DataCloneError");
}
