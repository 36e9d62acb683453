/**
 * A backend that runs tasks one after the other on this thread: what an executor asks of it, and no more.
 *
 * @module
 */

import type { TaskBackend, TaskLimits } from "../../src/backend/task_backend.ts";
import { ShutdownError } from "../../src/futures/errors.ts";
import { FutureSource } from "../../src/futures/future_source.ts";
import type { Future } from "../../src/futures/future.ts";
import { toTaskRef } from "../../src/wire/task_ref.ts";

type Body = () => Promise<unknown>;

export function fakeBackend(): TaskBackend {
  const queue: (readonly [FutureSource<unknown>, Body])[] = [];
  let state: "open" | "shut down" = "open";
  let completed = 0;
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [source, body] = next;
      if (!source.setRunningOrNotifyCancel()) continue;
      try {
        source.setResult(await body());
        completed++;
      } catch (error) {
        source.setException(error);
      }
    }
    running = undefined;
  }

  function enqueue(body: Body, limits?: TaskLimits): Future<unknown> {
    backend.checkOpen();
    const source = new FutureSource<unknown>();
    if (limits?.signal?.aborted) source.setCancelled(limits.signal.reason);
    limits?.signal?.addEventListener("abort", () => {
      if (source.future.cancel() || source.future.done()) return;
      source.setException(limits.signal!.reason);
    });
    queue.push([source, body]);
    running ??= Promise.resolve().then(drain);
    return source.future;
  }

  async function call(task: unknown, args: readonly unknown[]): Promise<unknown> {
    const ref = toTaskRef(task);
    if (ref.kind !== "source") throw new TypeError("The fake runs plain functions");
    return await Reflect.apply(ref.fn, undefined, await Promise.all(args));
  }

  async function chunk(task: unknown, args: readonly unknown[], items: number): Promise<unknown> {
    const width = args.length / items;
    const rows = Array.from({ length: items }, (_, i) => args.slice(i * width, (i + 1) * width));
    const values: unknown[] = [];
    const failures = new Map<number, unknown>();
    for (const [i, row] of rows.entries()) {
      values.push(await call(task, row).catch((error) => void failures.set(i, error)));
    }
    return { values, failures: failures.size > 0 ? failures : undefined };
  }

  const backend: TaskBackend = {
    name: "FakeExecutor",
    label: "FakeExecutor",
    observe: () => {
      throw new TypeError("The fake tells of nothing");
    },
    metrics: () => {
      throw new TypeError("The fake keeps no metrics");
    },
    maxWorkers: 1,
    lookAhead: 4,
    capabilities: { parallel: false, stopsBusyTasks: false, sharedMemory: true, sandbox: false },
    get state() {
      return state;
    },
    checkOpen() {
      if (state !== "open") throw new ShutdownError("Cannot submit a task: executor is shut down");
    },
    checkTask: (task) => void toTaskRef(task),
    submit: (task, args, limits) => enqueue(async () => await call(task, args), limits),
    submitChunk: (task, args, limits, items) => enqueue(() => chunk(task, args, items), limits),
    submitSupply(task, source, reader, limits) {
      const whole = new FutureSource<unknown>();
      while (source.remaining > 0) {
        const size = Math.min(source.chunkSize ?? 1, source.remaining);
        const args = source.take(size);
        reader.chunkMade(backend.submitChunk(task, args, limits, size), size);
      }
      whole.setResult(undefined);
      return whole.future;
    },
    discard: (future) => void future.cancel(),
    inputOpened() {},
    inputClosed() {},
    broadcast: async (task, args) => [await backend.submit(task, args, undefined)],
    warmUp: () => Promise.resolve(),
    ready: () => Promise.resolve(),
    stats: () => ({
      ...{ workers: 1, idle: running === undefined ? 1 : 0, pending: queue.length },
      ...{ running: running === undefined ? 0 : 1, waiting: 0 },
      ...{ completed, failed: 0, cancelled: 0, crashed: 0 },
    }),
    async shutdown(cancelFutures) {
      state = "shut down";
      if (cancelFutures) { for (const [source] of queue) source.future.cancel(); }
      await running;
    },
    terminate: () => backend.shutdown(true),
  };
  return backend;
}
