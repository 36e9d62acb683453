/**
 * The built-ins that a worker's program uses, as they were when it was loaded. Tasks share its world, and
 * they, or what they import, replace, remove and freeze what they like. What comes after the start uses
 * nothing else than this, as far as it was converted.
 *
 * What no built-in is asked for is best: index loops in place of iteration, spread and destructuring of
 * arrays; literals, which set properties of their own whatever setters their prototypes have.
 *
 * @module
 */

import {
  append,
  define,
  defineProperty,
  getOwnPropertyDescriptor,
  uncurried,
} from "../futures/originals.ts";
export {
  append,
  CALL,
  define,
  ErrorOf,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  isArray,
  keys,
  OBJECT_PROTOTYPE,
  ObjectOf,
  PromiseOf,
  StringOf,
  textOfFunction,
  textSlice,
  TypeErrorOf,
  uncurried,
} from "../futures/originals.ts";

export const isView: typeof ArrayBuffer.isView = ArrayBuffer.isView;
export const ownNames: typeof Object.getOwnPropertyNames = Object.getOwnPropertyNames;
export const apply: typeof Reflect.apply = Reflect.apply;
export const freeze: typeof Object.freeze = Object.freeze;
export const construct: typeof Reflect.construct = Reflect.construct;
export const ownKeys: typeof Reflect.ownKeys = Reflect.ownKeys;

// Called as they are: with `new`, or as functions.
export const AbortControllerOf: typeof AbortController = AbortController;
export const BigIntOf: typeof BigInt = BigInt;
export const BufferOf: typeof ArrayBuffer = ArrayBuffer;
export const BytesOf: typeof Uint8Array = Uint8Array;
export const DateOf: typeof Date = Date;
export const DoublesOf: typeof Float64Array = Float64Array;
export const FunctionOf: typeof Function = Function;
export const IntegersOf: typeof Int32Array = Int32Array;
export const NumberOf: typeof Number = Number;
export const RangeErrorOf: typeof RangeError = RangeError;
export const RegExpOf: typeof RegExp = RegExp;
/** `undefined` in a runtime without it. */
export const ExceptionOf: typeof DOMException = globalThis.DOMException;

/** The getter of a property, as a function; one that gives `undefined` if there is none. */
export function getterOf(owner: object, key: PropertyKey): (receiver: unknown) => unknown {
  const getter = getOwnPropertyDescriptor(owner, key)?.get;
  return getter === undefined ? () => undefined : uncurried(getter);
}

/** As `getterOf`, for what some runtimes keep in each object: `signal` of old Cloudflare, `data` of Deno. */
export function readerOf(owner: object, key: PropertyKey): (receiver: unknown) => unknown {
  const getter = getOwnPropertyDescriptor(owner, key)?.get;
  return getter === undefined
    ? (receiver) => (receiver as Record<PropertyKey, unknown>)[key]
    : uncurried(getter);
}

type Text<A extends unknown[], R> = (text: string, ...args: A) => R;
export const textIndexOf = uncurried(String.prototype.indexOf) as Text<
  [part: string, from?: number],
  number
>;
export const UNIT_AT: unknown = String.prototype.charCodeAt;
export const isWellFormed = uncurried(String.prototype.isWellFormed) as Text<[], boolean>;
export const unitAt = uncurried(String.prototype.charCodeAt) as Text<[at: number], number>;
export const fromCharCode: typeof String.fromCharCode = String.fromCharCode;

export const textOfBigInt = uncurried(BigInt.prototype.toString) as (
  value: bigint,
  radix: number,
) => string;
export const matches = uncurried(RegExp.prototype.exec) as (
  pattern: RegExp,
  text: string,
) => RegExpExecArray | null;

type Views = (view: ArrayBufferView) => number;
const VIEWS = Object.getPrototypeOf(Uint8Array.prototype) as object;
/** Of typed arrays. */
export const bufferOf = getterOf(VIEWS, "buffer") as (view: ArrayBufferView) => ArrayBuffer;
export const offsetOf = getterOf(VIEWS, "byteOffset") as Views;
export const lengthOf = getterOf(VIEWS, "length") as Views;
export const sizeOfBuffer = getterOf(ArrayBuffer.prototype, "byteLength") as (
  buffer: object,
) => number;
export const isResizable = getterOf(ArrayBuffer.prototype, "resizable") as (
  buffer: object,
) => boolean | undefined;
export const maxSizeOfBuffer = getterOf(ArrayBuffer.prototype, "maxByteLength") as (
  buffer: object,
) => number;
export const isDetached = getterOf(ArrayBuffer.prototype, "detached") as (
  buffer: object,
) => boolean | undefined;
export const setBytes = uncurried(Uint8Array.prototype.set) as (
  target: Uint8Array,
  bytes: Uint8Array,
  at: number,
) => void;

/** Whether a value is an `ArrayBuffer`, and not shared. */
export function isBuffer(value: unknown): value is ArrayBuffer {
  try {
    return sizeOfBuffer(value as object) >= 0;
  } catch {
    return false;
  }
}

const tagOfView = getterOf(VIEWS, Symbol.toStringTag);
const sizeOfView = getterOf(VIEWS, "byteLength") as Views;
const bufferOfData = getterOf(DataView.prototype, "buffer") as (
  view: ArrayBufferView,
) => ArrayBuffer;
const offsetOfData = getterOf(DataView.prototype, "byteOffset") as Views;
const sizeOfData = getterOf(DataView.prototype, "byteLength") as Views;
const isData = (view: ArrayBufferView): boolean => tagOfView(view) === undefined;

// Of typed arrays and of `DataView`s.
export const viewBuffer = (view: ArrayBufferView): ArrayBuffer =>
  isData(view) ? bufferOfData(view) : bufferOf(view);
export const viewOffset = (view: ArrayBufferView): number =>
  isData(view) ? offsetOfData(view) : offsetOf(view);
export const viewBytes = (view: ArrayBufferView): number =>
  isData(view) ? sizeOfData(view) : sizeOfView(view);
export const viewSize = (view: ArrayBufferView): number =>
  isData(view) ? sizeOfData(view) : lengthOf(view);

/** Some bytes, in the same memory. Not by `subarray`, which asks for a class. */
export function bytesIn<B extends ArrayBufferLike>(
  bytes: Uint8Array<B>,
  from: number,
  to: number,
): Uint8Array<B> {
  return new BytesOf(bufferOf(bytes) as ArrayBufferLike as B, offsetOf(bytes) + from, to - from);
}

const ITERATOR: typeof Symbol.iterator = Symbol.iterator;
const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The same list with an iterator of its own: runtimes read lists as the language does, by that of all arrays. */
export function iterable<T>(list: readonly T[]): T[] {
  const copy: T[] = [];
  for (let i = 0; i < list.length; i++) append(copy, list[i]!);
  const iterator = (): Iterator<T> => {
    let at = 0;
    return { next: () => at < copy.length ? { done: false, value: copy[at++]! } : END };
  };
  define(copy, ITERATOR, iterator, false);
  return copy;
}

type ForEach = (container: object, look: (value: unknown, key: unknown) => void) => void;
export const forEachOfMap = uncurried(Map.prototype.forEach) as ForEach;
export const forEachOfSet = uncurried(Set.prototype.forEach) as ForEach;
// For where a method of the user's value is called, or added to, by its own class.
export const MapOf: typeof Map = Map;
export const SetOf: typeof Set = Set;
export const addToSet = uncurried(Set.prototype.add) as (set: object, value: unknown) => void;
export const putInMap = uncurried(Map.prototype.set) as (
  map: object,
  key: unknown,
  value: unknown,
) => void;

export const round: typeof Math.round = Math.round;
export const floor: typeof Math.floor = Math.floor;
export const imul: typeof Math.imul = Math.imul;
/** Where there is shared memory. */
export const compareExchange: typeof Atomics.compareExchange = globalThis.Atomics?.compareExchange;
export const storeAtomic: typeof Atomics.store = globalThis.Atomics?.store;
export const loadAtomic: typeof Atomics.load = globalThis.Atomics?.load;
export const addAtomic: typeof Atomics.add = globalThis.Atomics?.add;
export const waitAtomic: typeof Atomics.wait = globalThis.Atomics?.wait;
export const notifyAtomic: typeof Atomics.notify = globalThis.Atomics?.notify;

const { setPrototypeOf } = Object;

/** All of a prototype's properties, to be those of another one that has nothing else. */
function copyPrototype(from: object, to: object): void {
  const found = ownKeys(from);
  for (let i = 0; i < found.length; i++) {
    const key = found[i]!;
    if (key !== "constructor") defineProperty(to, key, getOwnPropertyDescriptor(from, key)!);
  }
  setPrototypeOf(to, null);
}

/** A map with methods of its own, which nobody can replace: for what only the program sees. */
export class SafeMap<K, V> extends Map<K, V> {
  constructor() {
    super();
  }
}
copyPrototype(Map.prototype, SafeMap.prototype);

/** A set with methods of its own, as {@linkcode SafeMap}. */
export class SafeSet<T> extends Set<T> {
  constructor() {
    super();
  }
}
copyPrototype(Set.prototype, SafeSet.prototype);

/** A map by objects that it does not keep, as {@linkcode SafeMap}. */
export class SafeWeakMap<K extends WeakKey, V> extends WeakMap<K, V> {
  constructor() {
    super();
  }
}
copyPrototype(WeakMap.prototype, SafeWeakMap.prototype);

/** A view with methods of its own, as {@linkcode SafeMap}. */
export class SafeView extends DataView<ArrayBuffer> {
  constructor(buffer: ArrayBuffer, at: number, length: number) {
    super(buffer, at, length);
  }
}
copyPrototype(DataView.prototype, SafeView.prototype);
