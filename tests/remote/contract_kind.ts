/**
 * The distributed executor as the contract's tests see it: over a queue in memory, with a worker of its own.
 *
 * @module
 */

import { BrokenThreadPoolError, InlineExecutor } from "../../mod.ts";
import type { ThreadPoolExecutorOptions } from "../../mod.ts";
import type {
  ChunkReader,
  ChunkSource,
  TaskBackend,
  TaskLimits,
} from "../../src/backend/task_backend.ts";
import { backendOf } from "../../src/executor/executor.ts";
import { executorOver } from "../../src/executor/executor_inside.ts";
import {
  DistributedExecutor,
  memoryTransport,
  remoteTasks,
  RemoteWorker,
} from "../../src/remote/mod.ts";
import { toTaskRef } from "../../src/wire/task_ref.ts";
import type { ExecutorKind } from "../contract/executors.ts";

const { callText, callModule } = remoteTasks<typeof import("./contract_tasks.ts")>("contract");

/** The worker's side of one executor. */
interface Side {
  stop(): Promise<void>;
}

export const DISTRIBUTED: ExecutorKind = {
  name: "DistributedExecutor",
  create({ maxPending, maxWorkers = 32 }: ThreadPoolExecutorOptions = {}) {
    const { engine } = memoryTransport();
    const executor = new DistributedExecutor(memoryTransport(engine), { maxPending });
    const places = new InlineExecutor({ maxWorkers });
    const stop = new AbortController();
    const ended = new RemoteWorker(memoryTransport(engine), {
      modules: { contract: import.meta.resolve("./contract_tasks.ts") },
      executor: places,
      grace: 0,
      log() {},
    }).run({ signal: stop.signal }).catch(() => {});
    const [find] = backendOf(executor);
    const backend = new FunctionBackend(find(), maxWorkers, {
      async stop() {
        stop.abort();
        await ended;
        await places.terminate();
      },
    });
    return executorOver(() => backend);
  },
  ...{ parallel: false, shared: false, memory: false, inline: true, perWorker: 1, several: 2 },
  brokenError: BrokenThreadPoolError,
};

/** Takes functions, and ends its worker with itself. All else is the backend's that it is made of. */
class FunctionBackend implements TaskBackend {
  readonly #backend: TaskBackend;
  readonly #side: Side;
  readonly maxWorkers: number;

  constructor(backend: TaskBackend, maxWorkers: number, side: Side) {
    this.#backend = backend;
    this.maxWorkers = maxWorkers; // which it is told only when it asks the engine
    this.#side = side;
  }

  get name(): string {
    return this.#backend.name;
  }

  get label(): string {
    return this.#backend.label;
  }

  get state(): TaskBackend["state"] {
    return this.#backend.state;
  }

  get lookAhead(): number {
    return 4 * this.maxWorkers;
  }

  get capabilities(): TaskBackend["capabilities"] {
    return this.#backend.capabilities;
  }

  checkOpen(): void {
    this.#backend.checkOpen();
  }

  checkTask(task: unknown): void {
    toTaskRef(task);
  }

  submit(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
  ): ReturnType<TaskBackend["submit"]> {
    this.checkOpen();
    const [remote, first] = translated(task);
    return this.#backend.submit(remote, [...first, ...args], limits);
  }

  submitChunk(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
    items: number,
  ): ReturnType<TaskBackend["submit"]> {
    this.checkOpen();
    const [remote, first] = translated(task);
    return this.#backend.submitChunk(remote, rows(first, args, items), limits, items);
  }

  submitSupply(
    task: unknown,
    source: ChunkSource,
    reader: ChunkReader,
    limits: TaskLimits | undefined,
  ): ReturnType<TaskBackend["submit"]> {
    this.checkOpen();
    const [remote, first] = translated(task);
    const translatedSource: ChunkSource = {
      get remaining() {
        return source.remaining;
      },
      chunkSize: source.chunkSize,
      take: (count) => rows(first, source.take(count), count),
    };
    return this.#backend.submitSupply(remote, translatedSource, reader, limits);
  }

  discard(future: Parameters<TaskBackend["discard"]>[0]): void {
    this.#backend.discard(future);
  }

  inputOpened(input: Parameters<TaskBackend["inputOpened"]>[0]): void {
    this.#backend.inputOpened(input);
  }

  inputClosed(input: Parameters<TaskBackend["inputClosed"]>[0]): void {
    this.#backend.inputClosed(input);
  }

  broadcast(task: unknown, args: readonly unknown[]): Promise<unknown[]> {
    return this.#backend.broadcast(task, args);
  }

  warmUp(): Promise<void> {
    return this.#backend.warmUp();
  }

  ready(): Promise<void> {
    return this.#backend.ready();
  }

  stats(): ReturnType<TaskBackend["stats"]> {
    return this.#backend.stats();
  }

  observe(observer: Parameters<TaskBackend["observe"]>[0]): () => void {
    return this.#backend.observe(observer);
  }

  trace(tool: Parameters<NonNullable<TaskBackend["trace"]>>[0]): () => void {
    return this.#backend.trace!(tool);
  }

  metrics(): ReturnType<TaskBackend["metrics"]> {
    return this.#backend.metrics();
  }

  async shutdown(cancelFutures: boolean): Promise<void> {
    await this.#backend.shutdown(cancelFutures);
    await this.#side.stop();
  }

  async terminate(): Promise<void> {
    await this.#backend.terminate();
    await this.#side.stop();
  }
}

function translated(task: unknown): readonly [task: unknown, first: readonly unknown[]] {
  const ref = toTaskRef(task);
  if (ref.kind === "source") return [callText, [ref.source]];
  if (ref.kind === "module") return [callModule, [ref.url, ref.name]];
  return [callText, [`() => { throw new Error("no task named ${ref.name}") }`]];
}

function rows(first: readonly unknown[], args: readonly unknown[], items: number): unknown[] {
  const width = args.length / items;
  return Array.from({ length: items }, (_, i) => {
    return [...first, ...args.slice(i * width, (i + 1) * width)];
  }).flat(1);
}
