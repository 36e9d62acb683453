import { clock } from "../futures/clock.ts";
import { cloneError } from "../wire/clone_error.ts";
import {
  CHUNK_DONE,
  DONE,
  DONE_HEADER,
  FAILED,
  HELLO,
  PROGRESS,
  PROTOCOL,
  READY,
  RETURNED,
  STARTED,
  THROWN,
  TIMES,
  UNCLONEABLE,
  UNREADABLE,
} from "../wire/messages.ts";
import { append, hasOwn } from "../wire/originals.ts";
import { unwrapTransfer } from "../wire/transfer.ts";
import { sendOneByOne } from "./send_one_by_one.ts";
import type { ProgramHost } from "./program_host.ts";
import { Unresolved } from "./task_functions.ts";
import type { LocalTask } from "./task_table.ts";
import { WorkerClaims } from "./worker_claims.ts";
import { TaskTimes } from "./task_times.ts";
import { explainClosure } from "./task_text.ts";

/** Where the values of a chunk begin in its message. */
const FIRST_VALUE = 1 + DONE_HEADER;

/** What the worker says: outcomes are gathered, and sent together. */
export class Outbox {
  readonly claims: WorkerClaims;
  readonly #host: ProgramHost;
  /** Added to the kind of each message; -1 before it is told. */
  #secret = -1;
  #closed = false;
  #done: unknown[] = [];
  #failed: unknown[] = [];
  /** Where the last segment of #done begins, and the slot that would continue it: one of the two. */
  #header = 0;
  #nextSlot = -1;
  #nextSkip = -1;
  #gatheredSince = 0;
  /** Whether an outcome is gathered that the owner cannot see: the next task may be a long one. */
  holdsUnseen = false;
  #flushScheduled = false;
  /** Told before the outcomes. */
  readonly times: TaskTimes;

  constructor(host: ProgramHost) {
    this.#host = host;
    this.claims = new WorkerClaims(host);
    this.times = new TaskTimes(this.claims);
  }

  /** The secret is known. */
  open(secret: number): void {
    this.#secret = secret;
    this.#done = [secret + DONE];
    this.#failed = [secret + FAILED];
  }

  /** No outcome is told any more. */
  close(): void {
    this.#closed = true;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** When the first of what is gathered was ready. */
  get gatheredSince(): number {
    return this.#gatheredSince;
  }

  get #isEmpty(): boolean {
    return this.#done.length + this.#failed.length === 2;
  }

  // --- what is said at once ---

  /** Says that the program listens: without the secret, which comes with the answer. */
  ready(): void {
    this.#host.post([HELLO, READY, PROTOCOL]);
  }

  /** Says something of the worker as a whole. */
  say(kind: number, value?: unknown): void {
    if (this.#secret < 0) this.#host.post([HELLO, kind, value]);
    else this.#host.post([this.#secret + kind, value]);
  }

  /** A task of which it was asked to be told begins. */
  started(slot: number): void {
    const message = [this.#secret + STARTED, slot, clock.epoch()];
    if (this.times.isOn) append(message, clock.now());
    this.#host.post(message);
  }

  progress(slot: number, value: unknown): void {
    if (this.#closed) return;
    this.claims.said(slot);
    this.#host.post([this.#secret + PROGRESS, slot, value]);
  }

  /** Says something more of tasks. Throws if it cannot be sent. */
  tell(kind: number, values: readonly unknown[], transfer?: readonly Transferable[]): void {
    if (this.#closed) return;
    const message: unknown[] = [this.#secret + kind];
    for (let i = 0; i < values.length; i++) append(message, values[i]);
    this.#host.post(message, transfer);
  }

  /** These were asked for, and will not begin here. */
  returned(slots: readonly number[]): void {
    this.#postSlots(RETURNED, slots);
  }

  /** A message could not be read; these tasks are here all the same. */
  unreadable(slots: readonly number[]): void {
    if (this.#secret < 0) this.say(UNREADABLE);
    else this.#postSlots(UNREADABLE, slots);
  }

  #postSlots(kind: number, slots: readonly number[]): void {
    this.flush();
    const message = [this.#secret + kind];
    for (let i = 0; i < slots.length; i++) append(message, slots[i]!);
    this.#host.post(message);
  }

  /** The owner hears of times before it hears of the outcomes. */
  #sendTimes(): void {
    const times = this.times.take(this.#secret + TIMES);
    if (times !== undefined && !this.#closed) this.#host.post(times);
  }

  // --- outcomes ---

  succeed(slot: number, value: unknown, nanoseconds = -1): void {
    if (this.#closed) return;
    const moved = unwrapTransfer(value);
    if (moved !== undefined) return this.#sendMoved(slot, nanoseconds, moved);
    const done = this.#done;
    if (!this.claims.ended(slot, value)) this.holdsUnseen = true;
    if (done.length === 1) this.#gatheredSince = clock.now();
    if (nanoseconds < 0 && slot === this.#nextSlot) {
      done[this.#header + 1] = (done[this.#header + 1] as number) + 1;
      this.#nextSlot++;
      append(done, value);
      return;
    }
    this.closeSegment();
    this.#header = done.length;
    this.#nextSlot = nanoseconds < 0 ? slot + 1 : -1;
    append(done, slot);
    append(done, 1);
    append(done, nanoseconds);
    append(done, value);
  }

  /** What comes next begins a segment of its own. */
  closeSegment(): void {
    this.times.pause();
    this.#nextSlot = -1;
    this.#nextSkip = -1;
  }

  /** Tells the owner what a task of the open segment took. */
  stampSegment(task: LocalTask): void {
    const { length } = this.#done;
    if (length > 1 && this.#nextSlot >= 0) {
      this.#done[this.#header + 2] = task.nanoseconds;
    }
  }

  skip(slot: number): void {
    const done = this.#done;
    if (slot === this.#nextSkip) {
      done[this.#header + 1] = (done[this.#header + 1] as number) - 1;
    } else {
      this.closeSegment();
      this.#header = done.length;
      append(done, slot);
      append(done, -1);
      append(done, -1);
    }
    this.#nextSkip = slot + 1;
  }

  fail(slot: number, task: LocalTask, nanoseconds: number, error: unknown): void {
    if (this.#closed) return;
    this.claims.endedUntold(slot);
    this.holdsUnseen = true;
    if (this.#isEmpty) this.#gatheredSince = clock.now();
    append(this.#failed, slot);
    append(this.#failed, nanoseconds);
    this.describe(this.#failed, task, error);
  }

  /** Adds the kind and the record of a failure. */
  describe(failures: unknown[], task: LocalTask, error: unknown): void {
    const unresolved = Unresolved.reasonOf(error);
    const { wire } = task;
    if (unresolved === undefined && wire.kind === "source" && !hasOwn(wire, "fn")) {
      explainClosure(error, wire.name);
    }
    append(failures, unresolved === undefined ? THROWN : unresolved.kind);
    append(failures, this.#host.encodeError(unresolved === undefined ? error : unresolved.reason));
  }

  /** What the values of a chunk are added to: the header of a segment of `DONE`. */
  chunkValues(slot: number, count: number): unknown[] {
    return [this.#secret + DONE, slot, count, -1];
  }

  /** Sends the outcome of a chunk whose results are numbers. */
  finishNumbers(slot: number, nanoseconds: number, numbers: Float64Array): void {
    if (this.#closed) return;
    this.claims.endedUntold(slot);
    this.flush();
    this.#host.post([this.#secret + CHUNK_DONE, slot, nanoseconds, numbers]);
  }

  /** Sends the outcome of a chunk. */
  finishChunk(nanoseconds: number, done: unknown[], failures: unknown[]): void {
    if (this.#closed) return;
    const slot = done[1] as number;
    this.claims.endedUntold(slot);
    done[3] = nanoseconds;
    let transfer: Transferable[] | undefined;
    for (let i = FIRST_VALUE; i < done.length; i++) {
      const moved = unwrapTransfer(done[i]);
      if (moved === undefined) continue;
      done[i] = moved.value;
      for (let k = 0; k < moved.transfer.length; k++) append(transfer ??= [], moved.transfer[k]!);
    }
    if (failures.length === 0 && transfer === undefined && this.#done.length === 1) {
      this.#sendTimes();
      try {
        return this.#host.post(done); // the flat way
      } catch { /* found out below whose fault it is */ }
    }
    this.flush();
    const values: unknown[] = [];
    for (let i = FIRST_VALUE; i < done.length; i++) append(values, done[i]);
    const message = [this.#secret + CHUNK_DONE, slot, nanoseconds, values];
    const addFailures = (from: number): void => {
      for (let i = from; i < failures.length; i++) append(message, failures[i]);
    };
    addFailures(0);
    try {
      this.#host.post(message, transfer);
    } catch {
      const from = failures.length;
      for (let i = 0; i < values.length; i++) {
        const error = cloneError(values[i]);
        if (error === undefined) continue;
        values[i] = undefined;
        append(failures, i);
        append(failures, UNCLONEABLE);
        append(failures, this.#host.encodeError(error.reason));
      }
      addFailures(from);
      this.#host.post(message);
    }
  }

  #sendMoved(
    slot: number,
    nanoseconds: number,
    moved: { value: unknown; transfer: readonly Transferable[] },
  ): void {
    this.claims.endedUntold(slot);
    this.flush();
    try {
      this.#host.post([this.#secret + DONE, slot, 1, nanoseconds, moved.value], moved.transfer);
    } catch (error) {
      this.#host.post([
        this.#secret + FAILED,
        slot,
        nanoseconds,
        UNCLONEABLE,
        this.#host.encodeError(error),
      ]);
    }
  }

  /** Sends what is gathered. */
  flush(): void {
    this.holdsUnseen = false;
    const done = this.#done;
    const failed = this.#failed;
    if (done.length > 1) {
      this.closeSegment();
      this.#done = [this.#secret + DONE];
      const times = this.times.take(this.#secret + TIMES);
      try {
        if (times === undefined) this.#host.post(done);
        else {
          append(times, done); // one message for both
          this.#host.post(times);
        }
      } catch {
        if (times !== undefined) {
          times.length--;
          this.#host.post(times);
        }
        sendOneByOne(this.#host, this.#secret, done);
      }
    } else this.#sendTimes();
    if (failed.length > 1) {
      this.#failed = [this.#secret + FAILED];
      this.#host.post(failed);
    }
  }

  /** Sends what is gathered when this thread comes to rest, at the latest. */
  flushSoon(): void {
    if (this.#flushScheduled || this.#isEmpty) return;
    this.#flushScheduled = true;
    clock.setTimeout(() => {
      this.#flushScheduled = false;
      this.flush();
    }, 0);
  }
}
