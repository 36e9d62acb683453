/**
 * What kind of value an object is, whatever realm its class is of (`node:vm` and jest have their own
 * `Map`, `Date`, `Error`) and whatever it says of itself. So nothing here asks `instanceof`, which
 * knows one realm and never ends for a Proxy with endless prototypes: a tag is a hint, and a method
 * that only objects of the kind can bear is the proof.
 *
 * @module
 */

import { localWords } from "../futures/local_object.ts";
import { show } from "../futures/show.ts";

/** Prototypes of one object at the most; a Proxy may give ever new ones. */
const MAX_PROTOTYPES = 100;

type Getter = (value: unknown) => unknown;

// All of it as it was before any task could change it.
const bound = Function.prototype.call;
const uncurried = (method: unknown): Getter => bound.bind(method as () => unknown) as Getter;
const { getPrototypeOf, getOwnPropertyDescriptor } = Object;
const tagged = uncurried(Object.prototype.toString);
const sliced = bound.bind(String.prototype.slice) as (text: string, ...at: number[]) => string;
const sourceText = uncurried(Function.prototype.toString);
const tests = bound.bind(RegExp.prototype.test) as (pattern: RegExp, text: string) => boolean;
const cachedPlain = new WeakMap<object, boolean>();
const getCached = cachedPlain.get.bind(cachedPlain);
const setCached = cachedPlain.set.bind(cachedPlain);

function getterOf(owner: object, key: PropertyKey): Getter {
  const getter = getOwnPropertyDescriptor(owner, key)?.get;
  return getter === undefined ? () => undefined : uncurried(getter);
}

/** The tag of a typed array, whatever its class says; `undefined` for a `DataView`. */
export const viewTag: Getter = getterOf(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);

/** Kinds that have a form of their own, and what throws for anything else. */
const BRANDS: ReadonlyMap<string, Getter> = new Map<string, Getter>([
  ["Map", getterOf(Map.prototype, "size")],
  ["Set", getterOf(Set.prototype, "size")],
  ["Date", uncurried(Date.prototype.getTime)],
  ["ArrayBuffer", getterOf(ArrayBuffer.prototype, "byteLength")],
  ["RegExp", getterOf(RegExp.prototype, "source")],
  ["Number", uncurried(Number.prototype.valueOf)],
  ["String", uncurried(String.prototype.valueOf)],
  ["Boolean", uncurried(Boolean.prototype.valueOf)],
  ["BigInt", uncurried(BigInt.prototype.valueOf)],
  ["Symbol", uncurried(Symbol.prototype.valueOf)],
]);
const brandOf = BRANDS.get.bind(BRANDS);

/** The same by their prototypes here, for what hides its tag. */
const BUILT_IN: readonly (readonly [string, object])[] = [
  ["Map", Map.prototype],
  ["Set", Set.prototype],
  ["Date", Date.prototype],
  ["ArrayBuffer", ArrayBuffer.prototype],
  ["RegExp", RegExp.prototype],
  ["Number", Number.prototype],
  ["String", String.prototype],
  ["Boolean", Boolean.prototype],
  ["BigInt", BigInt.prototype],
];

const kinds = new Map(BUILT_IN.map(([kind, prototype]) => [prototype, kind] as const));
const usualKind = kinds.get.bind(kinds) as (prototype: object | null) => string | undefined;

const ERROR_PROTOTYPE = Error.prototype;
const { isError: hasErrorSlot } = Error as { isError?: (value: unknown) => boolean };
const { DOMException: Exception } = globalThis as { DOMException?: typeof DOMException };
const EXCEPTION_PROTOTYPE = Exception?.prototype;

const FLAGS: readonly (readonly [string, Getter])[] = ([
  ["d", "hasIndices"],
  ["g", "global"],
  ["i", "ignoreCase"],
  ["m", "multiline"],
  ["s", "dotAll"],
  ["u", "unicode"],
  ["v", "unicodeSets"],
  ["y", "sticky"],
] as const).map(([flag, name]) => [flag, getterOf(RegExp.prototype, name)]);

/** Names of the runtime's classes that the tags of their objects do not tell. */
const ITERATORS = /^(?:Async)?Generator$|Iterator(?: Helper)?$/;

/** "DataView", or the name of the typed array's built-in class. */
export function viewKindOf(view: ArrayBufferView): string {
  return (viewTag(view) as string | undefined) ?? "DataView";
}

/** Whether such a prototype is among those of an object. Ends whatever the object says. */
function inherits(value: object, prototypes: readonly (object | undefined)[]): number {
  let prototype: object | null = getPrototypeOf(value);
  for (let i = 0; prototype !== null && i < MAX_PROTOTYPES; i++) {
    for (let at = 0; at < prototypes.length; at++) if (prototypes[at] === prototype) return at;
    prototype = getPrototypeOf(prototype);
  }
  return -1;
}

/** Whether a value is an error, of any realm. Never throws. */
export function isError(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  try {
    if (hasErrorSlot?.(value)) return true;
    if (inherits(value, [ERROR_PROTOTYPE, EXCEPTION_PROTOTYPE]) >= 0) return true;
    return hasErrorSlot === undefined && tagged(value) === "[object Error]";
  } catch {
    return false;
  }
}

/** Whether a value is a `DOMException`. Never throws. */
export function isDOMException(value: object): boolean {
  try {
    return EXCEPTION_PROTOTYPE !== undefined && inherits(value, [EXCEPTION_PROTOTYPE]) === 0;
  } catch {
    return false;
  }
}

/** "Object" for what travels by its own properties, or the name of its kind. */
export function kindOf(value: object): string {
  const usual = usualKind(getPrototypeOf(value));
  if (usual !== undefined && bears(brandOf(usual)!, value)) return usual;
  const tag = sliced(tagged(value) as string, 8, -1);
  const brand = brandOf(tag);
  if (brand !== undefined && bears(brand, value)) return tag;
  if (isError(value)) return "Error";
  if (tag === "Object" || tag === "Arguments") {
    const prototype = getPrototypeOf(value);
    if (prototype === null) return ownKeys(value).length > 0 ? "Object" : kindByBrand(value);
    const known = getCached(prototype);
    if (known === true) return "Object";
    const kind = kindByPrototypes(value);
    if (known === undefined) setCached(prototype, kind === "Object");
    return kind;
  }
  // A class of the runtime (MessagePort, Promise, Blob) has state that no property shows; a class of
  // the user's own with a tag has not.
  const known = (globalThis as unknown as Record<string, { prototype?: object } | undefined>)[tag];
  if (known?.prototype !== undefined && inherits(value, [known.prototype]) === 0) return tag;
  return tests(ITERATORS, tag) || tag === "KeyObject" ? tag : kindByPrototypes(value);
}

/** The kind of an object that has nothing, not even a prototype. */
function kindByBrand(value: object): string {
  for (let i = 0; i < BUILT_IN.length; i++) {
    const [kind] = BUILT_IN[i]!;
    if (bears(brandOf(kind)!, value)) return kind;
  }
  return "Object";
}

/** The kind of an object whose tag says nothing: an object of a user's class, or of one of the runtime's. */
function kindByPrototypes(value: object): string {
  const at = inherits(value, BUILT_IN_PROTOTYPES);
  if (at >= 0) {
    const [kind] = BUILT_IN[at]!;
    if (bears(brandOf(kind)!, value)) return kind;
  }
  if (localWords(value) !== undefined) return "Future";
  let prototype: object | null = getPrototypeOf(value);
  for (let i = 0; prototype !== null && i < MAX_PROTOTYPES; i++) {
    const next: object | null = getPrototypeOf(prototype);
    if (next === null) return "Object"; // Object.prototype, of whatever realm
    const { constructor } = prototype as { constructor?: unknown };
    if (hasOwn(prototype, "constructor") && isNative(constructor)) {
      return (constructor as { name: string }).name;
    }
    prototype = next;
  }
  return prototype === null ? "Object" : "Proxy";
}

const { hasOwn } = Object;
const { ownKeys } = Reflect;
const BUILT_IN_PROTOTYPES = BUILT_IN.map(([, prototype]) => prototype);

/** Whether a class is one of the runtime's: `Intl.NumberFormat`, `WebAssembly.Memory`, `WeakMap`. */
function isNative(constructor: unknown): boolean {
  return typeof constructor === "function" &&
    tests(/\{\s*\[native code\]\s*\}\s*$/, sourceText(constructor) as string) &&
    constructor.name !== "" && constructor.name !== "Array" && constructor.name !== "Object" &&
    // A bound function of the user's has no prototype, a class has.
    typeof constructor.prototype === "object";
}

function bears(brand: Getter, value: object): boolean {
  try {
    brand(value);
    return true;
  } catch {
    return false;
  }
}

/** Source and flags of a regular expression, whatever properties of its own it has. */
export function regexpParts(value: object): readonly [source: string, flags: string] {
  let flags = "";
  for (let i = 0; i < FLAGS.length; i++) {
    const [flag, has] = FLAGS[i]!;
    if (has(value)) flags += flag;
  }
  return [brandOf("RegExp")!(value) as string, flags];
}

/** The primitive in a boxed one, or the time of a `Date`. */
export function primitiveOf(kind: string, value: object): unknown {
  return brandOf(kind)!(value);
}

/** The error of a value that cannot travel. */
export function uncloneable(
  value: unknown,
  why = "cannot be sent to another process",
): DOMException {
  const name = typeof value === "symbol" ? "a symbol" : show(value);
  return new DOMException(`${name} ${why}`, "DataCloneError");
}
