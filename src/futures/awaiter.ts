/**
 * What is worth to know: `await` and `Promise.all` pass a promise's own functions to `then`, and for
 * those no promise need be made. Without it 100,000 tasks under one `Promise.all` take 1.2 to 1.5 times
 * as long (`node bench/await.ts`, `bun bench/await.ts`).
 *
 * @module
 */

import { promiseFinally, PromiseOf, promiseThen, textOfFunction, WeakMapOf } from "./originals.ts";

/** What is awaited. */
interface Awaited {
  result(): Promise<unknown>;
}

/** What somebody who waits without a timeout is told by. */
export type Tell = (value: unknown) => unknown;

/**
 * One `await` among others who wait. It is also what `then` returns to those who pass a promise's own
 * functions: they do not look at it, so a promise is made when one does.
 */
export class Awaiter implements Promise<undefined> {
  readonly future: Awaited;
  readonly resolve: Tell;
  readonly reject: Tell;

  constructor(future: Awaited, resolve: Tell, reject: Tell) {
    this.future = future;
    this.resolve = resolve;
    this.reject = reject;
  }

  then<A = undefined, B = never>(
    onFulfilled?: ((value: undefined) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return promiseThen(this.#promise(), onFulfilled, onRejected) as Promise<A | B>;
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<undefined | B> {
    return promiseThen(this.#promise(), undefined, onRejected) as Promise<undefined | B>;
  }

  finally(onFinally?: (() => void) | null): Promise<undefined> {
    return promiseFinally(this.#promise(), onFinally) as Promise<undefined>;
  }

  get [Symbol.toStringTag](): string {
    return "Promise";
  }

  #promise(): Promise<undefined> {
    // Those who wait are told before this goes on.
    const result = (tell: Tell) => () => foreign.get(tell)?.get(this.future);
    const { resolve, reject } = this;
    return promiseThen(this.future.result(), result(resolve), result(reject)) as Promise<undefined>;
  }
}

/** What functions of users gave that were taken for a promise's own, and for which future. */
const foreign = new WeakMapOf<Tell, WeakMap<Awaited, unknown>>();

/** Tells somebody what a future came to. */
export function goOn(future: Awaited, tell: Tell, value: unknown): void {
  let result: unknown;
  try {
    result = tell(value);
  } catch (error) {
    result = new PromiseOf((_resolve, reject) => reject(error));
    promiseThen(result as Promise<never>, undefined, () => {});
  }
  // A promise's own functions give nothing: this was a Proxy around a user's, which looks like one.
  if (result === undefined) return;
  let results = foreign.get(tell);
  if (results === undefined) foreign.set(tell, results = new WeakMapOf());
  results.set(future, result);
}

/** What V8 and JavaScriptCore give as the source of a native function without a name, and V8 of a `Proxy`. */
const NATIVE = "function () { [native code] }";

/**
 * Whether two functions are those that belong to a promise, as `await` and `Promise.all` pass them to
 * `then`. Calling one runs no code of a user's, so it does not matter when it is called, nor in
 * which async context, and two promises need not be made.
 */
export function belongToPromise(
  onFulfilled: ((value: never) => unknown) | null | undefined,
  onRejected: ((reason: unknown) => unknown) | null | undefined,
): boolean {
  return isKnown && belongsToPromise(onFulfilled) && belongsToPromise(onRejected);
}

function belongsToPromise(fn: ((value: never) => unknown) | null | undefined): boolean {
  return typeof fn === "function" && textOfFunction(fn) === NATIVE && fn.name === "";
}

/** Whether the engine writes them so; Firefox does not, and all goes the ordinary way. */
let isKnown = false;
void new PromiseOf((resolve) => isKnown = textOfFunction(resolve) === NATIVE);
