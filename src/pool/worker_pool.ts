import { describeBackend } from "../executor/describe_backend.ts";
import { backendOf } from "../executor/executor.ts";
import { mapWith } from "../executor/executor_inside.ts";
import { markLocal } from "../futures/local_object.ts";
import type { Executor } from "../executor/executor.ts";
import { isTypedArray } from "../executor/map_columns.ts";
import type { MapRun } from "../executor/map_run.ts";
import { checkCount, checkFunction, checkOptions } from "../executor/options.ts";
import { provideAsyncDispose } from "../futures/dispose.ts";
import { CancelledError, InvalidStateError } from "../futures/errors.ts";
import { describeAs } from "../futures/inspect.ts";
import { FutureSource } from "../futures/future_source.ts";
import type { Future } from "../futures/future.ts";
import { show } from "../futures/show.ts";
import type { Task, TaskArguments, TaskItems } from "../wire/task_ref.ts";
import { makeAsyncResult } from "./async_result.ts";
import type { AsyncResult, AsyncResultOptions } from "./async_result.ts";
import { all, columnsOf } from "./columns.ts";
import type { Columns } from "./columns.ts";
import { OutcomeIterator } from "./pool_iterator.ts";
import type { PoolIterator } from "./pool_iterator.ts";

/** Options of `mapAsync` and `starmapAsync`. */
export interface MapAsyncOptions<T> extends AsyncResultOptions<T> {
  /**
   * Items that go to a worker as one task.
   *
   * @default {Math.ceil(items / (4 * workers))}
   */
  chunkSize?: number | undefined;
}

/** Options of `imap` and `imapUnordered`. */
export interface ImapOptions {
  /**
   * Items that go to a worker as one task.
   *
   * @default {1; for `imap` over an input of known length chosen from the measured run time}
   */
  chunkSize?: number | undefined;
  /** Items of an input of unknown length that may be in flight or waiting to be taken. */
  bufferSize?: number | undefined;
}

const CALLBACKS = ["callback", "errorCallback"];

type AnyTask = Task<unknown[], unknown>;

/**
 * The eight ways to issue work. {@linkcode ThreadPool} and {@linkcode Pool} differ only in what their
 * workers are.
 *
 * Mirrors Python's `multiprocessing.pool.Pool`; what hangs there rejects here.
 *
 * @example Usage
 * ```ts
 * import { ThreadPool, type WorkerPool } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const squares = (pool: WorkerPool) => pool.map((x: number) => x * x, [1, 2, 3]);
 *
 * await using pool = new ThreadPool(2);
 * assertEquals(await squares(pool), [1, 4, 9]);
 * ```
 */
export abstract class WorkerPool implements AsyncDisposable {
  static {
    provideAsyncDispose(this.prototype);
    describeAs<WorkerPool>(
      this.prototype,
      "WorkerPool",
      (pool) => describeBackend(backendOf(pool.#executor)[0]()),
    );
    markLocal(this.prototype, "a pool; a task that needs one makes its own");
  }

  readonly #executor: Executor;
  #state: "running" | "closed" | "terminated" = "running";
  /** Calls of `imap` whose input is not read to its end. */
  readonly #reading = new Set<MapRun>();
  /** What is to be done when there are none, once the pool is closed. */
  #allRead: (() => void) | undefined = undefined;
  #ended: Promise<void> | undefined = undefined;

  /** Not for users: see {@linkcode ThreadPool} and {@linkcode Pool}. */
  protected constructor(executor: Executor) {
    this.#executor = executor;
    void executor.warmUp().catch(() => {}); // whoever submits is told
  }

  /**
   * Calls `fn(...args)` on a worker.
   *
   * Mirrors `Pool.apply(func, args)`.
   *
   * @returns Resolves with the result.
   * @throws {InvalidStateError} If the pool is not running.
   * @throws {TypeError} If `fn` cannot be submitted.
   */
  apply<A extends unknown[], R>(
    fn: Task<A, R>,
    ...rest: [] extends A ? [args?: TaskArguments<A> | undefined] : [args: TaskArguments<A>]
  ): Promise<Awaited<R>> {
    return this.applyAsync(fn, ...rest as unknown as [args: never]).get();
  }

  /**
   * Calls `fn(...args)` on a worker, and goes on.
   *
   * Mirrors `Pool.apply_async(func, args, callback, error_callback)`.
   *
   * @param options See {@linkcode AsyncResultOptions}.
   * @throws {InvalidStateError} If the pool is not running.
   * @throws {TypeError} If `fn` cannot be submitted, or an argument is of a wrong kind.
   */
  applyAsync<A extends unknown[], R>(
    fn: Task<A, R>,
    ...rest: [] extends A
      ? [args?: TaskArguments<A> | undefined, options?: AsyncResultOptions<Awaited<R>>]
      : [args: TaskArguments<A>, options?: AsyncResultOptions<Awaited<R>>]
  ): AsyncResult<Awaited<R>> {
    const [args, options = {}] = rest;
    this.#check("applyAsync", options, CALLBACKS);
    if (args !== undefined && !Array.isArray(args)) {
      throw new TypeError(`Cannot apply: expected an array of arguments, got ${show(args)}`);
    }
    return makeAsyncResult(
      this.#executor.submit(fn, ...(args ?? []) as unknown as TaskArguments<A>),
      options,
    );
  }

  /**
   * Calls `fn` with each item; all results, in input order.
   *
   * Mirrors `Pool.map(func, iterable, chunksize)`.
   *
   * @returns Rejects with the error of the first item that failed, after all have ended.
   * @throws {InvalidStateError} If the pool is not running.
   * @throws {TypeError} If `fn` cannot be submitted, or `items` are not iterable.
   * @throws {RangeError} If `chunkSize` is out of range.
   */
  map<A, R>(
    fn: Task<[A], R>,
    items: Iterable<A | Future<A>>,
    chunkSize?: number,
  ): Promise<Awaited<R>[]> {
    return this.mapAsync(fn, items, { chunkSize }).get();
  }

  /** As {@linkcode WorkerPool.map}, and goes on. Mirrors `Pool.map_async`. */
  mapAsync<A, R>(
    fn: Task<[A], R>,
    items: Iterable<A | Future<A>>,
    options: MapAsyncOptions<Awaited<R>[]> = {},
  ): AsyncResult<Awaited<R>[]> {
    return this.#gather(fn as AnyTask, items, options, (given) => {
      const column = Array.isArray(given) || isTypedArray(given) ? given : Array.from(given);
      return { columns: [column], length: column.length };
    });
  }

  /**
   * Calls `fn` with each array of arguments; all results, in input order.
   *
   * Mirrors `Pool.starmap(func, iterable, chunksize)`.
   */
  starmap<A extends unknown[], R>(
    fn: Task<A, R>,
    items: Iterable<TaskArguments<A>>,
    chunkSize?: number,
  ): Promise<Awaited<R>[]> {
    return this.starmapAsync(fn, items, { chunkSize }).get();
  }

  /** As {@linkcode WorkerPool.starmap}, and goes on. Mirrors `Pool.starmap_async`. */
  starmapAsync<A extends unknown[], R>(
    fn: Task<A, R>,
    items: Iterable<TaskArguments<A>>,
    options: MapAsyncOptions<Awaited<R>[]> = {},
  ): AsyncResult<Awaited<R>[]> {
    return this.#gather(fn as unknown as AnyTask, items, options, columnsOf);
  }

  /**
   * Calls `fn` with each item; results one by one, in input order.
   *
   * Mirrors `Pool.imap(func, iterable, chunksize)`. An input of unknown length is read as results are
   * taken.
   *
   * @param options See {@linkcode ImapOptions}.
   * @throws {InvalidStateError} If the pool is not running.
   */
  imap<A, R>(
    fn: Task<[A], R>,
    items: TaskItems<A>,
    options?: ImapOptions,
  ): PoolIterator<Awaited<R>> {
    return this.#iterate(fn as AnyTask, items, options, false) as PoolIterator<Awaited<R>>;
  }

  /** As {@linkcode WorkerPool.imap}, with results as they come. Mirrors `Pool.imap_unordered`. */
  imapUnordered<A, R>(
    fn: Task<[A], R>,
    items: TaskItems<A>,
    options?: ImapOptions,
  ): PoolIterator<Awaited<R>> {
    return this.#iterate(fn as AnyTask, items, options, true) as PoolIterator<Awaited<R>>;
  }

  /**
   * Takes no more work; what was issued is finished. An input of `imap` is then read as fast as the
   * workers can, whether somebody takes the results or not.
   *
   * Mirrors `Pool.close()`.
   */
  close(): void {
    if (this.#state !== "running") return;
    this.#state = "closed";
    // Not Promise.withResolvers(), which Node 20 has not.
    this.#ended = new Promise((resolve) => {
      this.#allRead = () => resolve(this.#executor.shutdown());
    });
    for (const run of this.#reading) run.readOn();
    this.#checkRead();
  }

  /**
   * Ends the workers at once. Every result that is outstanding rejects.
   *
   * Mirrors `Pool.terminate()`, after which Python's results hang.
   *
   * @returns Resolves when all workers have ended.
   */
  terminate(): Promise<void> {
    this.#state = "terminated";
    const ended = this.#executor.terminate();
    for (const run of this.#reading) {
      run.stopReading(new CancelledError("Cannot get the next result: pool was terminated"));
    }
    return this.#ended = ended;
  }

  /**
   * Waits until all work is done and all workers have ended.
   *
   * Mirrors `Pool.join()`.
   *
   * @returns Rejects with an `InvalidStateError` before `close()` or `terminate()`.
   */
  async join(): Promise<void> {
    if (this.#ended === undefined) {
      throw new InvalidStateError("Pool is still running: close it first");
    }
    await this.#ended;
  }

  /** `terminate()`, as Python's `with` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  #check(user: string, options: unknown, names: readonly string[]): void {
    if (this.#state !== "running") throw new InvalidStateError("Pool not running");
    checkOptions(user, options, names);
    const { callback, errorCallback } = (options ?? {}) as AsyncResultOptions<unknown>;
    checkFunction("callback", callback);
    checkFunction("errorCallback", errorCallback);
  }

  /** Reads the columns of arguments, calls `fn` with each row of them, and gathers all results. */
  #gather<R>(
    fn: AnyTask,
    items: Iterable<unknown>,
    options: MapAsyncOptions<R[]>,
    columnsOf: (items: Iterable<unknown>) => Columns,
  ): AsyncResult<R[]> {
    this.#check("mapAsync", options, ["chunkSize", ...CALLBACKS]);
    checkCount("chunkSize", options.chunkSize);
    const [backend] = backendOf(this.#executor);
    backend().checkTask(fn);
    if (
      typeof (items as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] !== "function"
    ) {
      throw new TypeError(`Cannot map over ${show(items)}: expected an iterable`);
    }
    const source = new FutureSource<R[]>();
    const result = makeAsyncResult(source.future, options);
    let columns: Columns;
    try {
      columns = columnsOf(items);
    } catch (error) {
      source.setException(error); // the input's, or a row's
      return result;
    }
    this.#results(fn, columns, options.chunkSize).then(
      (results) => source.setResult(results as R[]),
      (error) => source.setException(error),
    );
    return result;
  }

  /** Throws if the pool is broken. */
  #results(
    fn: AnyTask,
    { rows, columns, length }: Columns,
    given: number | undefined,
  ): Promise<unknown[]> {
    if (rows !== undefined) return all(rows.map((row) => this.#executor.submit(fn, ...row)));
    const chunkSize = given ?? Math.max(1, Math.ceil(length / (4 * this.#executor.maxWorkers)));
    return mapWith(this.#executor, fn, columns, { chunkSize }, false).gather();
  }

  #iterate(
    fn: AnyTask,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: ImapOptions = {},
    unordered: boolean,
  ): PoolIterator<unknown> {
    this.#check("imap", options, ["chunkSize", "bufferSize"]);
    const { bufferSize } = options;
    // Those that come as they come are not to wait for each other.
    const chunkSize = options.chunkSize === undefined && unordered ? 1 : options.chunkSize;
    const run = mapWith(
      this.#executor,
      fn,
      [items],
      { chunkSize, bufferSize },
      unordered,
    );
    run.onRead = () => {
      this.#reading.delete(run);
      this.#checkRead();
    };
    if (!run.isRead) this.#reading.add(run);
    return new OutcomeIterator(run);
  }

  #checkRead(): void {
    if (this.#reading.size > 0) return;
    this.#allRead?.();
    this.#allRead = undefined;
  }
}
