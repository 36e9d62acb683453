/**
 * Waiting for what tasks return, without `await`: that asks a promise for its `constructor` and, if a
 * task has replaced it, for its `then`.
 *
 * @module
 */

import {
  define,
  getPrototypeOf,
  hasOwn,
  OBJECT_PROTOTYPE,
  PromiseOf,
  uncurried,
} from "../wire/originals.ts";

const PROMISE_PROTOTYPE: object = PromiseOf.prototype;
const subscribe = uncurried(PromiseOf.prototype.then) as <T>(
  promise: PromiseLike<T>,
  fulfilled: (value: T) => void,
  rejected: (reason: unknown) => void,
) => void;

/** Prototypes that are asked for a `then`; a Proxy may give ever new ones. */
const MAX_PROTOTYPES = 100;

/** Whether a value is to be waited for. Throws what a getter throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  if (isPlainPromise(value)) return true;
  if (typeof (value as { then?: unknown }).then !== "function") return false;
  // One that every object has is nobody's: `Object.prototype.then` would make lists promises.
  return !hasOwn(OBJECT_PROTOTYPE, "then") || hasOwnThen(value);
}

/** A promise of this realm, without a `then` of its own. */
function isPlainPromise(value: object): boolean {
  return getPrototypeOf(value) === PROMISE_PROTOTYPE && !hasOwn(value, "then");
}

function hasOwnThen(value: object): boolean {
  let owner: object | null = value;
  for (let i = 0; owner !== null && owner !== OBJECT_PROTOTYPE && i < MAX_PROTOTYPES; i++) {
    if (hasOwn(owner, "then")) return true;
    owner = getPrototypeOf(owner);
  }
  return false;
}

/** Calls one of two functions, once, when a thenable has settled; never at once. */
export function whenSettled<T>(
  value: PromiseLike<T>,
  fulfilled: (value: T) => void,
  rejected: (reason: unknown) => void,
): void {
  // A thenable of the user's may call back twice, at once, or throw: a promise sees to that.
  const promise = isPlainPromise(value) ? value : new PromiseOf<T>((resolve) => resolve(value));
  try {
    subscribe(promise, fulfilled, rejected);
  } catch {
    try {
      // Its class was replaced, which is asked for the promise that `then` returns.
      define(promise, "constructor", undefined, false);
      subscribe(promise, fulfilled, rejected);
    } catch (error) {
      rejected(error); // it has the prototype of a promise, and no more
    }
  }
}
