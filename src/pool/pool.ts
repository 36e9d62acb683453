import { BorrowedBackend } from "../executor/borrowed_backend.ts";
import { backendOf, Executor } from "../executor/executor.ts";
import { executorOver } from "../executor/executor_inside.ts";
import { show } from "../futures/show.ts";
import { checkOptions, checkWorkers } from "../executor/options.ts";
import { ProcessPoolExecutor } from "../executor/process_pool_executor.ts";
import { ThreadPoolExecutor } from "../executor/thread_pool_executor.ts";
import { LIFE_OPTIONS, NAME } from "../executor/worker_pool_options.ts";
import type { WorkerPoolOptions } from "../executor/worker_pool_options.ts";
import { WorkerPool } from "./worker_pool.ts";

/**
 * Options of {@linkcode ThreadPool} and {@linkcode Pool}.
 *
 * Beside `processes` those of executors that say how their workers live: see {@linkcode WorkerPoolOptions}.
 * All workers start at once; with `idleTimeout` those that have nothing to do go again, down to
 * `minWorkers`, and come back when there is work.
 *
 * @example Workers that come and go, and are replaced if they leak
 * ```ts
 * import { ThreadPool } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool({ processes: 2, minWorkers: 1, idleTimeout: 10_000 });
 * assertEquals(await pool.map((x: number) => x * x, [1, 2]), [1, 4]);
 * ```
 */
export interface PoolOptions extends
  Pick<
    WorkerPoolOptions,
    | "initializer"
    | "initargs"
    | "maxTasksPerChild"
    | "finalizer"
    | "finalizerTimeout"
    | "maxWorkerMemory"
    | "idleTimeout"
    | "minWorkers"
  > {
  /**
   * Whose workers to use, in place of workers of its own. It goes on when the pool has ended, and no
   * other option may be given beside it.
   *
   * @default {undefined}
   */
  executor?: Executor | undefined;
  /**
   * How many workers there are.
   *
   * @default {available parallelism}
   */
  processes?: number | undefined;
}

/**
 * A pool of worker threads, with the eight ways to issue work.
 *
 * Mirrors Python's `multiprocessing.pool.ThreadPool`. All workers start at once. Leaving `await using`
 * terminates it, as in Python: close and join first if results are outstanding.
 *
 * @example Usage
 * ```ts
 * import { ThreadPool } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool(2);
 * assertEquals(await pool.map((x: number) => x * x, [1, 2, 3]), [1, 4, 9]);
 * assertEquals(await pool.starmap((a: number, b: number) => a - b, [[3, 1], [5, 2]]), [2, 3]);
 * ```
 */
export class ThreadPool extends WorkerPool {
  /**
   * Starts the workers.
   *
   * @param options How many workers, or an options object.
   * @throws {TypeError} If an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {UnsupportedError} If this runtime has no workers.
   */
  constructor(options?: number | PoolOptions) {
    super(
      borrowed("ThreadPool", options) ??
        new ThreadPoolExecutor(executorOptions("ThreadPool", options)),
    );
  }
}

/**
 * A pool of processes, with the eight ways to issue work.
 *
 * Mirrors Python's `multiprocessing.Pool`. All processes start at once. Leaving `await using` terminates
 * it, as in Python: close and join first if results are outstanding. On Deno it needs `--allow-run`
 * and `--allow-env`.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * const lengths: number[] = [];
 * for await (const n of pool.imap((s: string) => s.length, ["a", "bc"])) lengths.push(n);
 * assertEquals(lengths, [1, 2]);
 * ```
 */
export class Pool extends WorkerPool {
  /**
   * Starts the processes.
   *
   * @param options How many processes, or an options object.
   * @throws {TypeError} If an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {UnsupportedError} If this runtime has no processes, or may not start any.
   */
  constructor(options?: number | PoolOptions) {
    super(borrowed("Pool", options) ?? new ProcessPoolExecutor(executorOptions("Pool", options)));
  }
}

/** The executor that a pool is to use, as one that the pool may end. */
function borrowed(name: string, options: number | PoolOptions | undefined): Executor | undefined {
  if (typeof options !== "object" || options?.executor === undefined) return undefined;
  checkOptions(name, options, ["executor"]);
  const { executor } = options;
  if (!(executor instanceof Executor)) {
    throw new TypeError(`Cannot use executor: expected an Executor, got ${show(executor)}`);
  }
  const backend = new BorrowedBackend(name, ...backendOf(executor));
  return executorOver(() => backend);
}

function executorOptions(
  name: string,
  options: number | PoolOptions | undefined,
): WorkerPoolOptions & { [NAME]: string } {
  const given = typeof options === "object" && options !== null ? options : { processes: options };
  checkOptions(name, given, ["processes", "executor", ...LIFE_OPTIONS]);
  checkWorkers("processes", given.processes);
  const { processes, executor: _none, ...others } = given as PoolOptions;
  const named = { ...others, [NAME]: name };
  return processes === undefined ? named : { ...named, maxWorkers: processes };
}
