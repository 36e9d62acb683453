import type { ValueFeed, ValueSink } from "../backend/task_backend.ts";
import type { Future } from "../futures/future.ts";
import { Breach, integer } from "./breach.ts";
import type { ItemLimits } from "./item_limits.ts";
import { ItemControl } from "./work_item.ts";
import type { ItemStream, WorkItem } from "./work_item.ts";

/** A stream as the engine knows it: how many values its worker may send, and who takes them. */
export class StreamFeed implements ValueFeed, ItemStream {
  /** Values that the worker may still send. */
  credit: number;
  readonly #item: WorkItem;
  readonly #sink: ValueSink;
  readonly #limits: ItemLimits;

  constructor(item: WorkItem, sink: ValueSink, limits: ItemLimits) {
    this.#item = item;
    this.#sink = sink;
    this.#limits = limits;
    this.credit = sink.bufferSize;
    (item.control ??= new ItemControl()).stream = this;
  }

  get future(): Future<unknown> {
    return this.#item.future;
  }

  more(count: number): void {
    this.credit += count;
    this.#item.worker?.grant(this.#item, count);
  }

  end(reason: unknown): void {
    this.#limits.abort(this.#item, reason);
  }

  /**
   * Values have come.
   *
   * @throws {Breach} If they are none, or more than were asked for.
   */
  came(values: unknown): void {
    // Clones may be of another realm, as in edge-runtime: there `instanceof` says no.
    if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
      throw new Breach("a stream gives no list of values");
    }
    const { length } = values as ArrayLike<unknown>;
    this.credit -= integer(length, 1, this.credit, "the number of values of a stream");
    if (!this.#item.done) this.#sink.valuesCame(values as ArrayLike<unknown>);
  }
}
