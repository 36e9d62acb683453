// Length: half of it is documentation.

import { attachBackend, backendOf, Executor } from "../executor/executor.ts";
import { checkBoolean, checkOptions, checkString } from "../executor/options.ts";
import type { Future } from "../futures/future.ts";
import { RemoteBackend } from "./backend.ts";
import {
  checkLimit,
  checkRemoteTaskOptions,
  checkSecret,
  checkSpan,
  checkTaskId,
  checkTransport,
  checkWhole,
} from "./remote_options.ts";
import type { RemoteTaskOptions } from "./remote_options.ts";
import type { RemoteWorkerInfo, Transport } from "./transport.ts";

/** Options of {@linkcode DistributedExecutor}. */
export interface DistributedExecutorOptions {
  /**
   * Tasks that may be pending, here and on the engine; beyond it `submit` throws `QueueFullError`.
   *
   * @default {Infinity}
   */
  maxPending?: number | undefined;
  /**
   * Tasks in one call of the engine.
   *
   * @default {500}
   */
  batchSize?: number | undefined;
  /**
   * How often a task that throws runs again, after 200 ms, 400 ms and so on.
   *
   * @default {0}
   */
  retries?: number | undefined;
  /**
   * How often a task whose worker was lost goes to another one; then `WorkerLostError`.
   *
   * @default {3}
   */
  maxRedeliveries?: number | undefined;
  /**
   * Milliseconds that a task may wait in the queue; then `ExpiredError`.
   *
   * @default {Infinity}
   */
  expires?: number | undefined;
  /**
   * Milliseconds that the engine keeps results.
   *
   * @default {600_000}
   */
  resultTtl?: number | undefined;
  /**
   * Bytes of one task or one result at the most; beyond it `SerializationError`.
   *
   * @default {1_048_576}
   */
  maxPayload?: number | undefined;
  /**
   * Signs what is sent, both ways, by HMAC-SHA256: workers have the same one. At least 16 characters.
   *
   * @default {undefined}
   */
  secret?: string | undefined;
  /**
   * Milliseconds until `ready()` and `warmUp()` reject if the engine is not there.
   *
   * @default {10_000}
   */
  readyTimeout?: number | undefined;
  /**
   * What it is called in events.
   *
   * @default {"DistributedExecutor-<n>"}
   */
  name?: string | undefined;
  /**
   * Measures how long tasks wait and run, for `metrics()`; workers then tell it with each outcome.
   *
   * @default {false}
   */
  metrics?: boolean | undefined;
}

let created = 0;

/**
 * Runs tasks on other machines, over an engine that people operate already.
 *
 * It is an `Executor` as all others are: futures, `wait`, `asCompleted`, `map` and the pools work as they do.
 * Python's nearest is Dask's `Client.get_executor()`. Three things differ. **A task runs at least once**: a lost
 * worker, a partition or an engine that restarts may make it run again, and `currentTask().id` and `.attempt`
 * let it know; its future settles once all the same. **Code travels by name only**: tasks come from
 * `remoteTasks`. And `shutdown()` ends this client alone, never the workers.
 *
 * @example Usage
 * ```ts
 * import { DistributedExecutor, memoryTransport, remoteTasks, RemoteWorker } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * const url = "data:text/javascript,export function double(x) { return 2 * x }";
 * const { double } = remoteTasks<{ double(x: number): number }>("numbers");
 *
 * // In a program of its own, on each machine: concurrent-futures worker --module numbers=./numbers.ts …
 * const { engine } = memoryTransport();
 * const stop = new AbortController();
 * const worker = new RemoteWorker(memoryTransport(engine), { modules: { numbers: url }, concurrency: 2 });
 * const ended = worker.run({ signal: stop.signal });
 *
 * const executor = new DistributedExecutor(memoryTransport(engine));
 * assertEquals(await executor.map(double, [1, 2, 3]).toArray(), [2, 4, 6]);
 * await executor.shutdown();
 *
 * stop.abort();
 * await ended;
 * ```
 */
export class DistributedExecutor extends Executor {
  readonly #backend: RemoteBackend;

  /**
   * Checks the options; nothing connects before the first task.
   *
   * @param transport The engine: `bullmq({ url, queue })`. It belongs to this executor from now on.
   * @param options See {@linkcode DistributedExecutorOptions}.
   * @throws {TypeError} If an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   */
  constructor(transport: Transport, options: DistributedExecutorOptions = {}) {
    super();
    checkTransport("DistributedExecutor", transport);
    checkOptions("DistributedExecutor", options, [
      ...["maxPending", "batchSize", "retries", "maxRedeliveries", "expires", "resultTtl"],
      ...["maxPayload", "secret", "readyTimeout", "name", "metrics"],
    ]);
    checkString("name", options.name);
    checkBoolean("metrics", options.metrics);
    const backend = this.#backend = new RemoteBackend(transport, {
      metrics: options.metrics ?? false,
      label: options.name ?? `DistributedExecutor-${created++}`,
      maxPending: checkLimit("maxPending", options.maxPending) ?? Infinity,
      batchSize: checkLimit("batchSize", options.batchSize) ?? 500,
      retries: checkWhole("retries", options.retries) ?? 0,
      maxRedeliveries: checkWhole("maxRedeliveries", options.maxRedeliveries) ?? 3,
      expires: checkSpan("expires", options.expires),
      resultTtl: checkSpan("resultTtl", options.resultTtl) ?? 600_000,
      maxPayload: checkLimit("maxPayload", options.maxPayload) ?? 1024 * 1024,
      secret: checkSecret(options.secret),
      readyTimeout: checkSpan("readyTimeout", options.readyTimeout) ?? 10_000,
    });
    attachBackend(this, () => backend);
  }

  /**
   * The same fleet, with options for each task that is submitted through what it returns.
   *
   * @param options See {@linkcode RemoteTaskOptions}; they add to those it has.
   * @returns An executor that shares all but the options.
   * @throws {TypeError} If an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   */
  override with(options: RemoteTaskOptions): Executor {
    return remoteView(this, options);
  }

  /**
   * The future of a task that was submitted with this `taskId`: by another client, or before this program began.
   *
   * @typeParam T What the task returns.
   * @param taskId The name that was given to `with({ taskId })`.
   * @returns Its future; it rejects with `ResultLostError` if the engine knows no such task.
   * @throws {ShutdownError} If the executor is shut down.
   * @throws {TypeError} If it is no string.
   */
  attach<T = unknown>(taskId: string): Future<T> {
    checkTaskId(taskId);
    return this.#backend.attach(taskId) as Future<T>;
  }

  /**
   * Cancels a task exactly, also one that the engine has: `future.cancel()` cannot ask it.
   *
   * @param future A future of this executor.
   * @returns True if it was taken back before any worker had it, and will never run.
   */
  revoke(future: Future<unknown>): Promise<boolean> {
    return this.#backend.revoke(future);
  }

  /**
   * The workers that live.
   *
   * @returns Name, runtime, host and work of each. Waits for the engine, if it is away.
   */
  async workers(): Promise<RemoteWorkerInfo[]> {
    return [...await this.#backend.workers()];
  }
}

/** What {@linkcode DistributedExecutor.with} gives. */
class RemoteView extends Executor {
  override with(options: RemoteTaskOptions): Executor {
    return remoteView(this, options);
  }
}

function remoteView(executor: Executor, options: RemoteTaskOptions): Executor {
  const [find, limits] = backendOf(executor);
  const view = new RemoteView();
  attachBackend(view, find, { ...limits, ...checkRemoteTaskOptions(options) });
  return view;
}
