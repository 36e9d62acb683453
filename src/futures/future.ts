// Length: half of it is documentation.

import { Awaiter, belongToPromise, goOn, type Tell } from "./awaiter.ts";
import { callBack } from "./callback.ts";
import { markLocal } from "./local_object.ts";
import { checkWaitOptions, watch } from "./deadline.ts";
import type { WaitOptions } from "./deadline.ts";
import { CancelledError, TimeoutError } from "./errors.ts";
import { describeAs, inspectThrown } from "./inspect.ts";
import type { Inspect } from "./inspect.ts";
import {
  append,
  isArray,
  promiseFinally,
  PromiseOf,
  promiseThen,
  TypeErrorOf,
} from "./originals.ts";
import { CANCELLED, FAILED, PENDING, RUNNING, SUCCEEDED } from "./future_state.ts";
import type { FutureState, Outcome } from "./future_state.ts";
import { show } from "./show.ts";

export type { FutureState, Outcome } from "./future_state.ts";

/** Who settles a future, or several, and knows whether it can be cancelled. */
export interface Producer {
  /** Whether the task can be cancelled; then it will never run. */
  revoke(future: Future<unknown>): boolean;
  /** Whether the task runs. */
  started(): boolean;
  /** Whether the task has ended, although its outcome has not arrived. */
  ended(): boolean;
}

/** Told, during the transition itself, that a future is done. For this library's own use. */
export interface FutureObserver {
  futureDone(future: Future<unknown>): void;
}

/**
 * One `addDoneCallback`. A promise that is resolved calls back, because the language itself then keeps
 * the async context of whoever added it, on every runtime that has such contexts.
 */
interface Registration {
  readonly call: () => void;
}

type Watcher = Awaiter | FutureObserver | Registration;
/** A function is the first half of one `await`; see `#reject`. */
type Watchers = Tell | Watcher | Watcher[] | undefined;

/** Adds an observer, which is called once. The future must not be done. */
export let observe: (future: Future<unknown>, observer: FutureObserver) => void;
/** Removes an observer, if it is there. */
export let unobserve: (future: Future<unknown>, observer: FutureObserver) => void;
/** Who settles a future, unless that has happened. */
export let sourceOf: (future: Future<unknown>) => Producer | undefined;
/** What a future came to. It must be done. */
export let outcome: (future: Future<unknown>) => Outcome;
/** Whether a value is a future of this library. */
export let isFuture: (value: unknown) => value is Future<unknown>;
/** Whether a future is done and failed; cancelled is not failed. */
export let hasFailed: (future: Future<unknown>) => boolean;

/** What a future is now, and what it came to, as it is printed. */
export let describeFuture: (future: Future<unknown>, inspect: Inspect) => string;

/** For producers: makes the future of one. */
export let makeFuture: <T>(source: Producer) => Future<T>;
/** Gives a future that is not done to another producer. */
export let handOver: (future: Future<unknown>, source: Producer) => void;
export let settle: (future: Future<unknown>, state: number, value: unknown) => boolean;
export let setRunning: (future: Future<unknown>) => boolean;
export let stateOf: (future: Future<unknown>) => number;

const MAKE = Symbol("make");

/**
 * The result of a task that may not have begun.
 *
 * Mirrors Python's `concurrent.futures.Future`, and can be awaited: `await future` is
 * `await future.result()`. Executors make futures; the producer's side is {@linkcode FutureSource}.
 * A failed future that nobody looks at is silent.
 *
 * @typeParam T What the task returns.
 *
 * @example Usage
 * ```ts
 * import { FutureSource } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const source = new FutureSource<number>();
 * const { future } = source;
 * assertEquals(future.state, "pending");
 * source.setResult(42);
 * assertEquals(await future, 42);
 * assertEquals(future.state, "finished");
 * ```
 */
export class Future<T> implements PromiseLike<T> {
  #state = PENDING;
  /** The producer, until the future is done. */
  #source: Producer | undefined;
  /**
   * Until it is done, who waits for it: nobody, one, or several. Then the result, the error, or the
   * reason of the cancellation. One field for both, because so many futures may be pending.
   */
  #held: unknown = undefined;
  /** How the `await` is told of an error that is the only one who waits: without an object for it. */
  #reject: Tell | undefined = undefined;

  static {
    makeFuture = <T>(source: Producer) => new this<T>(MAKE, source);
    isFuture = (value): value is Future<unknown> =>
      typeof value === "object" && value !== null && #state in value;
    handOver = (future, source) => {
      future.#source = source;
    };
    stateOf = (future) => future.#state;
    markLocal(this.prototype, "a Future; pass it as an argument of its own, or await it");
    hasFailed = (future) => future.#state === FAILED;
    setRunning = (future) => {
      if (future.#state !== PENDING) return false;
      future.#state = RUNNING;
      return true;
    };
    describeFuture = (future, inspect) => {
      if (future.#state === SUCCEEDED) return `finished, ${inspect(future.#held)}`;
      if (future.#state === FAILED) return `failed, ${inspectThrown(future.#held, inspect)}`;
      return future.state;
    };
    describeAs<Future<unknown>>(
      this.prototype,
      "Future",
      (future, inspect) => `Future { ${describeFuture(future, inspect)} }`,
    );
    sourceOf = (future) => future.#source;
    observe = (future, observer) => future.#add(observer);
    unobserve = (future, observer) => future.#remove(observer);
    outcome = (future) =>
      future.#state === SUCCEEDED
        ? { status: "fulfilled", value: future.#held }
        : { status: "rejected", reason: future.#reason() };
    settle = (future, state, value) => {
      if (future.#state >= CANCELLED) return false;
      future.#state = state;
      const watchers = future.#held as Watchers;
      future.#held = value;
      future.#source = undefined;
      if (watchers !== undefined) future.#notify(watchers);
      return true;
    };
  }

  /** Not for users: futures are made by executors and by {@linkcode FutureSource}. */
  constructor(key: symbol, source: Producer) {
    if (key !== MAKE) {
      throw new TypeErrorOf("Cannot construct a Future: submit a task, or use FutureSource");
    }
    this.#source = source;
  }

  /** Where it is in its life: `"pending"`, `"running"`, `"cancelled"` or `"finished"`. */
  get state(): FutureState {
    if (this.#state === CANCELLED) return "cancelled";
    if (this.#state > CANCELLED) return "finished";
    const source = this.#source!;
    if (source.started()) return "running";
    // Whoever was asked may have found that it is done.
    return this.done() ? this.state : source.ended() ? "finished" : "pending";
  }

  /**
   * Cancels the task if it has not begun. Every observer sees it when this returns.
   *
   * Mirrors `Future.cancel()`, but `wait` and `asCompleted` do not hang on what it cancelled.
   *
   * @returns True if the task will never run, now or already; false if it runs or is finished, or, as with
   * Python's processes, was sent ahead to a process, which cannot be asked at once.
   *
   * @example Usage
   * ```ts
   * import { FutureSource } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * const { future } = new FutureSource();
   * assertEquals(future.cancel(), true);
   * assertEquals(future.cancelled(), true);
   * ```
   */
  cancel(): boolean {
    if (this.#state >= CANCELLED) return this.#state === CANCELLED;
    if (!this.#source!.revoke(this as Future<unknown>)) return false;
    settle(this as Future<unknown>, CANCELLED, undefined);
    return true;
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this.#state === CANCELLED;
  }

  /** Whether a worker executes its task right now; sent ahead is not running. */
  running(): boolean {
    return this.#state < CANCELLED && this.#source!.started();
  }

  /** Whether it is cancelled or finished. */
  done(): boolean {
    return this.#state >= CANCELLED;
  }

  /**
   * The result of the task.
   *
   * Mirrors `Future.result(timeout)`. A future that is done wins over a timeout and a signal.
   *
   * @param options See {@linkcode WaitOptions}.
   * @returns Resolves with the result; rejects with what the task threw, or why it was cancelled.
   * @throws {TypeError} If an option is of a wrong kind.
   *
   * @example Usage
   * ```ts
   * import { FutureSource, TimeoutError } from "@concurrent/futures";
   * import { assertRejects } from "@std/assert";
   *
   * const { future } = new FutureSource<number>();
   * await assertRejects(() => future.result({ timeout: 5 }), TimeoutError);
   * ```
   */
  result(options?: WaitOptions): Promise<T> {
    return this.#wait(options, "result", (resolve, reject) => {
      if (this.#state === SUCCEEDED) resolve(this.#held as T);
      else reject(this.#reason());
    });
  }

  /**
   * What the task threw, or `undefined` if it succeeded.
   *
   * Mirrors `Future.exception(timeout)`.
   *
   * @param options See {@linkcode WaitOptions}.
   * @returns Resolves with what was thrown; rejects if the future was cancelled.
   * @throws {TypeError} If an option is of a wrong kind.
   *
   * @example Usage
   * ```ts
   * import { FutureSource } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * const source = new FutureSource<number>();
   * const error = new RangeError("too far");
   * source.setException(error);
   * assertEquals(await source.future.exception(), error);
   * ```
   */
  exception(options?: WaitOptions): Promise<unknown> {
    return this.#wait(options, "exception", (resolve, reject) => {
      if (this.#state === CANCELLED) reject(this.#reason());
      else resolve(this.#state === FAILED ? this.#held : undefined);
    });
  }

  /**
   * Calls `callback` with this future when it is done: as a microtask, in the order of the additions,
   * once for each. A callback that throws is reported by `console.error` and changes nothing.
   *
   * Mirrors `Future.add_done_callback(fn)`.
   *
   * @param callback What to call.
   * @returns Takes this addition back.
   * @throws {TypeError} If `callback` is not a function.
   *
   * @example Usage
   * ```ts
   * import { FutureSource } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * const source = new FutureSource<number>();
   * const seen: string[] = [];
   * source.future.addDoneCallback((future) => seen.push(future.state));
   * source.setResult(1);
   * await source.future;
   * assertEquals(seen, ["finished"]);
   * ```
   */
  addDoneCallback(callback: (future: Future<T>) => void): () => void {
    if (typeof callback !== "function") {
      throw new TypeErrorOf(
        `Cannot add a done callback: expected a function, got ${show(callback)}`,
      );
    }
    let wanted: ((future: Future<T>) => void) | undefined = callback;
    let call!: () => void;
    const isDone = new PromiseOf<void>((resolve) => call = resolve);
    promiseThen(isDone, () => {
      const own = wanted;
      if (own !== undefined) {
        callBack(() => own(this), "a done callback of a Future");
      }
    });
    const registration: Registration = { call };
    if (this.#state >= CANCELLED) call();
    else this.#add(registration);
    return () => {
      wanted = undefined;
      this.#remove(registration);
    };
  }

  /** As `Promise.then`, on `result()`. */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (this.#state < CANCELLED && belongToPromise(onFulfilled, onRejected)) {
      const awaiter = new Awaiter(this as Future<unknown>, onFulfilled as Tell, onRejected as Tell);
      if (this.#held === undefined) this.#await(awaiter.resolve, awaiter.reject);
      else this.#add(awaiter);
      return awaiter as Promise<unknown> as Promise<A | B>;
    }
    return promiseThen(this.#promise(), onFulfilled, onRejected) as Promise<A | B>;
  }

  /** As `Promise.catch`, on `result()`. */
  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<T | B> {
    return promiseThen(this.#promise(), undefined, onRejected) as Promise<T | B>;
  }

  /** As `Promise.finally`, on `result()`. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return promiseFinally(this.#promise(), onFinally) as Promise<T>;
  }

  /** `"Future"`. */
  get [Symbol.toStringTag](): string {
    return "Future";
  }

  /** The error of a future without a result. A cancellation makes its own when it is first asked for. */
  #reason(): unknown {
    if (this.#state === CANCELLED && this.#held === undefined) this.#held = new CancelledError();
    return this.#held;
  }

  /** `result()` without options: the path of every `await`, so it makes as little as it can. */
  #promise(): Promise<T> {
    return new PromiseOf((resolve, reject) => {
      if (this.#state >= CANCELLED) this.#tell(resolve as Tell, reject);
      else if (this.#held === undefined) this.#await(resolve as Tell, reject);
      else this.#add(new Awaiter(this as Future<unknown>, resolve as Tell, reject));
    });
  }

  #wait<R>(
    options: WaitOptions | undefined,
    what: string,
    settlePromise: (resolve: (value: R) => void, reject: (reason: unknown) => void) => void,
  ): Promise<R> {
    const timeout = checkWaitOptions(options);
    return new PromiseOf<R>((resolve, reject) => {
      const signal = options?.signal;
      if (this.#state >= CANCELLED) return settlePromise(resolve, reject);
      if (signal?.aborted) return reject(signal.reason);
      const timedOut = (): void => {
        this.#remove(observer);
        const { state } = this;
        reject(
          new TimeoutError(`Cannot get the ${what} within ${timeout} ms: the task is ${state}`),
        );
      };
      if (timeout <= 0) {
        const { state } = this;
        return reject(new TimeoutError(`Cannot get the ${what} at once: the task is ${state}`));
      }
      const waiting = timeout === Infinity && signal === undefined
        ? undefined
        : watch(timeout, signal, {
          timedOut,
          aborted: (reason) => {
            this.#remove(observer);
            reject(reason);
          },
        });
      const observer: FutureObserver = {
        futureDone: () => {
          waiting?.();
          settlePromise(resolve, reject);
        },
      };
      this.#add(observer);
    });
  }

  /** Somebody waits, as the first. */
  #await(resolve: Tell, reject: Tell): void {
    this.#held = resolve;
    this.#reject = reject;
  }

  #add(watcher: Watcher): void {
    const watchers = this.#held as Watchers;
    if (watchers === undefined) this.#held = watcher;
    else if (isArray(watchers)) append(watchers, watcher);
    else if (typeof watchers === "function") {
      const first = new Awaiter(this as Future<unknown>, watchers, this.#reject!);
      this.#reject = undefined;
      this.#held = [first, watcher];
    } else this.#held = [watchers, watcher];
  }

  #remove(watcher: Watcher): void {
    if (this.#state >= CANCELLED) return;
    const watchers = this.#held as Watchers;
    if (watchers === watcher) this.#held = undefined;
    else if (isArray(watchers)) {
      const others: Watcher[] = [];
      for (let i = 0; i < watchers.length; i++) {
        if (watchers[i] !== watcher) append(others, watchers[i]!);
      }
      this.#held = others;
    }
  }

  #tell(resolve: Tell, reject: Tell): void {
    if (this.#state === SUCCEEDED) goOn(this as Future<unknown>, resolve, this.#held);
    else goOn(this as Future<unknown>, reject, this.#reason());
  }

  /** Tells observers now and callbacks in microtasks. */
  #notify(watchers: Tell | Watcher | Watcher[]): void {
    if (typeof watchers === "function") {
      const reject = this.#reject!;
      this.#reject = undefined;
      return this.#tell(watchers, reject);
    }
    const all = isArray(watchers) ? watchers : [watchers];
    for (let i = 0; i < all.length; i++) {
      const watcher = all[i]!;
      if (watcher instanceof Awaiter) this.#tell(watcher.resolve, watcher.reject);
      else if ("futureDone" in watcher) watcher.futureDone(this as Future<unknown>);
      else watcher.call();
    }
  }
}
