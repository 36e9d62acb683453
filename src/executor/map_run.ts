// Length: one state machine, of chunks that come and of those who take their results.

import { clock } from "../futures/clock.ts";
import type { ChunkOutcome } from "../backend/task_backend.ts";
import { provideAsyncDispose } from "../futures/dispose.ts";
import { startDeadline } from "../futures/deadline.ts";
import { CancelledError, TimeoutError } from "../futures/errors.ts";
import type { TypedArray } from "./map_columns.ts";
import { checkTarget, writeInto } from "./map_into.ts";
import { describeAs } from "../futures/inspect.ts";
import { observe, outcome, unobserve } from "../futures/future.ts";
import type { Future } from "../futures/future.ts";
import type { MapInput } from "./map_input.ts";

/**
 * Results of {@linkcode Executor.map}, in input order.
 *
 * @typeParam R What an item came to.
 */
export interface MapIterator<R> extends AsyncIterableIterator<R>, AsyncDisposable {
  /** The next result; `done` after the last, and for ever after. */
  next(): Promise<IteratorResult<R, undefined>>;
  /** Ends the iteration and cancels what has not begun. */
  return(): Promise<IteratorResult<R, undefined>>;
  /** How many items have ended, with whatever outcome, whether their results were taken or not: for progress bars. */
  readonly completed: number;
  /** How many items there are; `undefined` while an input of unknown length is not read to its end. */
  readonly total: number | undefined;
  /** This. */
  [Symbol.asyncIterator](): MapIterator<R>;
  /** All results that are left, in one array: the fastest way to take them. */
  toArray(): Promise<R[]>;
  /**
   * Writes all results that are left into a typed array, one after the other: numbers, or typed arrays
   * of them. No array is made, and no number is boxed.
   *
   * @param target Where to; it may have more places than there are results, and these are left alone.
   * @returns Resolves with `target`.
   * @throws {TypeError} If `target` is no typed array, or a result is no number.
   * @throws {RangeError} If it has too few places.
   */
  into<T extends TypedArray>(target: T): Promise<T>;
}

/** How results are given. */
export interface MapRunOptions {
  readonly timeout?: number | undefined;
  /** Each as `Promise.allSettled` would. */
  readonly settled?: boolean;
  /** As they come, not in input order. */
  readonly unordered?: boolean;
  /** A failure rejects at its place, and does not end the iteration. */
  readonly goesOn?: boolean;
  /** What is wrong with a result, by its place; `undefined` if nothing is. */
  readonly check?: (value: unknown, index: number) => unknown;
}

/** A chunk whose results are not taken yet. */
interface MapChunk {
  readonly future: Future<unknown>;
  readonly size: number;
}

/** Somebody waits for the next result, or for as many as there are. */
interface Taker {
  readonly many: boolean;
  promise?: Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

const END: IteratorResult<unknown, undefined> = Object.freeze({ done: true, value: undefined });

/** One call of `map`: its chunks in order, the one that is being taken, and who waits. */
export class MapRun implements MapIterator<unknown> {
  static {
    provideAsyncDispose(this.prototype);
    describeAs<MapRun>(
      this.prototype,
      "MapIterator",
      (run) => `MapIterator { ${run.describe()} }`,
    );
  }

  readonly #settled: boolean;
  readonly #goesOn: boolean;
  readonly #check: ((value: unknown, index: number) => unknown) | undefined;
  /** Results in the chunks that were opened; when it has ended, those that had come. */
  #opened = 0;
  /** If results are given as they come: the chunks that are not done. They join the others when they are. */
  readonly #open: Set<Future<unknown>> | undefined;
  readonly #timeout: number | undefined;
  readonly #deadline: number;
  #input!: MapInput;
  /** Called when the input is read to its end, or is read no more. */
  onRead: (() => void) | undefined = undefined;

  #chunks: MapChunk[] = [];
  #head = 0;
  /** Results of the chunk that is being taken, and how far. */
  #values: ArrayLike<unknown> = [];
  #failures: Map<number, unknown> | undefined = undefined;
  #at = 0;
  /** No more chunks come; `error` is what the input ended with. */
  #exhausted: { readonly error: { readonly reason: unknown } | undefined } | undefined = undefined;
  #ended = false;

  #takers: Taker[] = [];
  #observed: Future<unknown> | undefined = undefined;
  #stopTimer: (() => void) | undefined = undefined;

  constructor({ timeout, settled, unordered, goesOn, check }: MapRunOptions) {
    this.#check = check;
    this.#open = unordered ? new Set() : undefined;
    this.#timeout = timeout;
    this.#deadline = timeout === undefined ? Infinity : clock.now() + timeout;
    this.#settled = settled ?? false;
    this.#goesOn = goesOn ?? false;
  }

  /** Begins to read the input. */
  start(input: MapInput): void {
    this.#input = input;
    input.start();
  }

  // --- the input's side ---

  /** A chunk was submitted. */
  chunkMade(future: Future<unknown>, size: number): void {
    if (this.#ended) return this.#input.discard(future);
    if (this.#open === undefined || future.done()) return this.#add({ future, size });
    this.#open.add(future);
    observe(future, {
      futureDone: () => {
        if (this.#open!.delete(future)) this.#add({ future, size });
      },
    });
  }

  #add(chunk: MapChunk): void {
    this.#chunks.push(chunk);
    this.#serve();
  }

  /** The input has ended, with an error if there is one. */
  inputEnded(error: { readonly reason: unknown } | undefined): void {
    this.#exhausted ??= { error };
    this.#inputIsRead();
    this.#serve();
  }

  /** Lets go of who is told: a pool is not to be held by results that were not taken. */
  #inputIsRead(): void {
    this.onRead?.();
    this.onRead = undefined;
  }

  /** The chunk that is waited for is done. */
  futureDone(): void {
    this.#observed = undefined;
    this.#serve();
  }

  get completed(): number {
    let completed = this.#opened;
    for (let i = this.#head; i < this.#chunks.length; i++) {
      const { future, size } = this.#chunks[i]!;
      if (future.done()) completed += size;
    }
    return completed;
  }

  get total(): number | undefined {
    return this.#input.total;
  }

  /** How many results are there, as it is printed. */
  describe(): string {
    if (this.#ended) return "ended";
    let ready = this.#values.length - this.#at;
    for (let i = this.#head; i < this.#chunks.length && this.#chunks[i]!.future.done(); i++) {
      ready += this.#chunks[i]!.size;
    }
    return `${ready} ready`;
  }

  /** Whether the input is read to its end, or is read no more. */
  get isRead(): boolean {
    return this.#exhausted !== undefined || this.#ended;
  }

  /** From now on the input is read as tasks end, whether their results are taken or not. */
  readOn(): void {
    this.#input.readOn();
  }

  /** An input of unknown length is read no more: after what was read comes the reason. */
  stopReading(reason: unknown): void {
    this.#input.stop(reason);
  }

  // --- the taker's side ---

  next(): Promise<IteratorResult<unknown, undefined>> {
    // The fast way: a result is here, and nobody waits for it.
    if (this.#at < this.#values.length && this.#failures === undefined && !this.#settled) {
      const value = this.#values[this.#at++];
      this.#input.taken(1);
      return Promise.resolve({ done: false, value });
    }
    return this.#take(false) as Promise<IteratorResult<unknown, undefined>>;
  }

  /** The next result within so many milliseconds. One that does not come in time is not lost. */
  nextWithin(timeout: number): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      const taker: Taker = {
        many: false,
        resolve(value) {
          stop();
          resolve(value as IteratorResult<unknown, undefined>);
        },
        reject(error) {
          stop();
          reject(error);
        },
      };
      const stop = startDeadline(timeout, () => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        if (this.#takers.length === 0) this.#disarm();
        reject(new TimeoutError(`Cannot get the next result within ${timeout} ms`));
      });
      this.#takers.push(taker);
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#end();
    return Promise.resolve(END);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): MapIterator<unknown> {
    return this;
  }

  async toArray(): Promise<unknown[]> {
    const all: unknown[] = [];
    for (;;) {
      const some = await this.#take(true) as ArrayLike<unknown> | undefined;
      if (some === undefined) return all;
      for (let i = 0; i < some.length; i++) all.push(some[i]);
    }
  }

  /** All results, when all have ended; then it rejects with the first failure. For one that goes on. */
  async gather(): Promise<unknown[]> {
    const all: unknown[] = [];
    let failed: { readonly reason: unknown } | undefined;
    for (;;) {
      try {
        const some = await this.#take(true) as ArrayLike<unknown> | undefined;
        if (some === undefined) break;
        if (failed === undefined) { for (let i = 0; i < some.length; i++) all.push(some[i]); }
      } catch (reason) {
        failed ??= { reason };
      }
    }
    if (failed !== undefined) throw failed.reason;
    return all;
  }

  async into<T extends TypedArray>(target: T): Promise<T> {
    checkTarget(target);
    let at = 0;
    for (;;) {
      const some = await this.#take(true) as ArrayLike<unknown> | undefined;
      if (some === undefined) return target;
      try {
        at = writeInto(target, at, some);
      } catch (error) {
        this.#end();
        throw error;
      }
    }
  }

  #take(many: boolean): Promise<unknown> {
    let taker: Taker;
    const promise = new Promise((resolve, reject) => taker = { many, resolve, reject });
    taker!.promise = promise;
    this.#takers.push(taker!);
    this.#serve();
    return promise;
  }

  /** Gives those who wait what there is, in order. */
  #serve(): void {
    while (this.#takers.length > 0) {
      const taker = this.#takers[0]!;
      if (this.#at < this.#values.length) {
        this.#takers.shift();
        this.#give(taker);
      } else if (this.#ended) {
        this.#takers.shift();
        taker.resolve(taker.many ? undefined : END);
      } else if (this.#head < this.#chunks.length) {
        if (!this.#openChunk(this.#chunks[this.#head]!)) break;
      } else if (this.#exhausted !== undefined && !(this.#open?.size)) {
        const { error } = this.#exhausted;
        if (error !== undefined) {
          this.#takers.shift();
          // Whoever ends the executor knows of it, and need not wait for the iterator as well.
          if (error.reason instanceof CancelledError) taker.promise?.catch(() => {});
          taker.reject(error.reason);
        }
        this.#end();
      } else break;
    }
    if (this.#takers.length === 0) this.#disarm();
    else this.#arm();
  }

  /** Makes a chunk's results those that are taken next. False if it is not done. */
  #openChunk(chunk: MapChunk): boolean {
    if (!chunk.future.done()) {
      if (this.#observed !== chunk.future) {
        this.#observed = chunk.future;
        observe(chunk.future, this);
      }
      return false;
    }
    this.#chunks[this.#head++] = undefined!;
    if (this.#head > 1024 && this.#head * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    const result = outcome(chunk.future);
    this.#at = 0;
    if (result.status === "fulfilled") {
      const { values, failures } = result.value as ChunkOutcome;
      this.#values = values;
      this.#failures = failures;
      if (this.#check !== undefined) this.#checkValues(this.#check);
    } else {
      // The chunk as a whole failed, and with it each of its items.
      this.#values = new Array(chunk.size).fill(undefined);
      this.#failures = new Map(
        Array.from({ length: chunk.size }, (_, i) => [i, result.reason] as const),
      );
    }
    this.#opened += chunk.size;
    return true;
  }

  #checkValues(check: (value: unknown, index: number) => unknown): void {
    for (let i = 0; i < this.#values.length; i++) {
      if (this.#failures?.has(i)) continue;
      const error = check(this.#values[i], this.#opened + i);
      if (error !== undefined) this.#failures = new Map(this.#failures).set(i, error);
    }
  }

  #give(taker: Taker): void {
    if (taker.many && this.#failures === undefined && !this.#settled) {
      const some = this.#at === 0
        ? this.#values
        : Array.prototype.slice.call(this.#values, this.#at);
      this.#at = this.#values.length;
      this.#input.taken(some.length);
      return taker.resolve(some);
    }
    const index = this.#at++;
    const value = this.#values[index];
    this.#input.taken(1);
    const failed = this.#failures?.has(index) ?? false;
    const reason = this.#failures?.get(index);
    if (failed && !this.#settled) {
      if (!this.#goesOn) this.#end();
      return taker.reject(reason);
    }
    const result = !this.#settled
      ? value
      : failed
      ? { status: "rejected", reason }
      : { status: "fulfilled", value };
    taker.resolve(taker.many ? [result] : { done: false, value: result });
  }

  #arm(): void {
    if (this.#timeout === undefined || this.#stopTimer !== undefined) return;
    this.#stopTimer = startDeadline(this.#deadline - clock.now(), () => {
      this.#stopTimer = undefined;
      const taker = this.#takers.shift();
      this.#end();
      taker?.reject(
        new TimeoutError(`Cannot finish map within ${this.#timeout} ms: the rest is cancelled`),
      );
      this.#serve();
    });
  }

  #disarm(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** No more results: what has not begun is cancelled. */
  #end(): void {
    if (this.#ended) return;
    this.#opened = this.completed;
    this.#ended = true;
    this.#values = [];
    this.#at = 0;
    this.#input.cancel();
    this.#inputIsRead();
    if (this.#observed !== undefined) unobserve(this.#observed, this);
    const chunks = this.#chunks.slice(this.#head);
    const open = [...this.#open ?? []];
    this.#open?.clear();
    this.#chunks = [];
    this.#head = 0;
    for (const { future } of chunks) this.#input.discard(future);
    for (const future of open) this.#input.discard(future);
    this.#serve();
  }
}
