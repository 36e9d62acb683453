// Length: one state machine, whose steps call one another.

import { clock } from "../futures/clock.ts";
import { UNCLONEABLE, VALUES } from "../wire/messages.ts";
import { append, apply, CALL, TypeErrorOf } from "../wire/originals.ts";
import { packNumbers } from "../wire/packed_numbers.ts";
import { unwrapTransfer } from "../wire/transfer.ts";
import type { Moved } from "../wire/transfer.ts";
import { RingWriter } from "../wire/value_ring.ts";
import type { ValueRing } from "../wire/value_ring.ts";
import { hasEnded, slotOf } from "./context.ts";
import type { Context } from "./context.ts";
import { CLOCK_INTERVAL, GATHER_MILLISECONDS } from "./gathering.ts";
import type { RunTools } from "./task_call.ts";
import { Unresolved } from "./task_functions.ts";
import { isThenable, whenSettled } from "./thenable.ts";

/** Values that take longer, in milliseconds, are sent before the next is asked for. */
const SLOW = 0.1;

/** Milliseconds after which messages are read: among them may be the one that ends the stream. */
const TURN_MILLISECONDS = 2;

/** The same, where the stream is alone, and memory tells of a message that ends it. */
const LONG_TURN_MILLISECONDS = 20;

const ASYNC_ITERATOR: typeof Symbol.asyncIterator = Symbol.asyncIterator;
const ITERATOR: typeof Symbol.iterator = Symbol.iterator;
const NOTHING: readonly unknown[] = [];

/** How a stream ends as a task. */
export interface StreamEnds {
  succeed(value: unknown): void;
  fail(error: unknown): void;
}

type Method = (...args: unknown[]) => unknown;

/**
 * A stream: a task whose values are sent as they come, and no more of them than the owner has asked
 * for. Where there is no credit, the generator stands still.
 */
export class StreamRun {
  readonly #tools: RunTools;
  readonly #context: Context;
  readonly #ends: StreamEnds;
  #credit = 0;
  /** Where values go, as long as they are numbers, if memory is shared. */
  #ring: RingWriter | undefined = undefined;
  /** The next message tells that it is left, and how many of its values were known to be taken then. */
  #taken: number | undefined = undefined;
  /** Numbers were written since the last time that the owner could be told. */
  #hasNumbers = false;
  #iterator: object | undefined = undefined;
  #isAsync = false;
  /** Asks for the next value. */
  #step: Method = () => undefined;
  /** It has begun, and nothing is under way: it waits for credit. */
  #idle = false;
  /** It stands still until messages were read. */
  #givesWay = false;
  /** It shall give nothing more. */
  #ending = false;
  /** It was told to close: what comes of what is under way is passed over. */
  #closed = false;
  #values: unknown[] = [];
  #gatheredSince = 0;
  /** When messages were read last, about. */
  #turnSince = 0;
  #lookedAt = 0;
  /** Values until the next look at the clock. */
  #untilLook = 0;
  #interval = 1;
  #flushScheduled = false;

  /** @param start How many values are wanted, or where they go. */
  constructor(tools: RunTools, context: Context, ends: StreamEnds, start: number | ValueRing) {
    this.#tools = tools;
    this.#context = context;
    this.#ends = ends;
    if (typeof start === "number") this.#credit = start;
    else this.#ring = new RingWriter(start);
  }

  /** Takes what the task's function gave: something to iterate over. */
  begin(result: unknown): void {
    if (this.#ending) return this.#ends.succeed(undefined);
    try {
      this.#open(result);
    } catch (error) {
      return this.#ends.fail(error);
    }
    this.#turn();
  }

  /**
   * So many values more are wanted. None is a nudge: a message was read, which is what a stream that gives way waits
   * for, and what is gathered is due. A task may have broken the timers that tell so otherwise.
   */
  grant(count: number): void {
    this.#credit += count;
    if (this.#flushScheduled && (this.#isOver || !this.#flush())) return;
    if (this.#idle || this.#givesWay) this.#turn();
  }

  /** No value is wanted any more: the generator ends, with its `finally`. */
  end(): void {
    this.#ending = true;
    if (this.#iterator !== undefined) this.#close(() => this.#ends.succeed(undefined));
  }

  #open(result: unknown): void {
    const iterable = result as { [ASYNC_ITERATOR]?: unknown; [ITERATOR]?: unknown } | null;
    const async = iterable?.[ASYNC_ITERATOR];
    const open = async ?? iterable?.[ITERATOR];
    if (typeof open !== "function") {
      throw new TypeErrorOf(
        "it gave nothing to iterate over; a stream is a generator, or gives an iterable",
      );
    }
    this.#isAsync = async !== undefined && async !== null;
    const iterator = this.#call(() => apply(open, iterable, NOTHING)) as { next: unknown };
    if (!isObject(iterator)) throw new TypeErrorOf("its iterator is no object");
    const { next } = iterator;
    if (typeof next !== "function") throw new TypeErrorOf("its iterator has no next()");
    this.#step = next.call === CALL
      ? () => (next as Method).call(iterator)
      : () => apply(next, iterator, NOTHING);
    this.#iterator = iterator;
  }

  /** Calls something of the task's own. */
  #call(callback: Method): unknown {
    const { caller } = this.#tools;
    caller.enter(this.#context);
    try {
      return caller.call(callback, this.#context, NOTHING, 0, 0);
    } finally {
      caller.pause();
    }
  }

  /** Messages were read: goes on as far as there is credit. */
  #turn(): void {
    this.#givesWay = false;
    this.#turnSince = this.#lookedAt = clock.now();
    this.#interval = 1;
    this.#untilLook = 2; // at the second value, since of the first nothing is known
    this.#run();
  }

  /** Asks for values until there is no credit, one has to be waited for, or messages are to be read. */
  #run(): void {
    this.#idle = false;
    try {
      do {
        while (this.#ring === undefined ? this.#credit > 0 : this.#ring.hasRoom) {
          if (this.#isOver) return;
          if (--this.#untilLook <= 0 && this.#look()) return;
          const result = this.#call(this.#step);
          if (this.#isAsync && isThenable(result)) {
            return this.#wait(result, (settled) => this.#take(settled) && this.#run());
          }
          if (!this.#take(result)) return;
        }
        if (!this.#flush()) return;
      } while (this.#hasWaited());
    } catch (error) {
      return this.#fail(error);
    }
    this.#idle = true;
  }

  /** Waits for room in the ring, a moment. False if a message is to be waited for. */
  #hasWaited(): boolean {
    const { sleeps, caller } = this.#tools;
    if (!this.#ring?.wait(sleeps && !this.#isAsync && caller.isAlone)) return false;
    this.#hasNumbers = true; // of which it may be told now
    this.#untilLook = 1;
    return true;
  }

  get #isOver(): boolean {
    return this.#closed || hasEnded(this.#context);
  }

  /** Looks at the clock. True if what there is to do is done later. */
  #look(): boolean {
    const { pause } = this.#tools;
    const now = clock.now();
    const each = (now - this.#lookedAt) / this.#interval;
    this.#lookedAt = now;
    this.#untilLook = this.#interval = each < SLOW / 10 ? CLOCK_INTERVAL : 1;
    if (each >= SLOW || now - this.#gatheredSince > GATHER_MILLISECONDS) {
      if (!this.#flush()) return true;
    }
    const turn = this.#ring !== undefined && this.#tools.caller.isAlone
      ? LONG_TURN_MILLISECONDS
      : TURN_MILLISECONDS;
    const isDue = pause?.isDue === undefined
      ? now - this.#turnSince >= turn || this.#ring?.isCalled
      : pause.isDue();
    if (!isDue) return false;
    if (!this.#flush()) return true;
    if (pause?.isDue === undefined) {
      this.#givesWay = true;
      clock.giveWay(() => {
        if (this.#givesWay && !this.#isOver) this.#turn();
      });
    } else {
      pause.wait(() => {
        if (!this.#isOver) this.#turn();
      });
    }
    return true;
  }

  /** Waits for a value. What was given before it is sent meanwhile. */
  #wait(pending: PromiseLike<unknown>, settled: (value: unknown) => void): void {
    this.#flushSoon();
    whenSettled(pending, (value) => {
      if (this.#isOver) return;
      try {
        settled(value);
      } catch (error) {
        this.#fail(error);
      }
    }, (error) => {
      if (!this.#isOver) this.#fail(error);
    });
  }

  /** Takes the result of one step. False if it was the last, or is waited for. */
  #take(result: unknown): boolean {
    if (!isObject(result)) throw new TypeErrorOf("its iterator gave what is no result");
    const { done, value } = result as IteratorResult<unknown>;
    if (done) {
      if (isThenable(value)) this.#wait(value, (settled) => this.#finish(settled));
      else this.#finish(value);
      return false;
    }
    if (!this.#isAsync && isThenable(value)) {
      // As `for await` over what is not asynchronous.
      this.#wait(value, (settled) => this.#give(settled) && this.#run());
      return false;
    }
    return this.#give(value);
  }

  #give(value: unknown): boolean {
    const ring = this.#ring;
    if (ring !== undefined) {
      if (typeof value === "number") {
        if (!this.#hasNumbers) this.#gatheredSince = this.#lookedAt;
        this.#hasNumbers = true;
        ring.add(value);
        return true;
      }
      // All that comes behind what is no number goes by messages, too.
      this.#hasNumbers = false;
      this.#credit = ring.room;
      this.#taken = ring.taken;
      this.#ring = undefined;
    }
    this.#credit--;
    const moved = unwrapTransfer(value);
    if (moved !== undefined) return this.#flush() && this.#send(moved);
    if (this.#values.length === 0) this.#gatheredSince = this.#lookedAt;
    append(this.#values, value);
    return true;
  }

  #finish(value: unknown): void {
    if (!this.#flush()) return;
    this.#closed = true;
    this.#ends.succeed(value);
  }

  /** The generator has failed by itself, and is over. */
  #fail(error: unknown): void {
    if (this.#closed || !this.#flush()) return;
    this.#closed = true;
    this.#ends.fail(error);
  }

  /** Ends the generator, if it has an end of its own, and calls back when it has come to it. */
  #close(ended: () => void): void {
    if (this.#isOver) return;
    if (!this.#flush()) return;
    this.#closed = true;
    try {
      const iterator = this.#iterator as { return?: unknown };
      const close = iterator.return;
      if (typeof close === "function") {
        const closing = this.#call(() => apply(close, iterator, [undefined]));
        if (isThenable(closing)) return whenSettled(closing, ended, ended);
      }
    } catch { /* it is over, and was to be */ }
    ended();
  }

  // --- what is sent ---

  /** Sends what is gathered. False if something of it cannot be sent: then the stream is over. */
  #flush(): boolean {
    if (this.#hasNumbers) {
      this.#hasNumbers = false;
      if (hasEnded(this.#context)) return false;
      if (this.#ring!.isWanted()) this.#tools.outbox.tell(VALUES, [slotOf(this.#context)]);
    }
    const values = this.#values;
    if (values.length === 0) return true;
    this.#values = [];
    if (hasEnded(this.#context)) return false;
    try {
      this.#tell(packNumbers(values) ?? values, undefined);
      return true;
    } catch { /* found out below whose fault it is */ }
    for (let i = 0; i < values.length; i++) {
      if (!this.#send({ value: values[i], transfer: undefined })) return false;
    }
    return true;
  }

  #send({ value, transfer }: Moved | { value: unknown; transfer: undefined }): boolean {
    if (hasEnded(this.#context)) return false;
    try {
      this.#tell([value], transfer);
      return true;
    } catch (error) {
      this.#close(() => this.#ends.fail(new Unresolved(error, UNCLONEABLE)));
      return false;
    }
  }

  #tell(values: unknown, transfer: readonly Transferable[] | undefined): void {
    const { outbox } = this.#tools;
    const slot = slotOf(this.#context);
    outbox.claims.said(slot);
    outbox.tell(
      VALUES,
      this.#taken === undefined ? [slot, values] : [slot, values, this.#taken],
      transfer,
    );
    this.#taken = undefined;
  }

  /** What is gathered does not wait for what the generator waits for. */
  #flushSoon(): void {
    if (this.#flushScheduled || this.#values.length === 0 && !this.#hasNumbers) return;
    this.#flushScheduled = true;
    clock.giveWay(() => {
      this.#flushScheduled = false;
      if (!this.#isOver) this.#flush();
    });
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
