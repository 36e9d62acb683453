import type {
  NumberRing,
  TaskBackend,
  TaskLimits,
  ValueFeed,
  ValueSink,
} from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import { provideAsyncDispose } from "../futures/dispose.ts";
import { CancelledError, UnsupportedError } from "../futures/errors.ts";
import { describeAs } from "../futures/inspect.ts";
import { outcome } from "../futures/future.ts";
import type { Future } from "../futures/future.ts";
import { markLocal } from "../futures/local_object.ts";
import { whenDone } from "./deferred_task.ts";

/** Values that may wait to be taken, if nothing else was said. */
const DEFAULT_BUFFER = 64;

/** Milliseconds in which values are given as fast as they are there; then timers and messages have their turn. */
const TURN_MILLISECONDS = 2;

/** Values between two looks at the clock. */
const CLOCK_INTERVAL = 64;

/** What a task gives one by one, if it is streamed: the values of the iterable that its function gives. */
export type StreamedBy<G> = Awaited<G> extends AsyncIterable<infer T> ? T
  : Awaited<G> extends Iterable<infer T> ? Awaited<T>
  : never;

/** What the generator of a task returns; `undefined` if it gives another iterable. */
export type ReturnedBy<G> = Awaited<G> extends
  AsyncGenerator<unknown, infer R, never> | Generator<unknown, infer R, never> ? Awaited<R>
  : unknown;

/**
 * The values of {@linkcode Executor.stream}, in order, as its generator gives them.
 *
 * @typeParam T What the generator yields.
 * @typeParam R What it returns.
 */
export interface TaskStream<T, R = unknown>
  extends AsyncIterableIterator<T, R | undefined>, AsyncDisposable {
  /** What the generator returned. It is done when the generator is, after the values are taken. */
  readonly future: Future<R>;
  /** The next value; rejects with the error of the task after all values that came before it. */
  next(): Promise<IteratorResult<T, R | undefined>>;
  /** Ends the generator, in its worker, and resolves when it has ended. */
  return(): Promise<IteratorResult<T, R | undefined>>;
  /** This. */
  [Symbol.asyncIterator](): TaskStream<T, R>;
}

/** Streams a task, where the backend can. */
export function openFeed(
  backend: TaskBackend,
  task: unknown,
  args: readonly unknown[],
  limits: TaskLimits | undefined,
  sink: ValueSink,
): ValueFeed {
  if (backend.stream !== undefined) return backend.stream(task, args, limits, sink);
  throw new UnsupportedError(`Cannot stream a task: ${backend.name} gives results as a whole`);
}

/** Submits a task whose values are taken one by one. */
export function streamOf<T, R>(
  backend: TaskBackend,
  task: unknown,
  args: readonly unknown[],
  limits: TaskLimits | undefined,
): TaskStream<T, R> {
  return new ValueStream(backend, task, args, limits) as TaskStream<unknown> as TaskStream<T, R>;
}

interface Taker {
  resolve(result: IteratorResult<unknown, unknown>): void;
  reject(error: unknown): void;
}

/** The values that have come and were not taken, and who waits for the next. */
class ValueStream implements TaskStream<unknown>, ValueSink {
  static {
    provideAsyncDispose(this.prototype);
    describeAs<ValueStream>(
      this.prototype,
      "TaskStream",
      (stream) => {
        const ready = stream.#waiting + (stream.#ring?.count ?? 0);
        return `TaskStream { ${ready} ready, ${stream.future.state} }`;
      },
    );
    markLocal(this.prototype, "a TaskStream; take its values, and pass them");
  }

  readonly bufferSize: number;
  readonly future: Future<unknown>;
  readonly #feed: ValueFeed;
  /** The values that are taken next, and how far; then those behind them. */
  #values: ArrayLike<unknown> = [];
  #at = 0;
  #behind: ArrayLike<unknown>[] = [];
  #waiting = 0;
  /** Values that were taken and not made room for. */
  #taken = 0;
  #takers: Taker[] = [];
  /** Numbers that are taken before all of these. */
  readonly #ring: NumberRing | undefined;
  #turnSince = clock.now();
  #untilLook = CLOCK_INTERVAL;
  /** Others have their turn. */
  #rests = false;
  /** Nothing is given any more. */
  #ended = false;

  constructor(
    backend: TaskBackend,
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
  ) {
    this.bufferSize = limits?.bufferSize ?? DEFAULT_BUFFER;
    this.#feed = openFeed(backend, task, args, limits, this);
    this.future = this.#feed.future;
    this.#ring = this.#feed.ring;
    whenDone(this.future, () => {
      this.#ring?.close();
      this.#serve();
    });
  }

  valuesCame(values: ArrayLike<unknown>): void {
    if (this.#ended) return;
    if (values.length > 0) {
      this.#waiting += values.length;
      this.#behind.push(values);
    }
    this.#turnSince = clock.now();
    this.#rests = false;
    this.#serve();
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    // The fast way: a value is here, and nobody waits for it.
    if (this.#at < this.#values.length) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    if (this.#takers.length === 0 && this.#hasNumber()) {
      return Promise.resolve({ done: false, value: this.#ring!.take() });
    }
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<unknown, unknown>> {
    this.#end();
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined });
    this.#feed.end(new CancelledError("The stream was left before its end"));
    return new Promise((resolve) =>
      whenDone(this.future, () => resolve({ done: true, value: undefined }))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): TaskStream<unknown> {
    return this;
  }

  /** Whether a number is here, and it is not the turn of others. */
  #hasNumber(): boolean {
    const ring = this.#ring;
    if (ring === undefined || this.#ended || this.#rests || ring.count === 0) return false;
    if (--this.#untilLook > 0) return true;
    this.#untilLook = CLOCK_INTERVAL;
    const now = clock.now();
    if (now - this.#turnSince < TURN_MILLISECONDS) return true;
    this.#rests = true;
    clock.giveWay(() => {
      this.#turnSince = clock.now();
      this.#rests = false;
      this.#serve();
    });
    return false;
  }

  #take(): unknown {
    const value = this.#values[this.#at++];
    this.#waiting--;
    // Not for each: a message costs more than a value.
    if (2 * ++this.#taken >= this.bufferSize) {
      const taken = this.#taken;
      this.#taken = 0;
      this.#feed.more(taken);
    }
    return value;
  }

  /** Gives those who wait what there is, in order. */
  #serve(): void {
    while (this.#takers.length > 0) {
      if (this.#hasNumber()) {
        this.#takers.shift()!.resolve({ done: false, value: this.#ring!.take() });
      } else if (this.#at < this.#values.length) {
        this.#takers.shift()!.resolve({ done: false, value: this.#take() });
      } else if (this.#behind.length > 0) {
        this.#values = this.#behind.shift()!;
        this.#at = 0;
      } else if (this.#ended) {
        this.#takers.shift()!.resolve({ done: true, value: undefined });
      } else if (this.#rests) {
        return this.#ring!.want();
      } else if (this.future.done()) {
        this.#end();
        const came = outcome(this.future);
        const taker = this.#takers.shift()!;
        if (came.status === "rejected") taker.reject(came.reason);
        else taker.resolve({ done: true, value: came.value });
      } else {
        this.#ring?.want();
        // It may have come before it was asked for.
        if (!this.#hasNumber()) return;
      }
    }
  }

  #end(): void {
    this.#ended = true;
    this.#values = [];
    this.#behind = [];
    this.#at = this.#waiting = 0;
  }
}
