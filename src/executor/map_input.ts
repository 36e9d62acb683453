// Length: inputs of known and of unknown length, side by side, since each has what the other has.

import type { TaskBackend, TaskLimits } from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import { holdsFuture } from "../futures/argument_wait.ts";
import { observe, outcome } from "../futures/future.ts";
import { FutureSource } from "../futures/future_source.ts";
import type { Future } from "../futures/future.ts";
import { closeIterators } from "./close_iterators.ts";
import { whenDone } from "./deferred_task.ts";
import { columnOf } from "./map_columns.ts";
import type { Column } from "./map_columns.ts";
import { bindContext } from "../runtime/async_context.ts";

/** The input of one `map`: it makes chunks and tells its reader. */
export interface MapInput {
  /** How many items there are, if that is known by now. */
  readonly total: number | undefined;
  /** Begins to read. */
  start(): void;
  /** So many results were taken. */
  taken(count: number): void;
  /** What is done counts as taken from now on. */
  readOn(): void;
  /** Of unknown length: reads no more, and tells its reader why. */
  stop(reason: unknown): void;
  /** Nobody waits for this chunk any more. */
  discard(chunk: Future<unknown>): void;
  /** Reads no more and submits no more. */
  cancel(): void;
}

/** Who is told of the chunks. */
export interface MapReader {
  chunkMade(future: Future<unknown>, size: number): void;
  inputEnded(error: { readonly reason: unknown } | undefined): void;
}

/** Rows that are read in one turn, where nothing else ends it. */
const ROWS_IN_A_TURN = 10_000;

/** The input that fits: of known length if all inputs are. */
export function chunksOf(
  backend: TaskBackend,
  task: unknown,
  inputs: readonly unknown[],
  limits: TaskLimits | undefined,
  chunkSize: number | undefined,
  bufferSize: number | undefined,
  reader: MapReader,
): MapInput {
  if (inputs.every(hasKnownLength)) {
    const { sharedMemory } = backend.capabilities;
    const columns = inputs.map((input) => columnOf(input, sharedMemory));
    // Those of one key go one after the other, each with its place.
    const inLane = limits?.affinity !== undefined;
    if (!inLane && !columns.some((column) => Array.isArray(column) && holdsFuture(column))) {
      return new KnownInput(backend, task, columns, limits, chunkSize, reader);
    }
    bufferSize = Infinity; // all are submitted by the call
  }
  const size = chunkSize ?? 1;
  const buffer = bufferSize ?? backend.lookAhead * size;
  return new LazyInput(backend, task, inputs, limits, Math.min(size, buffer), buffer, reader);
}

function hasKnownLength(input: unknown): boolean {
  return typeof input === "string" || Array.isArray(input) || input instanceof Set ||
    input instanceof Map || (ArrayBuffer.isView(input) && Symbol.iterator in input);
}

/** Inputs of known length: they wait in the queue as one, to be cut when workers are free. */
class KnownInput implements MapInput {
  readonly chunkSize: number | undefined;
  readonly #backend: TaskBackend;
  readonly #task: unknown;
  readonly #limits: TaskLimits | undefined;
  readonly #reader: MapReader;
  #columns: readonly Column[];
  #length: number;
  #at = 0;
  #supply: Future<unknown> | undefined = undefined;

  constructor(
    backend: TaskBackend,
    task: unknown,
    columns: readonly Column[],
    limits: TaskLimits | undefined,
    chunkSize: number | undefined,
    reader: MapReader,
  ) {
    this.#backend = backend;
    this.#task = task;
    this.#columns = columns;
    this.#length = Math.min(...columns.map((column) => column.length));
    this.#limits = limits;
    this.chunkSize = chunkSize;
    this.#reader = reader;
  }

  get total(): number {
    return this.#length;
  }

  get remaining(): number {
    return this.#length - this.#at;
  }

  take(count: number): readonly unknown[] {
    const from = this.#at;
    const to = from + count;
    this.#at = to;
    const [only] = this.#columns;
    if (this.#columns.length === 1) return only!.slice(from, to);
    const rows: unknown[] = [];
    for (let i = from; i < to; i++) for (const column of this.#columns) rows.push(column.at(i));
    return rows;
  }

  chunkMade(future: Future<unknown>, size: number): void {
    this.#reader.chunkMade(future, size);
  }

  start(): void {
    if (this.#length === 0) return this.#reader.inputEnded(undefined);
    this.#supply = this.#backend.submitSupply(this.#task, this, this.#limits);
    if (this.#supply.done()) this.futureDone(this.#supply);
    else observe(this.#supply, this);
  }

  /** All is cut, or will not be: cancelled, or the executor broke. */
  futureDone(supply: Future<unknown>): void {
    this.#columns = [];
    const result = outcome(supply);
    if (result.status === "rejected" && this.remaining > 0) {
      // Each of the items that are left has this outcome, as those that were cut have theirs.
      const rest = new FutureSource<unknown>();
      rest.setException(result.reason);
      this.#reader.chunkMade(rest.future, this.remaining);
    }
    this.#reader.inputEnded(undefined);
  }

  taken(): void {}

  readOn(): void {}

  stop(): void {}

  discard(chunk: Future<unknown>): void {
    this.#backend.discard(chunk);
  }

  cancel(): void {
    this.#supply?.cancel();
  }
}

/** Inputs that are read on demand, at most `bufferSize` items ahead of what was taken. */
class LazyInput implements MapInput {
  total: number | undefined = undefined;
  #count = 0;
  readonly #backend: TaskBackend;
  readonly #task: unknown;
  readonly #limits: TaskLimits | undefined;
  readonly #reader: MapReader;
  readonly #chunkSize: number;
  readonly #bufferSize: number;
  #readsOn = false;
  readonly #inputs: readonly unknown[];
  // Inputs are read in the async context of the map, whoever takes results.
  readonly #read = bindContext((): void => {
    if (this.#async) void this.#fillAsync();
    else this.#fillSync();
  });
  readonly #closeIterators = bindContext((): void => this.#close());
  #iterators: (Iterator<unknown> | AsyncIterator<unknown>)[] = [];
  #async = false;
  /** The iterator whose next item is awaited. */
  #awaited: unknown;
  /** Items read and not taken. */
  #ahead = 0;
  #row: unknown[] = [];
  #rows = 0;
  #reading = false;
  #ended = false;

  constructor(
    backend: TaskBackend,
    task: unknown,
    inputs: readonly unknown[],
    limits: TaskLimits | undefined,
    chunkSize: number,
    bufferSize: number,
    reader: MapReader,
  ) {
    this.#backend = backend;
    this.#task = task;
    this.#inputs = inputs;
    this.#limits = limits;
    this.#chunkSize = chunkSize;
    this.#bufferSize = bufferSize;
    this.#reader = reader;
  }

  start(): void {
    try {
      for (const input of this.#inputs) {
        const source = input as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
        if (source[Symbol.asyncIterator] !== undefined) {
          this.#async = true;
          this.#iterators.push(source[Symbol.asyncIterator]!());
        } else this.#iterators.push(source[Symbol.iterator]!());
      }
    } catch (reason) {
      return this.#end({ reason });
    }
    this.#backend.inputOpened(this);
    this.#fill();
  }

  taken(count: number): void {
    if (this.#readsOn) return;
    this.#ahead -= count;
    this.#fill();
  }

  readOn(): void {
    this.#readsOn = true;
    this.#ahead = this.#rows;
    this.#fill();
  }

  stop(reason: unknown): void {
    if (this.#ended) return;
    this.cancel();
    this.#reader.inputEnded({ reason });
  }

  discard(chunk: Future<unknown>): void {
    this.#backend.discard(chunk);
  }

  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#row = [];
    this.#backend.inputClosed(this);
    this.#closeIterators();
  }

  #fill(): void {
    if (this.#reading || this.#ended) return;
    this.#reading = true;
    this.#read();
  }

  #fillSync(): void {
    let reading: unknown;
    for (let rows = 1; !this.#ended && this.#ahead < this.#bufferSize; rows++) {
      if (this.#givesWay(rows)) return;
      try {
        const row: unknown[] = [];
        for (const iterator of this.#iterators) {
          reading = iterator;
          const { done, value } = (iterator as Iterator<unknown>).next();
          if (done) return this.#end(undefined, iterator);
          row.push(value);
        }
        reading = undefined;
        this.#add(row);
      } catch (reason) {
        return this.#end({ reason }, reading);
      }
    }
    this.#reading = false;
  }

  async #fillAsync(): Promise<void> {
    let reading: unknown;
    for (let rows = 1; !this.#ended && this.#ahead < this.#bufferSize; rows++) {
      if (this.#givesWay(rows)) return;
      try {
        const row: unknown[] = [];
        for (const iterator of this.#iterators) {
          reading = this.#awaited = iterator;
          const { done, value } = await iterator.next();
          this.#awaited = undefined;
          if (this.#ended) return this.#close();
          if (done) return this.#end(undefined, iterator);
          row.push(value);
        }
        reading = undefined;
        this.#add(row);
      } catch (reason) {
        return this.#end({ reason }, reading);
      }
    }
    this.#reading = false;
  }

  /** Whether it goes on in a later turn: what is done at once, as in a closed pool, ends no fill. */
  #givesWay(rows: number): boolean {
    if (!this.#readsOn || rows % ROWS_IN_A_TURN !== 0) return false;
    clock.giveWay(() => {
      this.#reading = false;
      this.#fill();
    });
    return true;
  }

  #add(row: readonly unknown[]): void {
    this.#ahead++;
    this.#count++;
    // What waits for futures goes alone: its neighbours need not wait, nor fail with them.
    const waits = holdsFuture(row);
    if (waits) this.#submit();
    this.#row.push(...row);
    this.#rows++;
    if (waits || this.#rows === this.#chunkSize) this.#submit();
  }

  #submit(): void {
    const args = this.#row;
    const size = this.#rows;
    if (size === 0) return;
    this.#row = [];
    this.#rows = 0;
    const future = this.#backend.submitChunk(this.#task, args, this.#limits, size);
    if (this.#readsOn) {
      whenDone(future, () => {
        this.#ahead -= size;
        this.#fill();
      });
    }
    this.#reader.chunkMade(future, size);
  }

  /** No more items; `finished` is the input that said so, or failed: it needs no closing. */
  #end(error: { readonly reason: unknown } | undefined, finished?: unknown): void {
    if (this.#ended) return;
    let ending = error;
    try {
      this.#submit();
    } catch (reason) {
      ending = { reason };
    }
    this.#ended = true;
    if (ending === undefined) this.total = this.#count;
    this.#backend.inputClosed(this);
    this.#iterators = this.#iterators.filter((iterator) => iterator !== finished);
    this.#closeIterators();
    this.#reader.inputEnded(ending);
  }

  #close(): void {
    this.#iterators = closeIterators(this.#iterators, this.#awaited);
  }
}
