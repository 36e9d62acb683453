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
import {
  ExceptionOf,
  getPrototypeOf,
  getterOf,
  hasOwn,
  matches,
  ownKeys,
  SafeMap,
  SafeWeakMap,
  textOfFunction,
  textSlice,
  uncurried,
} from "./originals.ts";

/** Prototypes of one object at the most; a Proxy may give ever new ones. */
const MAX_PROTOTYPES = 100;

type Getter = (value: unknown) => unknown;

const tagged = uncurried(Object.prototype.toString) as (value: unknown) => string;
/** Whether objects of such a prototype are plain. */
const cachedPlain = new SafeWeakMap<object, boolean>();

/** The tag of a typed array, whatever its class says; `undefined` for a `DataView`. */
export const viewTag: Getter = getterOf(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);

/** Kinds that have a form of their own, and what throws for anything else. */
const BRANDS: Readonly<Record<string, Getter | undefined>> = {
  __proto__: null,
  Map: getterOf(Map.prototype, "size"),
  Set: getterOf(Set.prototype, "size"),
  Date: uncurried(Date.prototype.getTime),
  ArrayBuffer: getterOf(ArrayBuffer.prototype, "byteLength"),
  RegExp: getterOf(RegExp.prototype, "source"),
  Number: uncurried(Number.prototype.valueOf),
  String: uncurried(String.prototype.valueOf),
  Boolean: uncurried(Boolean.prototype.valueOf),
  BigInt: uncurried(BigInt.prototype.valueOf),
  Symbol: uncurried(Symbol.prototype.valueOf),
} as never;

/** The same by their prototypes here, for what hides its tag. */
const KINDS: readonly string[] = [
  "Map",
  "Set",
  "Date",
  "ArrayBuffer",
  "RegExp",
  "Number",
  "String",
  "Boolean",
  "BigInt",
];
const PROTOTYPES: readonly object[] = [
  Map.prototype,
  Set.prototype,
  Date.prototype,
  ArrayBuffer.prototype,
  RegExp.prototype,
  Number.prototype,
  String.prototype,
  Boolean.prototype,
  BigInt.prototype,
];
const usualKinds = new SafeMap<object | null, string>();
for (let i = 0; i < KINDS.length; i++) usualKinds.set(PROTOTYPES[i]!, KINDS[i]!);

const ERROR_PROTOTYPE = Error.prototype;
const { isError: hasErrorSlot } = Error as { isError?: (value: unknown) => boolean };
const GLOBAL = globalThis as unknown as Record<string, { prototype?: object } | undefined>;
const { DOMException: Exception } = globalThis as { DOMException?: typeof DOMException };
const EXCEPTION_PROTOTYPE = Exception?.prototype;

/** What a regular expression's flags are called. */
const FLAGS = "dgimsuvy";
const HAS_FLAG: readonly Getter[] = [
  getterOf(RegExp.prototype, "hasIndices"),
  getterOf(RegExp.prototype, "global"),
  getterOf(RegExp.prototype, "ignoreCase"),
  getterOf(RegExp.prototype, "multiline"),
  getterOf(RegExp.prototype, "dotAll"),
  getterOf(RegExp.prototype, "unicode"),
  getterOf(RegExp.prototype, "unicodeSets"),
  getterOf(RegExp.prototype, "sticky"),
];

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
  const usual = usualKinds.get(getPrototypeOf(value));
  if (usual !== undefined && bears(BRANDS[usual]!, value)) return usual;
  const tag = textSlice(tagged(value), 8, -1);
  const brand = BRANDS[tag];
  if (brand !== undefined && bears(brand, value)) return tag;
  if (isError(value)) return "Error";
  if (tag === "Object" || tag === "Arguments") {
    const prototype = getPrototypeOf(value);
    if (prototype === null) return ownKeys(value).length > 0 ? "Object" : kindByBrand(value);
    const known = cachedPlain.get(prototype);
    if (known === true) return "Object";
    const kind = kindByPrototypes(value);
    if (known === undefined) cachedPlain.set(prototype, kind === "Object");
    return kind;
  }
  // A class of the runtime (MessagePort, Promise, Blob) has state that no property shows; a class of
  // the user's own with a tag has not.
  const known = GLOBAL[tag];
  if (known?.prototype !== undefined && inherits(value, [known.prototype]) === 0) return tag;
  return matches(ITERATORS, tag) !== null || tag === "KeyObject" ? tag : kindByPrototypes(value);
}

/** The kind of an object that has nothing, not even a prototype. */
function kindByBrand(value: object): string {
  for (let i = 0; i < KINDS.length; i++) if (bears(BRANDS[KINDS[i]!]!, value)) return KINDS[i]!;
  return "Object";
}

/** The kind of an object whose tag says nothing: an object of a user's class, or of one of the runtime's. */
function kindByPrototypes(value: object): string {
  const at = inherits(value, PROTOTYPES);
  if (at >= 0 && bears(BRANDS[KINDS[at]!]!, value)) return KINDS[at]!;
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

/** Whether a class is one of the runtime's: `Intl.NumberFormat`, `WebAssembly.Memory`, `WeakMap`. */
function isNative(constructor: unknown): boolean {
  return typeof constructor === "function" &&
    matches(/\{\s*\[native code\]\s*\}\s*$/, textOfFunction(constructor)) !== null &&
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
export function regexpParts(
  value: object,
): { readonly source: string; readonly flags: string } {
  let flags = "";
  for (let i = 0; i < FLAGS.length; i++) if (HAS_FLAG[i]!(value)) flags += FLAGS[i];
  return { source: BRANDS["RegExp"]!(value) as string, flags };
}

/** The primitive in a boxed one, or the time of a `Date`. */
export function primitiveOf(kind: string, value: object): unknown {
  return BRANDS[kind]!(value);
}

/** The error of a value that cannot travel. */
export function uncloneable(
  value: unknown,
  why = "cannot be sent to another process",
): DOMException {
  const name = typeof value === "symbol" ? "a symbol" : show(value);
  return new ExceptionOf(`${name} ${why}`, "DataCloneError");
}
