/**
 * What V8 makes it worth to know: `await` and `Promise.all` pass a promise's own functions to `then`, and for
 * those no promise need be made. Without it 100,000 tasks under one `Promise.all` take 1.2 to 1.4 times
 * as long on Node and Deno (`node bench/await.ts`). Elsewhere all goes the ordinary way.
 *
 * @module
 */

import { promiseFinally, PromiseOf, promiseThen, textOfFunction } from "./originals.ts";

/** What is awaited. */
interface Awaited {
  result(): Promise<unknown>;
}

/**
 * One `await`, or whoever else waits without a timeout. It is also what `then` returns to those who pass
 * a promise's own functions: they do not look at it, so a promise is made when one does.
 */
export class Awaiter implements Promise<undefined> {
  readonly future: Awaited;
  readonly resolve: (value: unknown) => unknown;
  readonly reject: (reason: unknown) => unknown;

  constructor(
    future: Awaited,
    resolve: (value: unknown) => unknown,
    reject: (reason: unknown) => unknown,
  ) {
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

  /** Calls one of its functions with what the future came to. */
  tell(call: (value: unknown) => unknown, value: unknown): void {
    let result: unknown;
    try {
      result = call(value);
    } catch (error) {
      const failed = new PromiseOf((_resolve, reject) => reject(error));
      promiseThen(failed, undefined, () => {});
      result = failed;
    }
    // A promise's own functions give nothing: this was a Proxy around a user's, which looks like one.
    if (result !== undefined) foreign.set(this, result);
  }

  #promise(): Promise<undefined> {
    // Those who wait are told before this goes on.
    const result = () => foreign.get(this) as undefined;
    return promiseThen(this.future.result(), result, result) as Promise<undefined>;
  }
}

/** What functions of users gave that were taken for a promise's own. */
const foreign = new WeakMap<Awaiter, unknown>();

/** What V8 gives as the source of a native function without a name, and of a bound one. */
const NATIVE = "function () { [native code] }";

/**
 * Whether two functions are those that belong to a promise, as `await` and `Promise.all` pass them to
 * `then`. Calling one runs no code of a user's, so it does not matter when it is called, nor in
 * which async context, and two promises need not be made. Only V8 gains by it, and is asked.
 */
export function belongToPromise(
  onFulfilled: ((value: never) => unknown) | null | undefined,
  onRejected: ((reason: unknown) => unknown) | null | undefined,
): boolean {
  return isV8 && belongsToPromise(onFulfilled) && belongsToPromise(onRejected);
}

function belongsToPromise(fn: ((value: never) => unknown) | null | undefined): boolean {
  return typeof fn === "function" && textOfFunction(fn) === NATIVE && fn.name === "";
}

/** Whether this is V8, as far as it matters here. */
const isV8 = textOfFunction(new Proxy(() => {}, {})) === NATIVE;
