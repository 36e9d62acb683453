import type { ValueFeed, ValueSink } from "../backend/task_backend.ts";
import type { Future } from "../futures/future.ts";
import { MOST_VALUES, RingReader } from "../wire/value_ring.ts";
import type { ValueRing } from "../wire/value_ring.ts";
import { Breach, integer } from "./breach.ts";
import type { ItemLimits } from "./item_limits.ts";
import { ItemControl } from "./work_item.ts";
import type { ItemStream, WorkItem } from "./work_item.ts";

/** A stream as the engine knows it: how many values its worker may send, and who takes them. */
export class StreamFeed implements ValueFeed, ItemStream {
  /** Values that the worker may still send. */
  credit: number;
  /** Numbers come here, as long as there is nothing else. */
  readonly ring: RingReader | undefined;
  #hasLeft = false;
  readonly #item: WorkItem;
  readonly #sink: ValueSink;
  readonly #limits: ItemLimits;

  /** @param shared Whether the workers share memory. */
  constructor(item: WorkItem, sink: ValueSink, limits: ItemLimits, shared: boolean) {
    this.#item = item;
    this.#sink = sink;
    this.#limits = limits;
    this.credit = sink.bufferSize;
    this.ring = shared && this.credit <= MOST_VALUES
      ? new RingReader(this.credit, () => item.worker?.grant(item, 0))
      : undefined;
    (item.control ??= new ItemControl()).stream = this;
  }

  get future(): Future<unknown> {
    return this.#item.future;
  }

  /** What its worker is told with the task. */
  get start(): number | ValueRing {
    return this.ring?.memory ?? this.credit;
  }

  more(count: number): void {
    this.credit += count;
    this.#item.worker?.grant(this.#item, count);
  }

  end(reason: unknown): void {
    this.#limits.abort(this.#item, reason);
  }

  stop(): void {
    this.ring?.close();
  }

  /**
   * The worker tells of values.
   *
   * @param values Those that have come; `undefined` if they are in the ring.
   * @param taken The first that have come behind those of a ring say how many of these they knew to be taken.
   * @throws {Breach} If they are none, or more than were asked for.
   */
  came(values: unknown, taken: unknown): void {
    if (this.ring !== undefined && !this.#hasLeft) {
      if (values === undefined && taken === undefined) return this.#sink.valuesCame([]);
      this.#leaveRing(taken);
    } else if (taken !== undefined) throw new Breach("a stream leaves a ring that it has not");

    // Clones may be of another realm, as in edge-runtime: there `instanceof` says no.
    if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
      throw new Breach("a stream gives no list of values");
    }
    const { length } = values as ArrayLike<unknown>;
    this.credit -= integer(length, 1, this.credit, "the number of values of a stream");
    if (!this.#item.done) this.#sink.valuesCame(values as ArrayLike<unknown>);
  }

  /** From now on values come in messages. Those in the ring are before them. */
  #leaveRing(known: unknown): void {
    const ring = this.ring!;
    this.#hasLeft = true;
    ring.close();
    const length = this.#sink.bufferSize;
    const left = ring.count;
    const since = integer(known, -(2 ** 31), 2 ** 31 - 1, "a count of values");
    const taken = integer((ring.taken - since) | 0, 0, length - left, "values that were taken");
    this.credit = length - left - taken;
    if (taken > 0) this.more(taken);
    const values: number[] = [];
    while (ring.count > 0) values.push(ring.take());
    if (values.length > 0 && !this.#item.done) this.#sink.valuesCame(values);
  }
}
