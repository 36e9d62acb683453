import type { ChunkSource, TaskBackend, TaskLimits } from "../backend/task_backend.ts";
import { observe, outcome } from "../futures/future.ts";
import { FutureSource } from "../futures/future_source.ts";
import type { Future } from "../futures/future.ts";
import type { Column } from "./map_columns.ts";
import type { MapInput, MapReader } from "./map_input.ts";

/** Inputs of known length: they wait in the queue as one, to be cut when workers are free. */
export class KnownInput implements MapInput, ChunkSource {
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

  start(): void {
    if (this.#length === 0) return this.#reader.inputEnded(undefined);
    this.#supply = this.#backend.submitSupply(this.#task, this, this.#reader, this.#limits);
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
