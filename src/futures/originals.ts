/**
 * The built-ins that futures use, as they were when the library was loaded: in a worker tasks share their
 * world, and replace, remove and freeze what they like. `src/wire/originals.ts` has what the rest of a
 * worker's program uses, and this, too.
 *
 * @module
 */

export const isArray: typeof Array.isArray = Array.isArray;
export const defineProperty: typeof Object.defineProperty = Object.defineProperty;
export const getOwnPropertyDescriptor: typeof Object.getOwnPropertyDescriptor =
  Object.getOwnPropertyDescriptor;
export const getPrototypeOf: typeof Object.getPrototypeOf = Object.getPrototypeOf;
export const hasOwn: typeof Object.hasOwn = Object.hasOwn;
export const keys: typeof Object.keys = Object.keys;
export const OBJECT_PROTOTYPE: object = Object.prototype;
export const MAP_PROTOTYPE: object = Map.prototype;
export const SET_PROTOTYPE: object = Set.prototype;

// Called as they are: with `new`, or as functions.
export const ErrorOf: typeof Error = Error;
export const ObjectOf: typeof Object = Object;
export const PromiseOf: typeof Promise = Promise;
export const StringOf: typeof String = String;
export const TypeErrorOf: typeof TypeError = TypeError;
export const WeakMapOf: typeof WeakMap = WeakMap;

export const max: typeof Math.max = Math.max;
export const ceil: typeof Math.ceil = Math.ceil;

const { bind, call } = Function.prototype;

/** A method as a function that is given its `this` first. In JavaScriptCore it costs 50 ns. */
export const uncurried: (method: unknown) => (receiver: unknown, ...args: unknown[]) => unknown =
  bind
    .bind(call) as never;

/** Calls a function with a `this`, as `fn.call(receiver, ...)` does, which is what engines do best. */
export const CALL: unknown = call;

const { toString } = Function.prototype;
const toText = uncurried(toString) as (fn: unknown) => string;

/** The source of a function. By `call`, where that is the original: in JavaScriptCore it costs half. */
export function textOfFunction(fn: unknown): string {
  return toString.call === CALL ? toString.call(fn as () => void) : toText(fn);
}

export const textSlice = uncurried(String.prototype.slice) as (
  text: string,
  from: number,
  to?: number,
) => string;

type Promised = (promise: Promise<unknown>, ...callbacks: unknown[]) => Promise<unknown>;
export const promiseThen = uncurried(Promise.prototype.then) as Promised;
/** It calls `then`, whoever that is by now, as it always has. */
export const promiseFinally = uncurried(Promise.prototype.finally) as Promised;

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
