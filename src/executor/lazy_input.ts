import type { TaskBackend, TaskLimits } from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import { holdsFuture } from "../futures/argument_wait.ts";
import type { Future } from "../futures/future.ts";
import { bindContext } from "../runtime/async_context.ts";
import { whenDone } from "./deferred_task.ts";
import type { MapInput, MapReader } from "./map_input.ts";
import { RowReader } from "./row_reader.ts";

/** Rows that are read in one turn, where nothing else ends it. */
const ROWS_IN_A_TURN = 10_000;

/** Inputs that are read on demand, at most `bufferSize` items ahead of what was taken. */
export class LazyInput implements MapInput {
  total: number | undefined = undefined;
  #count = 0;
  readonly #backend: TaskBackend;
  readonly #task: unknown;
  readonly #limits: TaskLimits | undefined;
  readonly #reader: MapReader;
  readonly #chunkSize: number;
  readonly #bufferSize: number;
  #readsOn = false;
  readonly #rows: RowReader;
  // Inputs are read in the async context of the map, whoever takes results.
  readonly #read = bindContext((): void => this.#readRows());
  readonly #closeRows = bindContext((): void => this.#rows.close());
  /** Items read and not taken. */
  #ahead = 0;
  /** The rows of the next chunk, one after the other. */
  #chunk: unknown[] = [];
  #size = 0;
  #isReading = false;
  #rowsOfTurn = 0;
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
    this.#rows = new RowReader(inputs);
    this.#limits = limits;
    this.#chunkSize = chunkSize;
    this.#bufferSize = bufferSize;
    this.#reader = reader;
  }

  start(): void {
    try {
      this.#rows.open();
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
    this.#ahead = this.#size;
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
    this.#chunk = [];
    this.#backend.inputClosed(this);
    this.#closeRows();
  }

  #fill(): void {
    if (this.#isReading || this.#ended) return;
    this.#isReading = true;
    this.#rowsOfTurn = 0;
    this.#read();
  }

  #readRows(): void {
    try {
      while (!this.#ended && this.#ahead < this.#bufferSize) {
        if (this.#givesWay()) return;
        if (this.#rows.isAsync) return void this.#goOnWith(this.#rows.nextSoon());
        this.#came(this.#rows.next());
      }
    } catch (reason) {
      this.#end({ reason });
    }
    this.#isReading = false;
  }

  async #goOnWith(next: Promise<readonly unknown[] | undefined>): Promise<void> {
    try {
      this.#came(await next);
    } catch (reason) {
      this.#end({ reason });
    }
    this.#readRows();
  }

  /** Whether it goes on in a later turn: what is done at once, as in a closed pool, ends no fill. */
  #givesWay(): boolean {
    if (!this.#readsOn || ++this.#rowsOfTurn < ROWS_IN_A_TURN) return false;
    clock.giveWay(() => {
      this.#isReading = false;
      this.#fill();
    });
    return true;
  }

  #came(row: readonly unknown[] | undefined): void {
    if (this.#ended) return;
    if (row === undefined) this.#end(undefined);
    else this.#add(row);
  }

  #add(row: readonly unknown[]): void {
    this.#ahead++;
    this.#count++;
    // What waits for futures goes alone: its neighbours need not wait, nor fail with them.
    const waits = holdsFuture(row);
    if (waits) this.#submit();
    this.#chunk.push(...row);
    this.#size++;
    if (waits || this.#size === this.#chunkSize) this.#submit();
  }

  #submit(): void {
    const args = this.#chunk;
    const size = this.#size;
    if (size === 0) return;
    this.#chunk = [];
    this.#size = 0;
    const future = this.#backend.submitChunk(this.#task, args, this.#limits, size);
    if (this.#readsOn) {
      whenDone(future, () => {
        this.#ahead -= size;
        this.#fill();
      });
    }
    this.#reader.chunkMade(future, size);
  }

  /** No more items. */
  #end(error: { readonly reason: unknown } | undefined): void {
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
    this.#closeRows();
    this.#reader.inputEnded(ending);
  }
}
