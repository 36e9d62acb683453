import { checkWaitOptions, WAIT_OPTIONS, watch } from "./deadline.ts";
import type { WaitOptions } from "./deadline.ts";
import { hasFailed, isFuture, observe, unobserve } from "./future.ts";
import type { Future, FutureObserver } from "./future.ts";
import { show } from "./show.ts";

/**
 * {@linkcode wait} returns when any future is done.
 *
 * @example Usage
 * ```ts
 * import { FIRST_COMPLETED, FutureSource, wait } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const [fast, slow] = [new FutureSource<string>(), new FutureSource<string>()];
 * fast.setResult("done");
 * const { done } = await wait([fast.future, slow.future], { returnWhen: FIRST_COMPLETED });
 * assertEquals([...done], [fast.future]);
 * ```
 */
export const FIRST_COMPLETED = "FIRST_COMPLETED";

/**
 * {@linkcode wait} returns when any future has failed, or all are done. A cancellation is no failure.
 *
 * @example Usage
 * ```ts
 * import { FIRST_EXCEPTION, FutureSource, wait } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const [good, bad, slow] = [1, 2, 3].map(() => new FutureSource<string>());
 * good!.setResult("done");
 * bad!.setException(new Error("no"));
 * const { notDone } = await wait([good!.future, bad!.future, slow!.future], {
 *   returnWhen: FIRST_EXCEPTION,
 * });
 * assertEquals([...notDone], [slow!.future]);
 * ```
 */
export const FIRST_EXCEPTION = "FIRST_EXCEPTION";

/**
 * {@linkcode wait} returns when all futures are done.
 *
 * @example Usage
 * ```ts
 * import { ALL_COMPLETED, FutureSource, wait } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const sources = [new FutureSource<number>(), new FutureSource<number>()];
 * sources.forEach((source, i) => setTimeout(() => source.setResult(i)));
 * const { done } = await wait(sources.map((source) => source.future), {
 *   returnWhen: ALL_COMPLETED,
 * });
 * assertEquals(done.size, 2);
 * ```
 */
export const ALL_COMPLETED = "ALL_COMPLETED";

/** When {@linkcode wait} returns. */
export type ReturnWhen = "FIRST_COMPLETED" | "FIRST_EXCEPTION" | "ALL_COMPLETED";

/** Options of {@linkcode wait}. */
export interface WaitForOptions extends WaitOptions {
  /**
   * When to return.
   *
   * @default {ALL_COMPLETED}
   */
  returnWhen?: ReturnWhen | undefined;
}

/**
 * What {@linkcode wait} resolves with: the futures in two sets, each in input order.
 *
 * @typeParam T What the futures give.
 * @typeParam F The futures, where they are of several types: `Future<number> | Future<string>`.
 */
export interface WaitResult<T, F extends Future<T> = Future<T>> {
  /** Those that are finished or cancelled. */
  done: Set<F>;
  /** The others. */
  notDone: Set<F>;
}

const WAIT_FOR_OPTIONS = [...WAIT_OPTIONS, "returnWhen"];

/**
 * Waits for futures, of one executor or of several.
 *
 * Mirrors `concurrent.futures.wait(fs, timeout, return_when)`. A timeout is no error: what is not done
 * by then is in `notDone`. Cancelled futures are done.
 *
 * @typeParam F The futures, which may be of different types.
 * @param futures The futures; duplicates count once.
 * @param options See {@linkcode WaitForOptions}; `timeout` in milliseconds.
 * @returns Resolves with the two sets; rejects only with the reason of an aborted `signal`.
 * @throws {TypeError} If something is not a future, or an option is of a wrong kind.
 *
 * @example Usage
 * ```ts
 * import { FIRST_COMPLETED, FutureSource, wait } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const sources = [new FutureSource<string>(), new FutureSource<string>()];
 * sources[1]!.setResult("first");
 * const { done, notDone } = await wait(sources.map((source) => source.future), {
 *   returnWhen: FIRST_COMPLETED,
 * });
 * assertEquals([done.size, notDone.size], [1, 1]);
 * ```
 */
export function wait<F extends Future<unknown>>(
  futures: Iterable<F>,
  options?: WaitForOptions,
): Promise<WaitResult<unknown, F>> {
  const timeout = checkWaitOptions(options, WAIT_FOR_OPTIONS);
  const { returnWhen = ALL_COMPLETED } = options ?? {};
  if (
    returnWhen !== ALL_COMPLETED && returnWhen !== FIRST_COMPLETED && returnWhen !== FIRST_EXCEPTION
  ) {
    throw new TypeError(
      `Cannot wait: expected returnWhen to be FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED, ` +
        `got ${show(returnWhen)}`,
    );
  }
  return new Waiter(checkFutures(futures, "wait for"), returnWhen).run(timeout, options?.signal);
}

/** The futures, each once. */
export function checkFutures<F extends Future<unknown>>(
  futures: Iterable<F>,
  action: string,
): Set<F> {
  if (isFuture(futures) || typeof Object(futures)[Symbol.iterator] !== "function") {
    throw new TypeError(
      `Cannot ${action} ${show(futures)}: expected an iterable of futures, such as [future]`,
    );
  }
  const unique = new Set(futures);
  for (const future of unique) {
    if (!isFuture(future)) throw new TypeError(`Cannot ${action} ${show(future)}: not a Future`);
  }
  return unique;
}

/** One call of `wait`: one object however many futures there are. */
class Waiter<F extends Future<unknown>> implements FutureObserver {
  readonly #futures: Set<F>;
  readonly #returnWhen: ReturnWhen;
  #pending = 0;
  #finish: () => void = () => {};

  constructor(futures: Set<F>, returnWhen: ReturnWhen) {
    this.#futures = futures;
    this.#returnWhen = returnWhen;
  }

  run(timeout: number, signal: AbortSignal | undefined): Promise<WaitResult<unknown, F>> {
    let over = false;
    for (const future of this.#futures) {
      if (!future.done()) this.#pending++;
      else if (this.#ends(future)) over = true;
    }
    return new Promise((resolve, reject) => {
      if (over || this.#pending === 0) return resolve(this.#result());
      if (signal?.aborted) return reject(signal.reason);
      if (timeout <= 0) return resolve(this.#result());
      for (const future of this.#futures) {
        if (!future.done()) observe(future, this);
      }
      const stop = watch(timeout, signal, {
        timedOut: () => this.#finish(),
        aborted: (reason) => {
          this.#stopObserving();
          reject(reason);
        },
      });
      this.#finish = () => {
        stop();
        this.#stopObserving();
        resolve(this.#result());
      };
    });
  }

  futureDone(future: Future<unknown>): void {
    this.#pending--;
    if (this.#pending === 0 || this.#ends(future)) this.#finish();
  }

  /** Whether this future alone ends the wait. */
  #ends(future: Future<unknown>): boolean {
    if (this.#returnWhen === FIRST_COMPLETED) return true;
    return this.#returnWhen === FIRST_EXCEPTION && hasFailed(future);
  }

  #stopObserving(): void {
    if (this.#pending === 0) return;
    for (const future of this.#futures) {
      if (!future.done()) unobserve(future, this);
    }
  }

  #result(): WaitResult<unknown, F> {
    const done = new Set<F>();
    const notDone = new Set<F>();
    for (const future of this.#futures) (future.done() ? done : notDone).add(future);
    return { done, notDone };
  }
}
