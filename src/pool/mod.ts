/**
 * Python's `multiprocessing.pool`: the eight ways to issue work, over threads or processes.
 *
 * @example Usage
 * ```ts
 * import { ThreadPool } from "@concurrent/futures/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new ThreadPool(2);
 * assertEquals(await pool.map((x: number) => x * x, [1, 2, 3]), [1, 4, 9]);
 * ```
 *
 * @module
 */

export { Pool, ThreadPool } from "./pool.ts";
export type { PoolOptions } from "./pool.ts";
export { WorkerPool } from "./worker_pool.ts";
export type { ImapOptions, MapAsyncOptions } from "./worker_pool.ts";
export { AsyncResult } from "./async_result.ts";
export type { AsyncResultOptions } from "./async_result.ts";
export type { NextOptions, PoolIterator } from "./pool_iterator.ts";
