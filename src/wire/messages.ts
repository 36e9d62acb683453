/**
 * What crosses the boundary between an executor and its workers: the kinds of messages,
 * their layout, and the words of the claim table. Nothing here sends or receives.
 *
 * Every message is one array whose first element is its kind. `RUN`, `DONE` and `FAILED` carry
 * many tasks *flat*, header numbers and values in one array, because a message costs
 * microseconds, an object in it a hundred nanoseconds, and an array element about ten.
 *
 * A task is known by its *slot*: its index in the claim table of the one worker it was sent to.
 *
 * The first element is not the kind alone but the worker's *secret* plus the kind. Whatever else runs
 * in a worker may post arrays and dispatch events of its own, and neither side takes them for its own.
 *
 * @module
 */

import type { ErrorRecord } from "./error_codec.ts";

/** Changes whenever a layout below changes; both sides compare it before the first task. */
export const PROTOCOL = 9;

/**
 * A secret is a random multiple of this, so that the rest of the division by it is the kind, and less
 * than `MAX_SECRET`, so that the sum is a small integer on every engine.
 */
export const KINDS = 32;

/** See {@linkcode KINDS}. */
export const MAX_SECRET: number = 2 ** 30;

/**
 * `[HELLO, kind, value]`: what a worker says before it was told its secret. That is `READY` with the
 * protocol, `UNREADABLE` of the setup, or that it ends: `UNCAUGHT`, `EXITING`.
 */
export const HELLO = "@concurrent/futures";

// --- executor -> worker ---

/** `[SETUP, WorkerSetup]`: first message, once, without a secret: it brings it. */
export const SETUP = 0;
/** `[DEFINE, id, WireTask]`: a task function gets its number in this worker. */
export const DEFINE = 1;
/**
 * `[RUN, (id, flags, arity, slot, count, ...arguments)*]`: `count` tasks of one function in the
 * slots from `slot` on, each with `arity` arguments; or, flagged `CHUNK`, `count` items of one
 * task in one slot.
 */
export const RUN = 2;
/** `[ABORT, slot, ErrorRecord]`: aborts the signal of a running task with that reason. */
export const ABORT = 3;

/**
 * `[STOP, finalizes?]`: the worker is idle and shall end by itself; with `true` its finalizer runs before.
 * Without a secret if it was not set up.
 */
export const STOP = 4;

/**
 * `[REVOKE, ...slots]`: asks for tasks that were sent ahead, where there is no claim table. The answer is
 * `RETURNED`.
 */
export const REVOKE = 5;

/** `[FORGET, slot]`: the task is not waited for any more. Only on the owner's own thread, which cannot be stopped. */
export const FORGET = 6;

/** `[UNDEFINE, ...ids]`: task functions are used no more, or defined again before they are. */
export const UNDEFINE = 7;

/** `[TIME, isObserved]`: from now on times are told of every task, or no more. */
export const TIME = 8;

/** `[CREDIT, slot, count]`: the stream in a slot may give so many values more. */
export const CREDIT = 9;

/** `[TRACED, (slot, carrier)[], RUN message]`: as `RUN`; some of its tasks have a trace context. */
export const TRACED = 10;

/**
 * `[CHILDREN, (child, kind, value)*]`: tasks that tasks of this worker have submitted are done, with a
 * value or the record of an error.
 */
export const CHILDREN = 11;

/** Numbers in front of the arguments of one segment of `RUN`. */
export const RUN_HEADER = 5;

/** Flag of a `RUN` segment: its items belong to one task (`map`), each with an outcome of its own. */
export const FLAG_CHUNK = 1;
/** Flag of a `RUN` segment: say `STARTED` before the task begins. */
export const FLAG_NOTIFY = 2;
/** Flag of a `RUN` segment: the owner claimed the task for this worker already (`broadcast`). */
export const FLAG_CLAIMED = 4;

/** Flag of a chunk: its arguments, all of them numbers, are one `Float64Array`. */
export const FLAG_PACKED = 8;

/**
 * Flag of a `RUN` segment with one task: it is a stream. The last of its arguments is the program's: how
 * many values it may give before there is a `CREDIT`; or, where memory is shared, the `ValueRing` that its numbers go to.
 */
export const FLAG_STREAM = 16;

/** A task function as a worker is told of it. `fn`, which gives the function itself, stays inside one thread. */
export type WireTask =
  | { kind: "source"; source: string; name: string; fn?: () => unknown }
  | { kind: "module"; url: string; name: string }
  | { kind: "named"; name: string };

/** Small outcomes in shared memory, one place for each slot: see `outcome_table.ts`. */
export interface OutcomeTable {
  readonly numbers: Float64Array;
  readonly texts: Uint16Array;
  /** While somebody looks, when each task began and how long it ran: two for a slot. */
  readonly times: Float64Array;
}

/** What a worker is told before its first task. */
export interface WorkerSetup {
  readonly protocol: number;
  /** Added to the kind of every message from now on, in both directions. */
  readonly secret: number;
  readonly name: string;
  /**
   * One Int32 per slot, one that says whether the worker waits for a message with nothing else than its thread,
   * and one that counts what it sends; absent where memory cannot be shared.
   */
  readonly claims: Int32Array | undefined;
  /** Where the worker leaves small outcomes; absent where no other thread could look for them. */
  readonly outcomes: OutcomeTable | undefined;
  readonly tasksPerWorker: number;
  readonly initializer: { readonly task: WireTask; readonly args: readonly unknown[] } | undefined;
  /** What runs when the worker is asked to stop in good order. */
  readonly finalizer: { readonly task: WireTask; readonly args: readonly unknown[] } | undefined;
  /** Bytes that the worker may have; beyond them it says `FULL`. */
  readonly maxMemory: number | undefined;
}

// --- worker -> executor ---

/** The program listens. Said as `HELLO`, with the protocol. */
export const READY = 0;
/** `[INITIALIZED]`: the initializer, if any, succeeded. */
export const INITIALIZED = 1;
/** `[INITIALIZER_FAILED, ErrorRecord]` */
export const INITIALIZER_FAILED = 2;
/**
 * `[DONE, (slot, count, nanoseconds, ...values)*]`: results, in slots from `slot` on, with the
 * time that one took on average, or -1. A negative count has no values: that many slots were skipped,
 * because their claim was lost. A chunk's values are all in its one slot.
 */
export const DONE = 3;
/** `[FAILED, (slot, nanoseconds, kind, ErrorRecord)*]` */
export const FAILED = 4;
/**
 * `[CHUNK_DONE, slot, nanoseconds, values, (index, kind, ErrorRecord)*]`: a chunk with failures, or
 * one whose values, all of them numbers, are a `Float64Array`.
 */
export const CHUNK_DONE = 5;
/**
 * `[STARTED, slot, epoch, now?]`: a task flagged `NOTIFY` begins, at this time since 1970; after `TIME` with
 * the worker's clock.
 */
export const STARTED = 6;
/** `[PROGRESS, slot, value]`: `this.report(value)`. */
export const PROGRESS = 7;
/** `[UNCAUGHT, ErrorRecord]`: an error outside of every task; the worker starts nothing any more. */
export const UNCAUGHT = 8;
/** `[EXITING, exitCode]`: the worker ends on its own account, where the runtime would not tell. */
export const EXITING = 9;

/**
 * `[UNREADABLE, ...slots]`: a message could not be read here. The worker still has the tasks in these
 * slots, and takes no others any more.
 */
export const UNREADABLE = 10;

/** `[RETURNED, ...slots]`: of the tasks that `REVOKE` asked for, those that had not begun and now never will. */
export const RETURNED = 11;

/**
 * `[TIMES, now, times, done?]`: when tasks began and how long they ran, by the worker's clock, of which
 * `now` is the present: of each its slot, its start, and milliseconds, in an array or a `Float64Array`. Those
 * that stand in shared memory are left out. It comes after `TIME`, before the message that tells how the
 * tasks ended, or with it: `done` is a `DONE`.
 */
export const TIMES = 12;
/**
 * `[VALUES, slot, values, taken?]`: what the stream in a slot has given, never more than it has credit for: an
 * array or, all of them numbers, a `Float64Array`. Of a stream with a ring this comes behind all that is in it, and
 * the first tells how many of these the worker knew to be taken. `[VALUES, slot]`: there are values in the ring.
 */
export const VALUES = 13;

/** `[FULL]`: between two tasks, the worker has more memory than it may. */
export const FULL = 14;
/** `[CHILD_TASK, id, WireTask]`: a function that tasks of this worker submit gets one of `CHILD_TASKS` numbers. */
export const CHILD_TASK = 15;
/**
 * `[SPAWN, slot, parked, (child, id, arity, count, ...arguments)*]`: the task in a slot submits others, and
 * waits for them without its place: from now on it is called `parked`, a number from `PARKED` on. The children
 * of a row have numbers from `child` on. Where something moves with the arguments of one, a list of that stands
 * in the place of the count.
 */
export const SPAWN = 16;
/** Children of one row, at the most. */
export const MAX_ROW = 512;

/** How many functions of children a worker has numbers for. */
export const CHILD_TASKS = 256;
/** The first number of tasks that wait for others; there are as many. */
export const PARKED: number = 2 ** 20;

/** How a child ended: with a result. */
export const CHILD_DONE = 0;
/** How a child ended: with an error. */
export const CHILD_FAILED = 1;
/** How a child ended: it was cancelled. */
export const CHILD_CANCELLED = 2;

/** Numbers in front of the values of one segment of `DONE`. */
export const DONE_HEADER = 3;

/** Why a task failed: it threw. */
export const THROWN = 0;
/** Why a task failed: its result cannot be cloned. The record is the reason. */
export const UNCLONEABLE = 1;
/** Why a task failed: its function could not be had (module, export, source text). */
export const UNRESOLVED = 2;

/** One of `THROWN`, `UNCLONEABLE`, `UNRESOLVED`. */
export type FailureKind = 0 | 1 | 2;

/** Largest time in a message: fits a small integer on every engine, which keeps arrays of integers fast. */
export const MAX_NANOSECONDS = 1_000_000_000;

/** An error that stays on its thread and so needs no codec (`InlineExecutor` without `clone`). */
export class UnclonedError {
  /** What was thrown. */
  readonly thrown: unknown;
  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

/** A failure on the wire. */
export type Failure = ErrorRecord | UnclonedError;

// --- claims: who may run what was sent ahead (see engine/README.md) ---

/** Nobody has begun the task: worker, `cancel()` and a thief compete for it. */
export const CLAIM_PENDING = 0;
/** The worker has begun it. */
export const CLAIM_RUNNING = 1;
/** The owner took it back: cancelled, or to be run elsewhere. */
export const CLAIM_REVOKED = 2;
/**
 * The task has ended; a message tells its outcome. If the outcome is small, the claim tells of what kind
 * it is, so that the owner need not wait for the message: see `outcome_table.ts`.
 */
export const CLAIM_ENDED = 3;
export const CLAIM_ENDED_UNDEFINED = 4;
export const CLAIM_ENDED_NULL = 5;
export const CLAIM_ENDED_FALSE = 6;
export const CLAIM_ENDED_TRUE = 7;
/** Its value is in the table of numbers. */
export const CLAIM_ENDED_NUMBER = 8;
/** Its value is in the table of texts. */
export const CLAIM_ENDED_TEXT = 9;

/** So far from the end of the claim table stands whether the worker waits; behind it is its count. */
export const WAITS_BACK = 2;
