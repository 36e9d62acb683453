/**
 * Python's `concurrent.futures` for JavaScript: submit a function, get a future, wait for what comes
 * first, map over workers, forget about threads. On Deno, Bun, Node, in browsers and at the edge.
 *
 * As in Python, an executor runs functions and a future stands for a result. In place of `with` write
 * `await using`, in place of `future.result()` also `await future`.
 *
 * @example Usage
 * ```ts
 * import { asCompleted, ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor();
 * const futures = [3, 4].map((n) => executor.submit((x: number) => x * x, n));
 *
 * let sum = 0;
 * for await (const future of asCompleted(futures)) sum += await future;
 * assertEquals(sum, 25);
 * ```
 *
 * @module
 */

// Executors
export { Executor } from "./src/executor/executor.ts";
export type { ShutdownOptions } from "./src/executor/shutdown_options.ts";
export type { TaskOptions } from "./src/executor/task_options.ts";
export { TaskGroup } from "./src/executor/task_group.ts";
export type { TaskGroupOptions } from "./src/executor/task_group.ts";
export type { MapOptions } from "./src/executor/map.ts";
export type { MapBlocksOptions } from "./src/executor/map_blocks.ts";
export type { TypedArray } from "./src/executor/map_columns.ts";
export type { MapIterator } from "./src/executor/map_run.ts";
export type { ReturnedBy, StreamedBy, TaskStream } from "./src/executor/task_stream.ts";
export { ThreadPoolExecutor } from "./src/executor/thread_pool_executor.ts";
export type { ThreadPoolExecutorOptions } from "./src/executor/thread_pool_executor.ts";
export { ProcessPoolExecutor } from "./src/executor/process_pool_executor.ts";
export type { ProcessPoolExecutorOptions } from "./src/executor/process_pool_executor.ts";
export type { ProcessCommand } from "./src/runtime/process/command.ts";
export type { RuntimeName } from "./src/runtime/command.ts";
export type { WorkerPoolOptions } from "./src/executor/worker_pool_options.ts";
export { InlineExecutor } from "./src/executor/inline_executor.ts";
export type { InlineExecutorOptions } from "./src/executor/inline_executor.ts";
export { createExecutor } from "./src/executor/create_executor.ts";
export type { CreateExecutorOptions } from "./src/executor/create_executor.ts";
export type { ExecutorStats } from "./src/backend/task_backend.ts";
export type { ExecutorMetrics, TimeSummary } from "./src/backend/executor_events.ts";
export type {
  ExecutorEvent,
  ExecutorEventBase,
  ReturnReason,
  TaskEndedEvent,
  TaskInfo,
  TaskOutcome,
  TaskReturnedEvent,
  TaskSentEvent,
  TaskStartedEvent,
  TaskSubmittedEvent,
  WorkerEndedEvent,
  WorkerEndReason,
  WorkerStartedEvent,
} from "./src/backend/executor_events.ts";

// multiprocessing.pool
export { Pool, ThreadPool } from "./src/pool/pool.ts";
export type { PoolOptions } from "./src/pool/pool.ts";
export { WorkerPool } from "./src/pool/worker_pool.ts";
export type { ImapOptions, MapAsyncOptions } from "./src/pool/worker_pool.ts";
export { AsyncResult } from "./src/pool/async_result.ts";
export type { AsyncResultOptions } from "./src/pool/async_result.ts";
export type { NextOptions, PoolIterator } from "./src/pool/pool_iterator.ts";

// Tasks
export { importTasks, namedTasks } from "./src/wire/task_ref.ts";
export type {
  Task,
  TaskArguments,
  TaskContext,
  TaskFunction,
  TaskItems,
  TaskReference,
  TasksOf,
} from "./src/wire/task_ref.ts";
export { transfer } from "./src/wire/transfer.ts";
export { registerError } from "./src/wire/error_codec.ts";

// Futures
export { Future } from "./src/futures/future.ts";
export { FutureSource } from "./src/futures/future_source.ts";
export type { FutureState } from "./src/futures/future.ts";
export type { WaitOptions } from "./src/futures/deadline.ts";

// Waiting
export { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from "./src/futures/wait.ts";
export type { ReturnWhen, WaitForOptions, WaitResult } from "./src/futures/wait.ts";
export { as_completed, asCompleted } from "./src/futures/as_completed.ts";

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
} from "./src/futures/errors.ts";
export type { WorkerCrashErrorOptions } from "./src/futures/errors.ts";

// What runtimes can do
export type {
  Capabilities,
  Runtime,
  TaskClaims,
  WorkerEvents,
  WorkerHandle,
  WorkerOptions,
  WorkerPermissions,
  WorkerResourceLimits,
} from "./src/runtime/runtime.ts";
