import { clock } from "./clock.ts";
import { checkWaitOptions, startTimer, watch } from "./deadline.ts";
import type { WaitOptions } from "./deadline.ts";
import { provideAsyncDispose } from "./dispose.ts";
import { TimeoutError } from "./errors.ts";
import { describeAs } from "./inspect.ts";
import { observe, unobserve } from "./future.ts";
import type { Future, FutureObserver } from "./future.ts";
import { checkFutures } from "./wait.ts";

/**
 * Gives futures as they are done: those that are already in input order, the others in the order of
 * their completion.
 *
 * It gives futures, not results: `await` each. TypeScript's type of the loop variable is that of the
 * result, because it believes that `for await` awaits what it is given; `await future` is right for
 * both. To call methods of the future, take it by `next()`.
 *
 * Mirrors `concurrent.futures.as_completed(fs, timeout)`, but arguments are checked and the clock
 * starts at the call. Leaving the loop early removes every listener.
 *
 * @typeParam F The futures, which may be of different types.
 * @param futures The futures; duplicates count once.
 * @param options See {@linkcode WaitOptions}; `timeout` in milliseconds, for the whole iteration.
 * @returns An iterator; it rejects with `TimeoutError` when time is up, after all that is done.
 * @throws {TypeError} If something is not a future, or an option is of a wrong kind.
 *
 * @example Usage
 * ```ts
 * import { asCompleted, FutureSource } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const [slow, quick] = [new FutureSource<string>(), new FutureSource<string>()];
 * const completed = asCompleted([slow.future, quick.future]);
 * quick.setResult("quick");
 * slow.setResult("slow");
 *
 * const order: string[] = [];
 * for await (const future of completed) order.push(await future);
 * assertEquals(order, ["quick", "slow"]);
 * ```
 */
export function asCompleted<F extends Future<unknown>>(
  futures: Iterable<F>,
  options?: WaitOptions,
): AsyncIterableIterator<F> & AsyncDisposable {
  const timeout = checkWaitOptions(options);
  return new Completed(checkFutures(futures, "iterate over"), timeout, options?.signal);
}

export { asCompleted as as_completed };

interface Taker<F> {
  resolve(result: IteratorResult<F, undefined>): void;
  reject(error: unknown): void;
}

/**
 * Hand-written, because an async generator would await the future that it yields, and give its
 * result. Resolving a promise with `{ value: future }` does not.
 */
class Completed<F extends Future<unknown>>
  implements AsyncIterableIterator<F>, AsyncDisposable, FutureObserver {
  static {
    provideAsyncDispose(this.prototype);
    describeAs<Completed<Future<unknown>>>(this.prototype, "asCompleted", (completed) => {
      const ready = completed.#ready.length - completed.#taken;
      return `asCompleted { ${ready} done, ${completed.#pending.size} pending }`;
    });
  }

  readonly #total: number;
  readonly #pending = new Set<Future<unknown>>();
  /** Done and not taken. */
  #ready: (F | undefined)[] = [];
  #taken = 0;
  #takers: Taker<F>[] = [];
  /** What the iteration rejects with once all that is done is taken. */
  #failure: { readonly reason: unknown } | undefined = undefined;
  /** When time is up, in milliseconds of the clock. */
  readonly #end: number;
  #stopWatch: () => void = () => {};
  /** An iteration that nobody waits for keeps no program alive; one that somebody waits for does. */
  #letGo: (() => void) | undefined = undefined;

  constructor(futures: Set<F>, timeout: number, signal: AbortSignal | undefined) {
    this.#total = futures.size;
    this.#end = clock.now() + timeout;
    for (const future of futures) {
      if (future.done()) this.#ready.push(future);
      else this.#pending.add(future);
    }
    if (this.#pending.size === 0) return;
    if (signal?.aborted) this.#fail(signal.reason);
    else if (timeout <= 0) this.#timedOut();
    else {
      for (const future of this.#pending) observe(future, this);
      this.#stopWatch = watch(timeout, signal, {
        timedOut: () => this.#timedOut(),
        aborted: (reason) => this.#fail(reason),
      }, true);
    }
  }

  futureDone(future: Future<unknown>): void {
    this.#pending.delete(future);
    if (this.#pending.size === 0) this.#stopWatch();
    this.#ready.push(future as F);
    this.#serve();
  }

  next(): Promise<IteratorResult<F, undefined>> {
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<F, undefined>> {
    this.#ready = [];
    this.#taken = 0;
    this.#failure = undefined;
    this.#stop();
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      if (this.#taken < this.#ready.length) {
        const value = this.#ready[this.#taken]!;
        this.#ready[this.#taken++] = undefined; // given away: it is not ours to keep alive
        this.#takers.shift()!.resolve({ done: false, value });
      } else if (this.#failure !== undefined) {
        const { reason } = this.#failure;
        this.#failure = undefined;
        this.#takers.shift()!.reject(reason);
      } else if (this.#pending.size === 0) {
        this.#takers.shift()!.resolve({ done: true, value: undefined });
      } else {
        this.#letGo ??= startTimer(this.#end - clock.now(), () => {});
        return;
      }
    }
    this.#letGo?.();
    this.#letGo = undefined;
  }

  #timedOut(): void {
    const unfinished = `${this.#pending.size} (of ${this.#total}) futures unfinished`;
    this.#fail(new TimeoutError(unfinished));
  }

  #fail(reason: unknown): void {
    this.#failure = { reason };
    this.#stop();
    this.#serve();
  }

  #stop(): void {
    this.#stopWatch();
    for (const future of this.#pending) unobserve(future, this);
    this.#pending.clear();
  }
}
