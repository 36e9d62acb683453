import { Scheduler } from "../engine/scheduler.ts";
import { localClaims } from "../engine/table_claims.ts";
import { BrokenExecutorError } from "../futures/errors.ts";
import { captureContext } from "../runtime/async_context.ts";
import { taskChannel } from "../runtime/task_channel.ts";
import { detectRuntime } from "../runtime/detect.ts";
import { inlineRuntime } from "../runtime/inline.ts";
import { attachBackend, Executor } from "./executor.ts";
import { checkBoolean, checkCount, checkFunction, checkOptions, checkString } from "./options.ts";
import { perRequest } from "./per_request.ts";

/** Options of {@linkcode InlineExecutor}. */
export interface InlineExecutorOptions {
  /**
   * How many asynchronous tasks run at once.
   *
   * @default {32}
   */
  maxWorkers?: number | undefined;
  /**
   * Clone arguments and results, as a worker's channel does.
   *
   * @default {true}
   */
  clone?: boolean | undefined;
  /**
   * Keeps the program alive until work has ended. It is called when the executor is given work and had
   * none, with a promise that resolves when all is done. On Cloudflare
   * `(promise) => ctx.waitUntil(promise)`: without it, tasks end with the response.
   *
   * @default {undefined}
   */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /**
   * What the executor is called in events.
   *
   * @default {what its workers are called, without their number}
   */
  name?: string | undefined;
  /**
   * Measure how long tasks wait and run, for `Executor.metrics()`. It costs each task a little.
   *
   * @default {false}
   */
  metrics?: boolean | undefined;
}

let created = 0;

/**
 * Runs tasks on this thread: for runtimes without workers, for tests, and for tasks that only wait.
 *
 * Python has no counterpart. It behaves as the other executors do, by the same code, with two
 * differences: functions are called as they are, so that they see their surroundings; and nothing
 * runs beside your code, so that a busy task stops everything and cannot be stopped. Between tasks
 * it gives way to timers and whatever else the thread has to do.
 *
 * Where a program serves requests that may share nothing, as on Cloudflare, an executor that several
 * of them use is one for each: with its own tasks, limit, counts and shutdown.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new InlineExecutor();
 * assertEquals(await executor.submit(async (x: number) => await Promise.resolve(x + 1), 1), 2);
 * ```
 *
 * @example Work that goes on after the response
 * ```ts
 * import { InlineExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * function handle(ctx: { waitUntil(promise: Promise<unknown>): void }): string {
 *   const executor = new InlineExecutor({ waitUntil: (promise) => ctx.waitUntil(promise) });
 *   executor.submit(async () => void log.push(await Promise.resolve("counted")));
 *   return "answered";
 * }
 *
 * const work: Promise<unknown>[] = [];
 * assertEquals(handle({ waitUntil: (promise) => work.push(promise) }), "answered");
 * await Promise.all(work);
 * assertEquals(log, ["counted"]);
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
    checkOptions("InlineExecutor", options, [
      "maxWorkers",
      "clone",
      "waitUntil",
      "name",
      "metrics",
    ]);
    checkString("name", options.name);
    checkBoolean("metrics", options.metrics);
    checkBoolean("clone", options.clone);
    checkFunction("waitUntil", options.waitUntil);
    const maxWorkers = checkCount("maxWorkers", options.maxWorkers) ?? 32;
    const { clone = true, waitUntil } = options;
    const host = detectRuntime();
    const namePrefix = `InlineExecutor-${created++}`;
    const make = () =>
      new Scheduler({
        executorName: "InlineExecutor",
        runtime: inlineRuntime(host, clone),
        worker: { program: "" },
        claims: localClaims,
        inThread: true,
        // One worker, this thread, which has so many tasks at once.
        maxWorkers: 1,
        tasksPerWorker: maxWorkers,
        namePrefix,
        name: options.name ?? namePrefix,
        metrics: options.metrics,
        initializer: undefined,
        finalizer: undefined,
        finalizerTimeout: Infinity,
        maxTasksPerChild: undefined,
        maxWorkerMemory: undefined,
        minWorkers: 0,
        idleTimeout: undefined,
        maxPending: undefined,
        onCrash: "replace",
        grace: 100,
        brokenError: (message, errorOptions) => new BrokenExecutorError(message, errorOptions),
        waitUntil,
        captureContext,
        taskChannel,
      });
    attachBackend(this, perRequest(make, host.requestMark, (scheduler) => scheduler.isIdle));
  }
}
