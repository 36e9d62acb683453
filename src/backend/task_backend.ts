import type { ExecutorMetrics, Observer } from "./executor_events.ts";
import type { Future } from "../futures/future.ts";
import type { Capabilities, TaskChannel } from "../runtime/runtime.ts";

/** What may be asked for one task beyond running it; everything is checked already. */
export interface TaskLimits {
  readonly signal?: AbortSignal | undefined;
  readonly timeout?: number | undefined;
  readonly priority?: number | undefined;
  /** Values of a stream that may wait to be taken. */
  readonly bufferSize?: number | undefined;
  /** Tasks of one key run on one worker, in order, one after the other. */
  readonly affinity?: unknown;
  readonly onProgress?: ((value: unknown, future: Future<unknown>) => void) | undefined;
}

/** Totals and present counts of an executor. */
export interface ExecutorStats {
  /** Workers that live, those that start included. */
  readonly workers: number;
  /** Workers that have nothing to do. */
  readonly idle: number;
  /** Tasks that have not begun. */
  readonly pending: number;
  /** Tasks that a worker executes: never more than there are places. */
  readonly running: number;
  /**
   * Tasks that have begun and wait for those which they have submitted: their places are lent. Their futures
   * are `running`, as those of all tasks that have begun.
   */
  readonly waiting: number;
  /** Tasks that ended with a result, so far. */
  readonly completed: number;
  /** Tasks that ended with an error, so far. */
  readonly failed: number;
  /** Tasks that were cancelled, so far. */
  readonly cancelled: number;
  /** Workers that died before their time, so far. */
  readonly crashed: number;
}

/** The items of a `map` that are not submitted one by one but cut into chunks when a worker is free. */
export interface ChunkSource {
  /** Items left. */
  readonly remaining: number;
  /** Items of one chunk, if the caller said so. */
  readonly chunkSize: number | undefined;
  /** The arguments of the next `count` items, one after the other: an array, or a typed one. */
  take(count: number): readonly unknown[];
}

/** Who takes the chunks of a `map`. */
export interface ChunkReader {
  /** Told of each chunk, in order. Its future comes to a {@linkcode ChunkOutcome}. */
  chunkMade(chunk: Future<unknown>, size: number): void;
}

/** What one chunk of `map` comes to: a value per item, and the errors of those that failed. */
export interface ChunkOutcome {
  readonly values: ArrayLike<unknown>;
  readonly failures: Map<number, unknown> | undefined;
}

/** Who takes the values of a stream. */
export interface ValueSink {
  /** How many may be on their way or waiting to be taken. */
  readonly bufferSize: number;
  /** The next values, in order; none if they are in the ring. */
  valuesCame(values: ArrayLike<unknown>): void;
}

/** Numbers that need no message to come. They are before all that do. */
export interface NumberRing {
  /** How many are here. */
  readonly count: number;
  /** Takes one of them. */
  take(): number;
  /** Asks for a message about what is there, by `valuesCame`. */
  want(): void;
  /** What comes from now on does not count. */
  close(): void;
}

/** A stream, as whoever takes its values sees it. */
export interface ValueFeed {
  /** Where its numbers come, if they need no message. */
  readonly ring?: NumberRing | undefined;
  /** What the generator returned. All values have come when it is done. */
  readonly future: Future<unknown>;
  /** So many values were taken: as many more may come. */
  more(count: number): void;
  /** Nobody wants more of it: it is ended as by its signal, with that reason. */
  end(reason: unknown): void;
}

/** An input of `map` whose reader may wait for its next item. */
export interface OpenInput {
  /** Reads no more; the reader is told why. */
  stop(reason: unknown): void;
}

/**
 * The port between executors and whoever runs their tasks: all that `Executor`, `map` and the pools ask.
 * The local scheduler is one, the distributed executor has another; no room above asks which it is.
 * README.md beside this file tells what each call must keep.
 */
export interface TaskBackend {
  /** What the executor is called, in errors and when it is printed. */
  readonly name: string;
  /** Whether tasks are taken, and if not, why. */
  readonly state: "open" | "shut down" | "broken";
  /** Tasks that can run at once, as the executor tells it. */
  readonly maxWorkers: number;
  /** Items that a `map` of unknown length reads ahead, for each item of a chunk. */
  readonly lookAhead: number;
  readonly capabilities: Capabilities;

  /** Throws if no task can be taken: broken first, then shut down. */
  checkOpen(): void;
  /** Throws what is wrong with a task. */
  checkTask(task: unknown): void;
  /** Takes a task. Its future settles, whatever happens. */
  submit(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
  ): Future<unknown>;
  /** Takes a task whose values are told as they come. Not every backend can. */
  stream?(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
    sink: ValueSink,
  ): ValueFeed;
  /** Takes one chunk of `map`: the arguments of `items` calls, one after the other. */
  submitChunk(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
    items: number,
  ): Future<unknown>;
  /** Takes a whole `map`, to be cut into chunks. The future tells when all are cut; cancelling it ends the cutting. */
  submitSupply(
    task: unknown,
    source: ChunkSource,
    reader: ChunkReader,
    limits: TaskLimits | undefined,
  ): Future<unknown>;
  /** Nobody waits for this future of its own any more: cancels it, at once or as soon as that can be. */
  discard(future: Future<unknown>): void;
  /** From now until `inputClosed` an input is stopped when what is pending is cancelled. */
  inputOpened(input: OpenInput): void;
  inputClosed(input: OpenInput): void;

  /** Runs a task once on every live worker. */
  broadcast(task: unknown, args: readonly unknown[]): Promise<unknown[]>;
  warmUp(): Promise<void>;
  /** Resolves when a task more may be submitted under `maxPending`. */
  ready(): Promise<void>;
  stats(): ExecutorStats;
  /** What the executor is called, in events. */
  readonly label: string;
  /** Tells a tool of each task from now on; what it returns ends that. Not every backend can. */
  trace?(tool: TaskChannel): () => void;
  /** Tells what happens from now on; what it returns ends that. */
  observe(observer: Observer): () => void;
  /** @throws {TypeError} If none are kept. */
  metrics(): ExecutorMetrics;
  /** Takes no more tasks; resolves when all are done and what ran them has ended. */
  shutdown(cancelFutures: boolean): Promise<void>;
  /** Ends all: pending tasks are cancelled, running ones fail. */
  terminate(): Promise<void>;
}
