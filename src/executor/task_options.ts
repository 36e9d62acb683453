import type { TaskLimits } from "../backend/task_backend.ts";
import type { Future } from "../futures/future.ts";
import { bindContext } from "../runtime/async_context.ts";
import { checkCount, checkFunction, checkOptions, checkSignal, checkTime } from "./options.ts";
import { show } from "../futures/show.ts";

/** What may be asked for each task beyond running it; see `Executor.with()`. */
export interface TaskOptions {
  /**
   * Aborts the task. Before it began it is cancelled; while it runs, its `this.signal` is aborted, and
   * if it has not ended after the executor's `grace`, its worker is replaced. The future rejects with
   * the signal's reason.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds that the task may run, from its start. Then it is ended as by `signal`, and its
   * future rejects with `TimeoutError`.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
  /**
   * Higher ones start first, equal ones in submit order.
   *
   * @default {0}
   */
  priority?: number | undefined;
  /**
   * Values of a stream that may wait here to be taken: its generator is never further ahead.
   *
   * @default {64}
   */
  bufferSize?: number | undefined;
  /**
   * A key. Tasks of one key run on one worker, in submit order, one after the other: for what a worker
   * keeps between tasks, as caches, open files, or the state of an actor. Different keys are spread over
   * the workers, and a key stays with its worker as long as that lives. A task that waits for a future
   * among its arguments takes its place when it has it.
   *
   * @default {undefined}
   */
  affinity?: string | number | bigint | object | undefined;
  /**
   * Called with each value that the task gives to `this.report()`.
   *
   * @default {undefined}
   */
  onProgress?: ((value: unknown, future: Future<unknown>) => void) | undefined;
}

/**
 * Task options, checked.
 *
 * @throws {TypeError} If one is of a wrong kind.
 * @throws {RangeError} If `bufferSize` is no count.
 */
export function checkTaskOptions(options: TaskOptions): TaskLimits {
  checkOptions("with", options ?? null, [
    "signal",
    "timeout",
    "priority",
    "affinity",
    "bufferSize",
    "onProgress",
  ]);
  const { signal, timeout, priority, affinity, bufferSize, onProgress } = options;
  checkSignal("signal", signal);
  checkFunction("onProgress", onProgress);
  if (priority !== undefined && (typeof priority !== "number" || Number.isNaN(priority))) {
    throw new TypeError(`Cannot use priority: expected a number, got ${show(priority)}`);
  }
  if (affinity !== undefined && !isKey(affinity)) {
    throw new TypeError(
      `Cannot use affinity: expected a string, a number, a bigint or an object, got ${
        show(affinity)
      }`,
    );
  }
  const limits: { -readonly [K in keyof TaskLimits]: TaskLimits[K] } = {};
  if (signal !== undefined) limits.signal = signal;
  if (timeout !== undefined) limits.timeout = checkTime("timeout", timeout);
  if (priority !== undefined) limits.priority = priority;
  if (bufferSize !== undefined) limits.bufferSize = checkCount("bufferSize", bufferSize);
  if (affinity !== undefined) limits.affinity = affinity;
  if (onProgress !== undefined) limits.onProgress = bindContext(onProgress);
  return limits;
}

function isKey(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ||
    (typeof value === "object" && value !== null);
}
