// Length: most of it is documentation.

import type { ExecutorStats, TaskBackend, TaskLimits } from "../backend/task_backend.ts";
import { provideAsyncDispose } from "../futures/dispose.ts";
import { describeAs } from "../futures/inspect.ts";
import { markLocal } from "../futures/local_object.ts";
import type { Future } from "../futures/future.ts";
import type { ExecutorEvent, ExecutorMetrics } from "../backend/executor_events.ts";
import type { Capabilities } from "../runtime/runtime.ts";
import type { Task, TaskArguments, TaskItems } from "../wire/task_ref.ts";
import { describeBackend } from "./describe_backend.ts";
import { mapOver } from "./map.ts";
import type { MapOptions } from "./map.ts";
import { mapBlocks } from "./map_blocks.ts";
import type { MapBlocksOptions } from "./map_blocks.ts";
import type { TypedArray } from "./map_columns.ts";
import type { MapIterator } from "./map_run.ts";
import { checkBoolean, checkFunction, checkOptions } from "./options.ts";
import type { ShutdownOptions } from "./shutdown_options.ts";
import { checkTaskOptions } from "./task_options.ts";
import type { TaskOptions } from "./task_options.ts";
import { streamOf } from "./task_stream.ts";
import type { ReturnedBy, StreamedBy, TaskStream } from "./task_stream.ts";

/** Gives an executor its backend, asked for at each call: for the executors of this folder. */
export let attachBackend: (
  executor: Executor,
  backend: () => TaskBackend,
  limits?: TaskLimits,
) => void;

/** Who runs an executor's tasks, to be asked for at each use: for those that run theirs there, too. */
export let backendOf: (executor: Executor) => readonly [() => TaskBackend, TaskLimits | undefined];

/**
 * Runs tasks on workers: what all executors have in common.
 *
 * It mirrors Python's `concurrent.futures.Executor`: `submit` gives a future at once, `map` calls a
 * function over inputs, `shutdown` ends it. In place of `with` write `await using`.
 *
 * @example Usage
 * ```ts
 * import { type Executor, InlineExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * async function squares(executor: Executor, numbers: number[]): Promise<number[]> {
 *   return await executor.map((x: number) => x * x, numbers).toArray();
 * }
 *
 * await using executor = new InlineExecutor();
 * assertEquals(await squares(executor, [1, 2, 3]), [1, 4, 9]);
 * ```
 *
 * @example Its workers
 * ```ts
 * import { ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const executor = new ThreadPoolExecutor({ maxWorkers: 2, maxPending: 100, metrics: true });
 * await executor.warmUp();
 * assertEquals(await executor.broadcast(() => "here"), ["here", "here"]);
 *
 * await executor.ready(); // for room under `maxPending`
 * await executor.submit(() => "done");
 * assertEquals([executor.stats().idle, executor.stats().completed], [2, 3]);
 * assertEquals(executor.metrics().runTime.count, 3);
 * await executor.terminate();
 * ```
 */
export abstract class Executor implements AsyncDisposable {
  #find!: () => TaskBackend;
  #limits: TaskLimits | undefined;

  static {
    provideAsyncDispose(this.prototype);
    describeAs<Executor>(
      this.prototype,
      "Executor",
      (executor) => describeBackend(executor.#find()),
    );
    markLocal(this.prototype, "an executor; a task that needs one makes its own");
    attachBackend = (executor, backend, limits) => {
      executor.#find = backend;
      executor.#limits = limits;
    };
    backendOf = (executor) => [executor.#find, executor.#limits];
  }

  get #backend(): TaskBackend {
    return this.#find();
  }

  /** How many workers it has at the most. */
  get maxWorkers(): number {
    return this.#backend.maxWorkers;
  }

  /** What its workers can do on this runtime. */
  get capabilities(): Capabilities {
    return this.#backend.capabilities;
  }

  /**
   * Runs `fn(...args)` on a worker.
   *
   * Mirrors `Executor.submit(fn, *args)`. Arguments are cloned when the task is sent, not before. An
   * argument that is a future, of any executor, is waited for, and the task gets its result: until then
   * it is pending and takes no place. If that future fails or is cancelled, so is the task, with its error.
   *
   * @typeParam A The task's parameters.
   * @typeParam R What the task returns.
   * @param fn A self-contained function, or a task made by `importTasks` or `namedTasks`.
   * @param args Its arguments.
   * @returns The future of its result.
   * @throws {BrokenExecutorError} If the executor is broken.
   * @throws {ShutdownError} If it is shut down.
   * @throws {QueueFullError} If `maxPending` tasks are pending.
   * @throws {TypeError} If `fn` cannot be submitted.
   *
   * @example Usage
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * await using executor = new ThreadPoolExecutor();
   * const power = executor.submit((a: number, b: number) => a ** b, 2, 10);
   * const half = executor.submit((x: number) => x / 2, power); // begins when that is done
   * assertEquals([await power, await half], [1024, 512]);
   * ```
   */
  submit<A extends unknown[], R>(
    fn: Task<A, R>,
    ...args: TaskArguments<A>
  ): Future<Awaited<R>> {
    return this.#backend.submit(fn, args, this.#limits) as Future<Awaited<R>>;
  }

  /**
   * Runs a generator on a worker and gives its values as it yields them.
   *
   * `fn` may also give another iterable, or an async one. The generator is never more than
   * `bufferSize` values ahead of those taken (see {@linkcode Executor.with}); beyond that it stands still,
   * and a stream has its place until it ends. Leaving the loop, `return()` and a signal end it: its
   * `finally` runs in the worker, which has the executor's `grace` for it. A timeout counts for the stream
   * as a whole. Values may be marked by `transfer()`. Python has no counterpart; `Pool.imap` streams
   * over items, not within one task.
   *
   * @typeParam A The task's parameters.
   * @typeParam G What the task gives: a generator, or another iterable.
   * @param fn A self-contained generator function, or a task made by `importTasks` or `namedTasks`.
   * @param args Its arguments.
   * @returns The values, to be iterated over once; `future` is what the generator returns.
   * @throws What {@linkcode Executor.submit} throws.
   * @throws {UnsupportedError} If the executor cannot stream.
   *
   * @example Usage
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * await using executor = new ThreadPoolExecutor(1);
   * const squares = executor.stream(function* (from: number) {
   *   for (let i = from;; i++) yield i * i;
   * }, 3);
   *
   * const few: number[] = [];
   * for await (const square of squares) {
   *   few.push(square);
   *   if (few.length === 3) break; // ends the generator
   * }
   * assertEquals(few, [9, 16, 25]);
   * ```
   */
  stream<A extends unknown[], G>(
    fn: Task<A, G>,
    ...args: TaskArguments<A>
  ): TaskStream<StreamedBy<G>, ReturnedBy<G>> {
    return streamOf(this.#backend, fn, args, this.#limits);
  }

  /**
   * Calls `fn` with each item, on the workers, and gives the results in input order.
   *
   * Mirrors `Executor.map(fn, *iterables, timeout, chunksize, buffersize)`. Inputs of known length are
   * submitted by the call; others are read as results are taken. An item that is a future is waited for,
   * as an argument of `submit` is. An item that fails rejects at its place and ends the iteration, unless `settled`. Leaving the loop cancels what has not begun.
   * `completed` and `total` of the iterator tell how far it is.
   *
   * @typeParam A What an item is.
   * @typeParam R What the task returns.
   * @param fn The task.
   * @param items What it is called with.
   * @param options See {@linkcode MapOptions}.
   * @returns An async iterator with `toArray()`.
   * @throws {BrokenExecutorError} If the executor is broken.
   * @throws {ShutdownError} If it is shut down.
   * @throws {TypeError} If `fn` cannot be submitted, an input is not iterable, or an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   *
   * @example Usage
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * await using executor = new ThreadPoolExecutor();
   * const lengths = executor.map((word: string) => word.length, ["a", "bc"]);
   * assertEquals(await lengths.toArray(), [1, 2]);
   * ```
   */
  map<A, R>(
    fn: Task<[A], R>,
    items: TaskItems<A>,
    options: MapOptions & { settled: true },
  ): MapIterator<PromiseSettledResult<Awaited<R>>>;
  /** Calls `fn` with each item. */
  map<A, R>(
    fn: Task<[A], R>,
    items: TaskItems<A>,
    options?: MapOptions,
  ): MapIterator<Awaited<R>>;
  /** Calls `fn` with an item of each input, until the shortest ends; every outcome is given. */
  map<A, B, R>(
    fn: Task<[A, B], R>,
    first: TaskItems<A>,
    second: TaskItems<B>,
    options: MapOptions & { settled: true },
  ): MapIterator<PromiseSettledResult<Awaited<R>>>;
  /** Calls `fn` with an item of each input, until the shortest ends. */
  map<A, B, R>(
    fn: Task<[A, B], R>,
    first: TaskItems<A>,
    second: TaskItems<B>,
    options?: MapOptions,
  ): MapIterator<Awaited<R>>;
  /** Calls `fn` with an item of each input, until the shortest ends; every outcome is given. */
  map<A, B, C, R>(
    fn: Task<[A, B, C], R>,
    first: TaskItems<A>,
    second: TaskItems<B>,
    third: TaskItems<C>,
    options: MapOptions & { settled: true },
  ): MapIterator<PromiseSettledResult<Awaited<R>>>;
  /** Calls `fn` with an item of each input, until the shortest ends. */
  map<A, B, C, R>(
    fn: Task<[A, B, C], R>,
    first: TaskItems<A>,
    second: TaskItems<B>,
    third: TaskItems<C>,
    options?: MapOptions,
  ): MapIterator<Awaited<R>>;
  map(fn: unknown, ...inputs: unknown[]): MapIterator<unknown> {
    return mapOver(this.#backend, fn, inputs, this.#limits);
  }

  /**
   * Calls `fn` with blocks of a typed array, each of them one too, and gives the blocks that it returns,
   * in order: for work on numbers that is done in less time than a call takes.
   *
   * A block travels as one piece of memory. That of a `SharedArrayBuffer` is not copied at all, where
   * workers can see it (`capabilities.sharedMemory`): `fn` gets a view of it, which it may change and return.
   * Python has numpy's functions over a pool for it.
   *
   * @typeParam T The array.
   * @typeParam R What the task returns: a typed array of the same length.
   * @param fn The task.
   * @param array The numbers. What is not shared is copied by the call.
   * @param options See {@linkcode MapBlocksOptions}.
   * @returns An async iterator over blocks; `.into(target)` puts them together.
   * @throws {BrokenExecutorError} If the executor is broken.
   * @throws {ShutdownError} If it is shut down.
   * @throws {TypeError} If `fn` cannot be submitted, or `array` is no typed array.
   * @throws {RangeError} If `blockSize` is out of range.
   *
   * @example Usage
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * await using executor = new ThreadPoolExecutor(2);
   * const numbers = Float64Array.from({ length: 1000 }, (_, i) => i);
   * const roots = await executor.mapBlocks((block: Float64Array) => block.map(Math.sqrt), numbers)
   *   .into(new Float64Array(1000));
   * assertEquals(roots[81], 9);
   * ```
   */
  mapBlocks<T extends TypedArray, R extends TypedArray | PromiseLike<TypedArray>>(
    fn: Task<[T], R>,
    array: T,
    options?: MapBlocksOptions,
  ): MapIterator<Awaited<R>> {
    return mapBlocks(this.#backend, fn, array, options, this.#limits) as MapIterator<Awaited<R>>;
  }

  /**
   * Takes no more tasks. Those it has still run, unless `cancelFutures`.
   *
   * Mirrors `Executor.shutdown(wait, cancel_futures)`. It may be called again, in any way.
   *
   * @param options See {@linkcode ShutdownOptions}.
   * @returns Resolves when all work is done and all workers have ended; at once if not to `wait`.
   *
   * @example Usage
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * const executor = new ThreadPoolExecutor(1);
   * const future = executor.submit(() => "done");
   * await executor.shutdown();
   * assertEquals(future.done(), true);
   * ```
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkOptions("shutdown", options, ["wait", "cancelFutures"]);
    checkBoolean("wait", options.wait);
    checkBoolean("cancelFutures", options.cancelFutures);
    const ended = this.#backend.shutdown(options.cancelFutures ?? false);
    return options.wait ?? true ? ended : Promise.resolve();
  }

  /**
   * Ends it now: pending tasks are cancelled, running ones reject with `BrokenExecutorError`.
   *
   * Mirrors Python 3.14's `terminate_workers()`.
   *
   * @returns Resolves when all workers have ended.
   */
  terminate(): Promise<void> {
    return this.#backend.terminate();
  }

  /**
   * The same workers, with options for each task that is submitted through what it returns.
   *
   * Python has no counterpart; its `submit` has no room for options, nor has this one.
   *
   * @param options See {@linkcode TaskOptions}; they add to those it has.
   * @returns An executor that shares all but the options.
   * @throws {TypeError} If an option is of a wrong kind.
   *
   * @example Usage
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertRejects } from "@std/assert";
   *
   * await using executor = new ThreadPoolExecutor(1);
   * const hurried = executor.with({ timeout: 20 });
   * await assertRejects(async () => await hurried.submit(() => new Promise(() => {})));
   * ```
   */
  with(options: TaskOptions): Executor {
    const view = new ExecutorView();
    attachBackend(view, this.#find, { ...this.#limits, ...checkTaskOptions(options) });
    return view;
  }

  /**
   * Starts all workers and runs their initializers.
   *
   * @returns Resolves when all are ready; rejects if the executor breaks.
   */
  warmUp(): Promise<void> {
    return this.#backend.warmUp();
  }

  /**
   * Runs a task once on every live worker.
   *
   * @typeParam A The task's parameters.
   * @typeParam R What the task returns.
   * @param fn The task.
   * @param args Its arguments.
   * @returns The results, one per worker; rejects with the first error.
   */
  broadcast<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Promise<Awaited<R>[]> {
    return this.#backend.broadcast(fn, args) as Promise<Awaited<R>[]>;
  }

  /**
   * Resolves when there is room for one more task under `maxPending`; at once if there is no limit.
   */
  ready(): Promise<void> {
    return this.#backend.ready();
  }

  /**
   * What it does now and has done so far. Of the futures that are not done, as many are pending as
   * `pending` says, and as many are running as `running` and `waiting` say together.
   *
   * @returns Counts; see {@linkcode ExecutorStats}.
   */
  stats(): ExecutorStats {
    return this.#backend.stats();
  }

  /** What it is called in events: the option `name`, or what its workers are called. */
  get name(): string {
    return this.#backend.label;
  }

  /**
   * Tells what happens from now on: who runs what, when, and why it waited. Tasks that were submitted
   * before are not told of. Python has no counterpart.
   *
   * While somebody observes, workers time each task. Observers are called in a microtask; one that throws
   * is reported and removed.
   *
   * @param observer Called with each {@linkcode ExecutorEvent}.
   * @returns Dispose it to hear no more.
   * @throws {TypeError} If `observer` is not a function.
   *
   * @example Usage
   * ```ts
   * import { ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * await using executor = new ThreadPoolExecutor(1);
   * const seen: string[] = [];
   * {
   *   using _ = executor.observe((event) => seen.push(event.type));
   *   await executor.submit(() => 1);
   * }
   * assertEquals(seen, ["submitted", "workerStarted", "sent", "started", "ended"]);
   * ```
   */
  observe(observer: (event: ExecutorEvent) => void): Disposable {
    checkFunction("observer", observer ?? null);
    const stop = this.#backend.observe(observer);
    return { [Symbol.dispose]: stop };
  }

  /**
   * How long tasks have waited and run, how busy the workers are. Needs the option `metrics`.
   *
   * @returns See {@linkcode ExecutorMetrics}; times are milliseconds.
   * @throws {TypeError} If the executor was made without `metrics`.
   */
  metrics(): ExecutorMetrics {
    return this.#backend.metrics();
  }

  /** `await using executor = …` shuts it down and waits, as leaving `with` does in Python. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown({ wait: true });
  }
}

/** What {@linkcode Executor.with} gives, and pools that have an executor. */
export class ExecutorView extends Executor {}
