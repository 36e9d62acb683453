import { callBack } from "../futures/callback.ts";
import { markLocal } from "../futures/local_object.ts";
import { InvalidStateError } from "../futures/errors.ts";
import { describeAs } from "../futures/inspect.ts";
import { describeFuture, hasFailed, outcome } from "../futures/future.ts";
import { FutureSource } from "../futures/future_source.ts";
import type { Future } from "../futures/future.ts";
import { checkWaitOptions } from "../futures/deadline.ts";
import type { WaitOptions } from "../futures/deadline.ts";

/** What may be called when an {@linkcode AsyncResult} is ready. */
export interface AsyncResultOptions<T> {
  /**
   * Called once with the result, before others see it. What it throws is reported, and changes nothing.
   *
   * @default {undefined}
   */
  callback?: ((value: T) => void) | undefined;
  /**
   * Called once with the error, in place of `callback`.
   *
   * @default {undefined}
   */
  errorCallback?: ((error: unknown) => void) | undefined;
}

let makeAsyncResult: <T>(future: Future<T>, options: AsyncResultOptions<T>) => AsyncResult<T>;

const MAKE = Symbol("make");

/**
 * The result of an asynchronous call of a pool.
 *
 * Mirrors Python's `multiprocessing.pool.AsyncResult`, and can be awaited: `await result` is
 * `await result.get()`. Pools make them; an error that nobody looks at is silent.
 *
 * @typeParam T What it comes to.
 *
 * @example Usage
 * ```ts
 * import { ThreadPool } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool(2);
 * const result = pool.applyAsync((a: number, b: number) => a * b, [6, 7]);
 * assertEquals(await result.get(), 42);
 * assertEquals(result.successful(), true);
 * ```
 */
export class AsyncResult<T> implements PromiseLike<T> {
  readonly #future: Future<T>;

  static {
    describeAs<AsyncResult<unknown>>(
      this.prototype,
      "AsyncResult",
      (result, inspect) => `AsyncResult { ${describeFuture(result.#future, inspect)} }`,
    );
    markLocal(this.prototype, "an AsyncResult; await it, and pass what it gives");
    makeAsyncResult = <T>(
      future: Future<T>,
      { callback, errorCallback }: AsyncResultOptions<T>,
    ) => {
      if (callback === undefined && errorCallback === undefined) {
        return new this<T>(MAKE, future);
      }
      // A future of its own, so that the callback is called before those go on who await it.
      const source = new FutureSource<T>();
      future.addDoneCallback(() => {
        const result = outcome(future as Future<unknown>);
        if (result.status === "fulfilled") source.setResult(result.value as T);
        else source.setException(result.reason);
        callBack(
          (): unknown =>
            result.status === "fulfilled"
              ? callback?.(result.value as T)
              : errorCallback?.(result.reason),
          "a callback of an AsyncResult",
        );
      });
      return new this<T>(MAKE, source.future);
    };
  }

  /** Not for users: pools make results. */
  constructor(key: symbol, future: Future<T>) {
    if (key !== MAKE) {
      throw new TypeError(
        "Cannot construct an AsyncResult: call applyAsync or another method of a pool",
      );
    }
    this.#future = future;
  }

  /**
   * The result.
   *
   * Mirrors `AsyncResult.get(timeout)`.
   *
   * @param options See {@linkcode WaitOptions}.
   * @returns Resolves with the result; rejects with the error of the task.
   * @throws {TypeError} If an option is of a wrong kind.
   */
  get(options?: WaitOptions): Promise<T> {
    return this.#future.result(options);
  }

  /**
   * Waits until it is ready, or the time is over. Which of the two, `ready()` tells.
   *
   * Mirrors `AsyncResult.wait(timeout)`.
   *
   * @param options See {@linkcode WaitOptions}.
   * @returns Resolves in either case; it never rejects.
   * @throws {TypeError} If an option is of a wrong kind.
   */
  wait(options?: WaitOptions): Promise<void> {
    checkWaitOptions(options);
    const settled = this.#future.exception(options);
    return settled.then(() => {}, () => {}); // cancelled, or the time is over
  }

  /** Whether it has come to something. Mirrors `AsyncResult.ready()`. */
  ready(): boolean {
    return this.#future.done();
  }

  /**
   * Whether it has come to a result.
   *
   * Mirrors `AsyncResult.successful()`.
   *
   * @returns False if there is an error.
   * @throws {InvalidStateError} If it is not ready.
   */
  successful(): boolean {
    if (!this.ready()) {
      throw new InvalidStateError("Cannot tell whether the call was successful: it is not ready");
    }
    return !hasFailed(this.#future as Future<unknown>) && !this.#future.cancelled();
  }

  /** As `Promise.then`, on `get()`. */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#future.then(onFulfilled, onRejected);
  }

  /** `"AsyncResult"`. */
  get [Symbol.toStringTag](): string {
    return "AsyncResult";
  }
}

export { makeAsyncResult };
