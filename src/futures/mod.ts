/**
 * Futures alone, without executors: for those who make futures of their own, and for those who only
 * wait for them. No worker code, no side effect.
 *
 * The part of Python's `concurrent.futures` that imports no backend.
 *
 * @example Usage
 * ```ts
 * import { FutureSource, wait } from "@concurrent/futures/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const source = new FutureSource<number>();
 * setTimeout(() => source.setResult(1));
 * const { done } = await wait([source.future]);
 * assertEquals(done.size, 1);
 * ```
 *
 * @module
 */

// Futures
export { Future } from "./future.ts";
export { FutureSource } from "./future_source.ts";
export type { FutureState } from "./future.ts";
export type { WaitOptions } from "./deadline.ts";

// Waiting
export { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from "./wait.ts";
export type { ReturnWhen, WaitForOptions, WaitResult } from "./wait.ts";
export { as_completed, asCompleted } from "./as_completed.ts";

// Errors
export {
  BrokenExecutorError,
  BrokenProcessPoolError,
  BrokenThreadPoolError,
  CancelledError,
  InvalidStateError,
  QueueFullError,
  SerializationError,
  ShutdownError,
  TimeoutError,
  UnsupportedError,
  WorkerCrashError,
} from "./errors.ts";
export type { WorkerCrashErrorOptions } from "./errors.ts";
