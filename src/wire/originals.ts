/**
 * The built-ins that a worker's program uses, as they were when it was loaded. Tasks share its world, and
 * they, or what they import, replace, remove and freeze what they like. What comes after the start uses
 * nothing else than this; `tools/check_originals.ts` looks after it.
 *
 * What no built-in is asked for is best: index loops in place of iteration, spread and destructuring of
 * arrays; literals, which set properties of their own whatever setters their prototypes have.
 *
 * @module
 */

export const isArray: typeof Array.isArray = Array.isArray;
export const isView: typeof ArrayBuffer.isView = ArrayBuffer.isView;
export const defineProperty: typeof Object.defineProperty = Object.defineProperty;
export const getOwnPropertyDescriptor: typeof Object.getOwnPropertyDescriptor =
  Object.getOwnPropertyDescriptor;
export const ownNames: typeof Object.getOwnPropertyNames = Object.getOwnPropertyNames;
export const getPrototypeOf: typeof Object.getPrototypeOf = Object.getPrototypeOf;
export const hasOwn: typeof Object.hasOwn = Object.hasOwn;
export const keys: typeof Object.keys = Object.keys;
export const apply: typeof Reflect.apply = Reflect.apply;
export const construct: typeof Reflect.construct = Reflect.construct;
export const ownKeys: typeof Reflect.ownKeys = Reflect.ownKeys;
export const OBJECT_PROTOTYPE: object = Object.prototype;

// Called as they are: with `new`, or as functions.
export const AbortControllerOf: typeof AbortController = AbortController;
export const BigIntOf: typeof BigInt = BigInt;
export const BufferOf: typeof ArrayBuffer = ArrayBuffer;
export const BytesOf: typeof Uint8Array = Uint8Array;
export const DateOf: typeof Date = Date;
export const DoublesOf: typeof Float64Array = Float64Array;
export const ErrorOf: typeof Error = Error;
export const FunctionOf: typeof Function = Function;
export const IntegersOf: typeof Int32Array = Int32Array;
export const NumberOf: typeof Number = Number;
export const ObjectOf: typeof Object = Object;
export const PromiseOf: typeof Promise = Promise;
export const RangeErrorOf: typeof RangeError = RangeError;
export const RegExpOf: typeof RegExp = RegExp;
export const StringOf: typeof String = String;
export const TypeErrorOf: typeof TypeError = TypeError;
export const UnitsOf: typeof Uint16Array = Uint16Array;
/** `undefined` in a runtime without it. */
export const ExceptionOf: typeof DOMException = globalThis.DOMException;

const { bind, call } = Function.prototype;

/** A method as a function that is given its `this` first. In JavaScriptCore it costs 50 ns. */
export const uncurried: (method: unknown) => (receiver: unknown, ...args: unknown[]) => unknown =
  bind
    .bind(call) as never;

/** The getter of a property, as a function; one that gives `undefined` if there is none. */
export function getterOf(owner: object, key: PropertyKey): (receiver: unknown) => unknown {
  const getter = getOwnPropertyDescriptor(owner, key)?.get;
  return getter === undefined ? () => undefined : uncurried(getter);
}

type Text<A extends unknown[], R> = (text: string, ...args: A) => R;
export const textSlice = uncurried(String.prototype.slice) as Text<
  [from: number, to?: number],
  string
>;
export const textIndexOf = uncurried(String.prototype.indexOf) as Text<
  [part: string, from?: number],
  number
>;
export const unitAt = uncurried(String.prototype.charCodeAt) as Text<[at: number], number>;
export const fromCharCode: typeof String.fromCharCode = String.fromCharCode;

export const matches = uncurried(RegExp.prototype.exec) as (
  pattern: RegExp,
  text: string,
) => RegExpExecArray | null;

/** Calls a function with a `this`, as `fn.call(receiver, ...)` does, which is what engines do best. */
export const CALL: unknown = call;

export const min: typeof Math.min = Math.min;
export const max: typeof Math.max = Math.max;
export const round: typeof Math.round = Math.round;
export const floor: typeof Math.floor = Math.floor;
export const imul: typeof Math.imul = Math.imul;
/** Where there is shared memory. */
export const compareExchange: typeof Atomics.compareExchange = globalThis.Atomics?.compareExchange;

/** All of a prototype's properties, to be those of another one that has nothing else. */
function copyPrototype(from: object, to: object): void {
  const found = ownKeys(from);
  for (let i = 0; i < found.length; i++) {
    const key = found[i]!;
    if (key !== "constructor") defineProperty(to, key, getOwnPropertyDescriptor(from, key)!);
  }
  Object.setPrototypeOf(to, null);
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

/** A view with methods of its own, as {@linkcode SafeMap}. */
export class SafeView extends DataView<ArrayBuffer> {
  constructor(buffer: ArrayBuffer, at: number, length: number) {
    super(buffer, at, length);
  }
}
copyPrototype(DataView.prototype, SafeView.prototype);

/**
 * Adds to an array, also where `Array.prototype` has a setter of that number: then what was added is not
 * there, or was refused.
 */
export function append<T>(array: T[], value: T): void {
  const { length } = array;
  try {
    array[length] = value;
  } catch { /* it is read-only there */ }
  if (array.length === length) define(array, length, value);
}

/** Sets a property of an object's own, whatever its prototypes say. */
export function define(object: object, key: PropertyKey, value: unknown, enumerable = true): void {
  // Without a prototype: a task may have given Object.prototype a `get`.
  defineProperty(
    object,
    key,
    {
      __proto__: null,
      value,
      enumerable,
      configurable: true,
      writable: true,
    } as PropertyDescriptor,
  );
}
