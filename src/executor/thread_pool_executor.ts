import { BrokenThreadPoolError } from "../futures/errors.ts";
import { detectRuntime } from "../runtime/detect.ts";
import type { Runtime, WorkerPermissions, WorkerResourceLimits } from "../runtime/runtime.ts";
import { attachWorkers } from "./dropped.ts";
import { Executor } from "./executor.ts";
import { checkRuntime } from "./options.ts";
import { makeScheduler, optionsOf } from "./worker_pool_options.ts";
import type { WorkerPoolKind, WorkerPoolOptions } from "./worker_pool_options.ts";

/** Options of {@linkcode ThreadPoolExecutor}. */
export interface ThreadPoolExecutorOptions extends WorkerPoolOptions {
  /**
   * What workers are called, before `_<index>`.
   *
   * @default {"ThreadPoolExecutor-<n>"}
   */
  threadNamePrefix?: string | undefined;
  /**
   * Makes the user's own worker, whose file calls `serve()`.
   *
   * @default {undefined}
   */
  worker?: (() => unknown) | undefined;
  /**
   * What workers may do. Deno only; elsewhere an `UnsupportedError`.
   *
   * @default {"inherit"}
   */
  permissions?: WorkerPermissions | undefined;
  /**
   * Environment variables of the workers. Deno and Node; elsewhere an `UnsupportedError`.
   *
   * @default {the program's own}
   */
  env?: Record<string, string> | undefined;
  /**
   * Memory limits of a worker. Deno and Node; elsewhere an `UnsupportedError`.
   *
   * @default {none}
   */
  resourceLimits?: WorkerResourceLimits | undefined;
  /**
   * Who starts the workers.
   *
   * @default {the runtime that is detected}
   */
  runtime?: Runtime | undefined;
}

const KIND: WorkerPoolKind = {
  executorName: "ThreadPoolExecutor",
  options: ["worker", "resourceLimits"],
  brokenError: (message, options) => new BrokenThreadPoolError(message, options),
};

/**
 * Runs tasks on worker threads: on other cores, beside your code.
 *
 * Mirrors Python's `concurrent.futures.ThreadPoolExecutor`. As with Python's
 * `InterpreterPoolExecutor`, each worker has a memory of its own: arguments and results are cloned.
 * Workers start when there is work, and do not keep the program alive when there is none.
 *
 * @example Usage
 * ```ts
 * import { ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor(2);
 * const sum = executor.submit((a: number, b: number) => a + b, 1, 2);
 * const squares = executor.map((x: number) => x * x, [1, 2, 3]);
 *
 * assertEquals(await sum, 3);
 * assertEquals(await squares.toArray(), [1, 4, 9]);
 * ```
 */
export class ThreadPoolExecutor extends Executor {
  /**
   * Checks the options; starts nothing yet.
   *
   * @param options How many workers, or an options object.
   * @throws {TypeError} If an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {UnsupportedError} If this runtime cannot do what is asked, or has no workers.
   */
  constructor(options?: number | ThreadPoolExecutorOptions) {
    super();
    const given = optionsOf(options);
    checkRuntime(given.runtime);
    const scheduler = makeScheduler(KIND, given, () => given.runtime ?? detectRuntime());
    attachWorkers(this, scheduler);
  }
}
