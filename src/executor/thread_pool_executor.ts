import { Scheduler } from "../engine/scheduler.ts";
import { BrokenThreadPoolError } from "../futures/errors.ts";
import { detectRuntime } from "../runtime/detect.ts";
import type { Runtime, WorkerPermissions, WorkerResourceLimits } from "../runtime/runtime.ts";
import type { Task } from "../wire/task_ref.ts";
import { PROGRAM_SOURCE } from "../worker/program_source.ts";
import { attachScheduler, Executor } from "./executor.ts";
import { checkCount, checkFunction, checkOptions, checkString, checkTime } from "./options.ts";
import { show } from "../futures/show.ts";

/** Options of {@linkcode ThreadPoolExecutor}. */
export interface ThreadPoolExecutorOptions {
  /** How many workers there are at the most. @default {available parallelism} */
  maxWorkers?: number;
  /** How many asynchronous tasks one worker runs at once. @default {1} */
  tasksPerWorker?: number;
  /** What workers are called, before `_<index>`. @default {"ThreadPoolExecutor-<n>"} */
  threadNamePrefix?: string;
  /** Runs in each worker before its first task; if it fails, the executor is broken. @default {undefined} */
  initializer?: Task<never[], unknown>;
  /** Arguments of `initializer`. @default {[]} */
  initargs?: readonly unknown[];
  /** Tasks after which a worker is replaced. @default {Infinity} */
  maxTasksPerChild?: number;
  /** Milliseconds until a worker with nothing to do is let go. @default {Infinity} */
  idleTimeout?: number;
  /** Tasks that may be pending; `submit` throws `QueueFullError` past it. @default {Infinity} */
  maxPending?: number;
  /** Whether a dead worker is replaced, or breaks the executor, as in Python's process pools. @default {"replace"} */
  onCrash?: "replace" | "break";
  /** Milliseconds that an aborted task has to end by itself. @default {100} */
  grace?: number;
  /** Makes the user's own worker, whose file calls `serve()`. @default {undefined} */
  worker?: () => unknown;
  /** What workers may do. Deno only; elsewhere an `UnsupportedError`. @default {"inherit"} */
  permissions?: WorkerPermissions;
  /** Environment variables of the workers. Deno and Node; elsewhere an `UnsupportedError`. @default {the program's own} */
  env?: Record<string, string>;
  /** Memory limits of a worker. Deno and Node; elsewhere an `UnsupportedError`. @default {none} */
  resourceLimits?: WorkerResourceLimits;
  /** Who starts the workers. @default {the runtime that is detected} */
  runtime?: Runtime;
}

let created = 0;

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
    const given: ThreadPoolExecutorOptions = typeof options === "object" && options !== null
      ? options
      : { maxWorkers: options as number };
    attachScheduler(this, makeScheduler(given));
  }
}

function makeScheduler(given: ThreadPoolExecutorOptions): Scheduler {
  checkOptions("runtime", given.runtime);
  checkFunction("worker", given.worker);
  checkString("threadNamePrefix", given.threadNamePrefix);
  checkOptions("env", given.env);
  checkOptions("resourceLimits", given.resourceLimits);
  if (given.permissions !== undefined && typeof given.permissions !== "string") {
    checkOptions("permissions", given.permissions);
  }
  if (given.initargs !== undefined && !Array.isArray(given.initargs)) {
    throw new TypeError(`Cannot use initargs: expected an array, got ${show(given.initargs)}`);
  }
  if (given.onCrash !== undefined && given.onCrash !== "replace" && given.onCrash !== "break") {
    throw new TypeError(
      `Cannot use onCrash: expected "replace" or "break", got ${show(given.onCrash)}`,
    );
  }
  const maxWorkers = checkCount("maxWorkers", given.maxWorkers);
  const tasksPerWorker = checkCount("tasksPerWorker", given.tasksPerWorker) ?? 1;
  const maxTasksPerChild = checkCount("maxTasksPerChild", given.maxTasksPerChild);
  const maxPending = checkCount("maxPending", given.maxPending);
  const idleTimeout = checkTime("idleTimeout", given.idleTimeout);
  const grace = checkTime("grace", given.grace === undefined ? 100 : given.grace) ?? Infinity;

  const runtime = given.runtime ?? detectRuntime();
  const worker = {
    program: PROGRAM_SOURCE,
    factory: given.worker,
    env: given.env,
    resourceLimits: given.resourceLimits,
    permissions: given.permissions,
  };
  const unsupported = runtime.unsupported(worker);
  if (unsupported !== undefined) throw unsupported;

  return new Scheduler({
    executorName: "ThreadPoolExecutor",
    runtime,
    worker,
    memory: runtime.capabilities.sharedMemory ? "shared" : "none",
    inThread: false,
    maxWorkers: maxWorkers ?? runtime.availableParallelism(),
    tasksPerWorker,
    namePrefix: given.threadNamePrefix ?? `ThreadPoolExecutor-${created++}`,
    initializer: given.initializer === undefined
      ? undefined
      : { task: given.initializer, args: given.initargs ?? [] },
    maxTasksPerChild,
    idleTimeout,
    maxPending,
    onCrash: given.onCrash ?? "replace",
    grace,
    brokenError: (message, errorOptions) => new BrokenThreadPoolError(message, errorOptions),
  });
}
