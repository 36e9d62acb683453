/**
 * The same `Executor` over other machines: an engine that people operate already carries the tasks, and
 * workers on any runtime run them.
 *
 * Python's nearest are Dask's `Client.get_executor()` and Celery. A task runs at least once here; its future
 * settles exactly once.
 *
 * @example Usage
 * ```ts
 * import { DistributedExecutor, memoryTransport, remoteTasks, RemoteWorker } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * const url = "data:text/javascript,export function double(x) { return 2 * x }";
 * const { double } = remoteTasks<{ double(x: number): number }>("numbers");
 *
 * const { engine } = memoryTransport();
 * const stop = new AbortController();
 * const worker = new RemoteWorker(memoryTransport(engine), { modules: { numbers: url }, concurrency: 1 });
 * const ended = worker.run({ signal: stop.signal });
 *
 * const executor = new DistributedExecutor(memoryTransport(engine));
 * assertEquals(await executor.submit(double, 21), 42);
 * await executor.shutdown();
 *
 * stop.abort();
 * await ended;
 * ```
 *
 * @module
 */

// The client
export { DistributedExecutor } from "./distributed_executor.ts";
export type { DistributedExecutorOptions } from "./distributed_executor.ts";
export type { RemoteTaskOptions } from "./remote_options.ts";
export { remoteTasks } from "./remote_task.ts";

// The worker
export { RemoteWorker } from "./remote_worker.ts";
export type { RemoteRunOptions, RemoteWorkerEvent, RemoteWorkerOptions } from "./remote_worker.ts";

// Errors
export {
  EngineFullError,
  ExpiredError,
  ResultLostError,
  UnknownTaskError,
  WorkerLostError,
} from "./errors.ts";

// Engines
export { memoryTransport } from "./memory_transport.ts";
export type { MemoryTransport } from "./memory_transport.ts";
export { MemoryEngine } from "./memory_engine.ts";
export type { MemoryClient, MemoryFaults } from "./memory_engine.ts";
export { TransportError } from "./transport.ts";
export type {
  ConsumeOptions,
  Consumer,
  Delivery,
  Job,
  JobHandler,
  JobResult,
  Lookup,
  Outcome,
  QueueStatus,
  RemoteWorkerInfo,
  Reply,
  Subscription,
  Transport,
} from "./transport.ts";
