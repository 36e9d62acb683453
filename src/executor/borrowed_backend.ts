import type { ExecutorMetrics, Observer } from "../backend/executor_events.ts";
import type {
  ChunkReader,
  ChunkSource,
  ExecutorStats,
  OpenInput,
  TaskBackend,
  TaskLimits,
  ValueFeed,
  ValueSink,
} from "../backend/task_backend.ts";
import { BrokenExecutorError, CancelledError, ShutdownError } from "../futures/errors.ts";
import { observe } from "../futures/future.ts";
import type { Future } from "../futures/future.ts";
import type { Capabilities } from "../runtime/runtime.ts";
import { openFeed } from "./task_stream.ts";

/**
 * The backend of an executor that is somebody else's, as whoever borrows it sees it: it can be shut down
 * and terminated, and then its own tasks are waited for or ended, and nobody else's.
 */
export class BorrowedBackend implements TaskBackend {
  readonly name: string;
  readonly #find: () => TaskBackend;
  readonly #end = new AbortController();
  readonly #limits: TaskLimits;
  /** Futures of its own that are not settled. */
  readonly #own = new Set<Future<unknown>>();
  readonly #inputs = new Set<OpenInput>();
  #closed = false;
  #waiters: (() => void)[] = [];

  /**
   * @param name What the borrower is called.
   * @param find Gives the backend.
   * @param limits Those that the borrowed executor has for each task.
   */
  constructor(name: string, find: () => TaskBackend, limits: TaskLimits | undefined) {
    this.name = name;
    this.#find = find;
    const end = this.#end.signal;
    const { signal } = limits ?? {};
    this.#limits = {
      ...limits,
      signal: signal === undefined ? end : AbortSignal.any([signal, end]),
    };
  }

  get state(): "open" | "shut down" | "broken" {
    const { state } = this.#find();
    return state === "open" && this.#closed ? "shut down" : state;
  }

  get maxWorkers(): number {
    return this.#find().maxWorkers;
  }

  get lookAhead(): number {
    return this.#find().lookAhead;
  }

  get capabilities(): Capabilities {
    return this.#find().capabilities;
  }

  checkOpen(): void {
    this.#find().checkOpen();
    if (this.#closed) {
      throw new ShutdownError(`Cannot submit a task to ${this.name}: executor is shut down`);
    }
  }

  checkTask(task: unknown): void {
    this.#find().checkTask(task);
  }

  submit(task: unknown, args: readonly unknown[]): Future<unknown> {
    this.checkOpen();
    return this.#track(this.#find().submit(task, args, this.#limits));
  }

  stream(
    task: unknown,
    args: readonly unknown[],
    _limits: TaskLimits | undefined,
    sink: ValueSink,
  ): ValueFeed {
    this.checkOpen();
    const feed = openFeed(this.#find(), task, args, this.#limits, sink);
    this.#track(feed.future);
    return feed;
  }

  submitChunk(
    task: unknown,
    args: readonly unknown[],
    _limits: TaskLimits | undefined,
    items: number,
  ): Future<unknown> {
    this.checkOpen();
    return this.#track(this.#find().submitChunk(task, args, this.#limits, items));
  }

  submitSupply(task: unknown, source: ChunkSource, reader: ChunkReader): Future<unknown> {
    this.checkOpen();
    const tracking: ChunkReader = {
      chunkMade: (chunk, size) => reader.chunkMade(this.#track(chunk), size),
    };
    return this.#track(this.#find().submitSupply(task, source, tracking, this.#limits));
  }

  discard(future: Future<unknown>): void {
    this.#find().discard(future);
  }

  inputOpened(input: OpenInput): void {
    this.#inputs.add(input);
    this.#find().inputOpened(input);
  }

  inputClosed(input: OpenInput): void {
    this.#inputs.delete(input);
    this.#find().inputClosed(input);
  }

  broadcast(task: unknown, args: readonly unknown[]): Promise<unknown[]> {
    this.checkOpen();
    return this.#find().broadcast(task, args);
  }

  warmUp(): Promise<void> {
    this.checkOpen();
    return this.#find().warmUp();
  }

  ready(): Promise<void> {
    this.checkOpen();
    return this.#find().ready();
  }

  stats(): ExecutorStats {
    return this.#find().stats();
  }

  get label(): string {
    return this.#find().label;
  }

  observe(observer: Observer): () => void {
    return this.#find().observe(observer);
  }

  metrics(): ExecutorMetrics {
    return this.#find().metrics();
  }

  shutdown(cancelFutures: boolean): Promise<void> {
    this.#closed = true;
    if (cancelFutures) this.#cancel();
    return this.#whenDone();
  }

  terminate(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    this.#end.abort(new BrokenExecutorError(`Cannot finish the task: ${this.name} was terminated`));
    return this.#whenDone();
  }

  #cancel(): void {
    for (const future of [...this.#own]) this.#find().discard(future);
    const reason = new CancelledError(`Cannot go on with map: ${this.name} ended`);
    for (const input of [...this.#inputs]) input.stop(reason);
  }

  #track(future: Future<unknown>): Future<unknown> {
    if (future.done()) return future;
    this.#own.add(future);
    observe(future, {
      futureDone: () => {
        this.#own.delete(future);
        if (this.#own.size > 0) return;
        for (const resolve of this.#waiters.splice(0)) resolve();
      },
    });
    return future;
  }

  #whenDone(): Promise<void> {
    if (this.#own.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}
