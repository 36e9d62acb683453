import { Scheduler } from "../engine/scheduler.ts";
import { BrokenExecutorError } from "../futures/errors.ts";
import { detectRuntime } from "../runtime/detect.ts";
import { inlineRuntime } from "../runtime/inline.ts";
import { attachScheduler, Executor } from "./executor.ts";
import { checkBoolean, checkCount, checkOptions } from "./options.ts";

/** Options of {@linkcode InlineExecutor}. */
export interface InlineExecutorOptions {
  /**
   * How many asynchronous tasks run at once.
   *
   * @default {32}
   */
  maxWorkers?: number;
  /**
   * Clone arguments and results, as a worker's channel does.
   *
   * @default {true}
   */
  clone?: boolean;
}

let created = 0;

/**
 * Runs tasks on this thread: for runtimes without workers, for tests, and for tasks that only wait.
 *
 * Python has no counterpart. It behaves as the other executors do, by the same code, with two
 * differences: functions are called as they are, so that they see their surroundings; and nothing
 * runs beside your code, so that a busy task stops everything and cannot be stopped.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new InlineExecutor();
 * assertEquals(await executor.submit(async (x: number) => await Promise.resolve(x + 1), 1), 2);
 * ```
 */
export class InlineExecutor extends Executor {
  /**
   * Checks the options; starts nothing yet.
   *
   * @param options See {@linkcode InlineExecutorOptions}.
   * @throws {TypeError} If an option is of a wrong kind.
   * @throws {RangeError} If `maxWorkers` is out of range.
   */
  constructor(options: InlineExecutorOptions = {}) {
    super();
    checkOptions("options of InlineExecutor", options);
    checkBoolean("clone", options.clone);
    const maxWorkers = checkCount("maxWorkers", options.maxWorkers) ?? 32;
    attachScheduler(
      this,
      new Scheduler({
        executorName: "InlineExecutor",
        runtime: inlineRuntime(detectRuntime(), options.clone ?? true),
        worker: { program: "" },
        memory: "local",
        inThread: true,
        // One worker, this thread, which has so many tasks at once.
        maxWorkers: 1,
        tasksPerWorker: maxWorkers,
        namePrefix: `InlineExecutor-${created++}`,
        initializer: undefined,
        maxTasksPerChild: undefined,
        idleTimeout: undefined,
        maxPending: undefined,
        onCrash: "replace",
        grace: 100,
        brokenError: (message, errorOptions) => new BrokenExecutorError(message, errorOptions),
      }),
    );
  }
}
