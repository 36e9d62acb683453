import { checkNames } from "../futures/known_options.ts";
import { show } from "../futures/show.ts";
import { checkCount, checkString, checkTime } from "../executor/options.ts";
import { checkTaskOptions } from "../executor/task_options.ts";
import type { TaskOptions } from "../executor/task_options.ts";
import type { RemoteLimits } from "./remote_item.ts";
import type { Transport } from "./transport.ts";

/** What may be asked for each task of a distributed executor; see `DistributedExecutor.with()`. */
export interface RemoteTaskOptions extends TaskOptions {
  /**
   * Names the task: while the engine knows this name, also of one that has ended, a second submission is the
   * same task and does not run again. At most 200 bytes of UTF-8.
   *
   * @default {a name of its own}
   */
  taskId?: string | undefined;
  /**
   * How often it runs again if it throws, after 200 ms, 400 ms and so on.
   *
   * @default {the executor's}
   */
  retries?: number | undefined;
  /**
   * Milliseconds that it may wait in the queue; then its future rejects with `ExpiredError`.
   *
   * @default {the executor's}
   */
  expires?: number | undefined;
}

/**
 * Task options, checked.
 *
 * @throws {TypeError} If one is of a wrong kind.
 * @throws {RangeError} If one is out of range.
 */
export function checkRemoteTaskOptions(options: RemoteTaskOptions): RemoteLimits {
  if (typeof options === "object" && options !== null) {
    checkNames("with", options, [
      ...["signal", "timeout", "priority", "onProgress"],
      ...["taskId", "retries", "expires"],
    ]);
  }
  const { taskId, retries, expires, ...others } = options ?? null;
  const limits: { -readonly [K in keyof RemoteLimits]: RemoteLimits[K] } = {
    ...checkTaskOptions(others),
  };
  if (limits.priority !== undefined && !Number.isFinite(limits.priority)) {
    throw new RangeError(`Cannot use priority: expected a finite number, got ${limits.priority}`);
  }
  if (taskId !== undefined) {
    checkTaskId(taskId);
    limits.taskId = taskId;
  }
  if (retries !== undefined) limits.retries = checkWhole("retries", retries)!;
  if (expires !== undefined) limits.expires = checkTime("expires", expires);
  return limits;
}

/** A name that a user chose for a task. */
export function checkTaskId(taskId: unknown): asserts taskId is string {
  checkString("taskId", taskId ?? null);
  const { length } = new TextEncoder().encode(taskId as string);
  if (length > 0 && length <= 200) return;
  throw new RangeError(`Cannot use taskId: expected 1 to 200 bytes of UTF-8, got ${length}`);
}

/** A whole number, 0 or more, or nothing. */
export function checkWhole(name: string, value: unknown): number | undefined {
  return value === 0 ? 0 : checkCount(name, value);
}

/** A count, or `Infinity`, or nothing. */
export function checkLimit(name: string, value: unknown): number | undefined {
  return value === Infinity ? Infinity : checkCount(name, value);
}

/** A time that is more than nothing, or nothing. */
export function checkSpan(name: string, value: unknown): number | undefined {
  const time = checkTime(name, value);
  if (time !== undefined && time <= 0) {
    throw new RangeError(`Cannot use ${name}: expected more than 0 ms, got ${show(value)}`);
  }
  return time;
}

/** A secret, or nothing. */
export function checkSecret(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.length >= 16) return value;
  throw new TypeError("Cannot use secret: expected a string of at least 16 characters");
}

/** A transport. */
export function checkTransport(user: string, value: unknown): asserts value is Transport {
  const transport = value as Partial<Transport> | null | undefined;
  const calls = ["add", "replies", "lookup", "remove", "tell", "consume", "workers", "close"];
  if (
    typeof transport === "object" && transport !== null &&
    calls.every((call) => typeof transport[call as keyof Transport] === "function")
  ) return;
  throw new TypeError(
    `Cannot make a ${user}: expected a transport, as bullmq() or memoryTransport() makes, got ${
      show(value)
    }`,
  );
}
