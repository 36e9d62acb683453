// Length: the worker's whole loop, kept in one place because it is the hot path (engine/README.md).

import { clock } from "../futures/clock.ts";
import { cloneError } from "../wire/clone_error.ts";
import { decodeError } from "../wire/error_codec.ts";
import {
  ABORT,
  CHUNK_DONE,
  CLAIM_PENDING,
  CLAIM_RUNNING,
  DEFINE,
  DONE,
  DONE_HEADER,
  EXITING,
  FAILED,
  FLAG_CHUNK,
  FLAG_CLAIMED,
  FLAG_NOTIFY,
  FLAG_PACKED,
  FORGET,
  HELLO,
  INITIALIZED,
  INITIALIZER_FAILED,
  MAX_NANOSECONDS,
  PROGRESS,
  PROTOCOL,
  READY,
  RETURNED,
  REVOKE,
  RUN,
  RUN_HEADER,
  SETUP,
  STARTED,
  STOP,
  STRAY,
  THROWN,
  UNCLONEABLE,
  UNDEFINE,
  UNREADABLE,
  UNRESOLVED,
} from "../wire/messages.ts";
import { exportOf } from "./load_module.ts";
import {
  AbortControllerOf,
  append,
  apply,
  CALL,
  compareExchange,
  hasOwn,
  IntegersOf,
  isArray,
  PromiseOf,
  readerOf,
  round,
  SafeMap,
  SafeSet,
  TypeErrorOf,
  uncurried,
} from "../wire/originals.ts";
import { explainClosure } from "./task_text.ts";
import { TaskTable } from "./task_table.ts";
import type { AnyFunction, LocalTask } from "./task_table.ts";
import type { Failure, WireTask, WorkerSetup } from "../wire/messages.ts";
import type { TaskContext } from "../wire/task_ref.ts";
import { packNumbers } from "../wire/packed_numbers.ts";
import { unwrapTransfer } from "../wire/transfer.ts";
import { enter, isCurrent, runApart, taskScope } from "./current_task.ts";
import { isThenable, whenSettled } from "./thenable.ts";

/** Results of functions slower than this are sent before the next of their tasks begins. */
const SHORT_NANOSECONDS = 100_000;

/** Results wait for each other this long, in milliseconds. Less costs messages, more delays the owner. */
const GATHER_MILLISECONDS = 0.5;

/** Tasks between two looks at the clock, for functions that take about no time. */
const CLOCK_INTERVAL = 16;

/** Where the values of a chunk begin in its message. */
const FIRST_VALUE = 1 + DONE_HEADER;

const NO_CLAIMS = new IntegersOf(0);
const signalOf = readerOf(AbortControllerOf.prototype, "signal") as (
  controller: AbortController,
) => AbortSignal;
const abortSignal = uncurried(AbortControllerOf.prototype.abort) as (
  controller: AbortController,
  reason: unknown,
) => void;

/** When a program that has more to do shall wait, and for what. */
export interface Pause {
  /** After so many milliseconds of work without one. */
  readonly after: number;
  /** Whether it is time, in the host's own measure. Asked before each task. */
  readonly isDue?: (() => boolean) | undefined;
  /** Calls back, not at once. */
  wait(goOn: () => void): void;
}

/** What the program needs of the place where it runs. */
export interface ProgramHost {
  /** Sends a message to the owner; throws if it cannot be cloned. */
  post(message: unknown, transfer?: readonly Transferable[]): void;
  /** Makes a function of source text. */
  compile(source: string): unknown;
  /** Loads a module. */
  load(url: string): PromiseLike<Record<string, unknown>>;
  /** The tasks given to `serve()`. */
  readonly named: Record<string, unknown> | undefined;
  encodeError(error: unknown): Failure;
  /** Ends this worker. */
  exit(): void;
  /** Where there is no claim table: lets the owner know that the next of its tasks begins, or is skipped. */
  readonly announce: (() => void) | undefined;
  /** Gives way to messages, or to the owner on the same thread. */
  readonly pause: Pause | undefined;
  /** Where tasks run on their owner's thread: calls a function in the async context of a slot's task. */
  readonly runIn: (<R>(slot: number, callback: () => R) => R) | undefined;
}

/** Arguments one after the other, among other things or alone. */
type Row = readonly unknown[] | Float64Array;

/** How a task that is waited for ends. */
interface Ends {
  succeed(value: unknown): void;
  fail(error: unknown): void;
}

/** A batch and how far it is done. */
interface Batch {
  readonly message: readonly unknown[];
  at: number;
  left: number;
  next: Batch | undefined;
}

let slotOf: (context: Context) => number;
/** Whether its outcome is told: what it reports now would come too late. */
let hasEnded: (context: Context) => boolean;
let end: (context: Context) => void;
let abort: (context: Context, reason: unknown) => void;

/** What a task sees: what is the program's own of it, no task can reach. */
class Context implements TaskContext {
  readonly #program: Program;
  readonly #slot: number;
  #ended = false;
  #controller: AbortController | undefined = undefined;

  static {
    slotOf = (context) => context.#slot;
    hasEnded = (context) => context.#ended;
    end = (context) => {
      context.#ended = true;
    };
    abort = (context, reason) => abortSignal(context.#control(), reason);
  }

  constructor(program: Program, slot: number) {
    this.#program = program;
    this.#slot = slot;
  }

  get signal(): AbortSignal {
    return signalOf(this.#control());
  }

  get workerName(): string {
    return this.#program.name;
  }

  report(progress: unknown): void {
    if (!this.#ended) this.#program.report(this.#slot, progress);
  }

  #control(): AbortController {
    return this.#controller ??= new AbortControllerOf();
  }
}

/** The far side: receives batches of tasks, runs them in order, sends results back in batches. */
export class Program {
  name = "";
  readonly #host: ProgramHost;
  /** Added to the kind of each message; -1 before it is told. */
  #secret = -1;
  #claims: Int32Array = NO_CLAIMS;
  #shared = false;
  #limit = 1;
  #tasks = new TaskTable();
  /** Batches in a chain, the first and the last. */
  #batch: Batch | undefined = undefined;
  #lastBatch: Batch | undefined = undefined;
  #ready = false;
  #dead = false;
  /** A message was lost: what comes after it is not taken. */
  #deaf = false;
  #draining = false;
  #paused = false;
  #active = 0;
  /** A task that has its place, and whose function is being loaded: nothing younger begins before it. */
  #loading: Context | undefined = undefined;
  #flushScheduled = false;
  readonly #scope = taskScope();
  readonly #runApart = runApart(this.#scope);
  /** How many tasks that wait here were revoked, by slot: those of a slot that come first. */
  #revoked = new SafeMap<number, number>();
  /** Contexts of tasks that have not ended, by slot, for aborts. */
  #contexts = new SafeMap<number, Context>();

  #done: unknown[] = [];
  #failed: unknown[] = [];
  /** Where the last segment of #done begins, and the slot that would continue it: one of the two. */
  #header = 0;
  #nextSlot = -1;
  #nextSkip = -1;
  /** When the first of what is gathered was ready. */
  #gatheredSince = 0;

  constructor(host: ProgramHost) {
    this.#host = host;
  }

  /** Says that the program listens. */
  start(): void {
    this.#host.post([HELLO, READY, PROTOCOL]);
  }

  /** Says something of the worker as a whole. */
  #say(kind: number, value?: unknown): void {
    if (this.#secret < 0) this.#host.post([HELLO, kind, value]);
    else this.#host.post([this.#secret + kind, value]);
  }

  /** Takes a message of the owner, and nothing else that looks like one. */
  receive(message: unknown): void {
    if (!isArray(message)) return;
    const isSetUp = this.#secret >= 0;
    const kind = isSetUp ? (message[0] as number) - this.#secret : message[0] as number;
    if (isSetUp ? this.#dead && kind !== STOP : kind !== SETUP && kind !== STOP) return;
    switch (kind) {
      case RUN:
        if (this.#deaf) return;
        this.#enqueue({ message, at: 1, left: -1, next: undefined });
        if (this.#ready) this.#drain();
        return;
      case DEFINE:
        return this.#tasks.define(message[1], message[2]);
      case UNDEFINE:
        return this.#tasks.forget(message, 1, this.#waitingTasks());
      case ABORT:
        return this.#abort(message[1], decodeError(message[2]));
      case REVOKE:
        return this.#giveBack(message);
      case FORGET: {
        const context = this.#contexts.get(message[1]);
        if (context !== undefined) this.#leave(context);
        return this.#drain();
      }
      case SETUP:
        if (isSetUp) return;
        this.#secret = (message[1] as WorkerSetup).secret; // also if it strayed: it is told to stop by it
        if (!this.#dead) this.#setUp(message[1]);
        return;
      case STOP:
        this.#dead = true;
        return this.#host.exit();
    }
  }

  /** An error outside of every task: the owner replaces this worker; nothing begins here any more. */
  stray(error: unknown): void {
    if (this.#dead) return;
    this.flush();
    this.#dead = true;
    this.#say(STRAY, this.#host.encodeError(error));
  }

  /** This worker ends on its own account: nothing begins here any more, though `close()` goes on. */
  exiting(exitCode: number): void {
    this.flush();
    this.#dead = true;
    this.#say(EXITING, exitCode);
  }

  /** A message could not be read: whoever sent it has to know what was in it. */
  unreadable(): void {
    if (this.#dead || this.#deaf) return;
    this.#deaf = true;
    if (this.#secret < 0) return this.#say(UNREADABLE);
    this.flush();
    const message = [this.#secret + UNREADABLE];
    this.#contexts.forEach((_, slot) => append(message, slot));
    this.#addWaitingSlots(message);
    this.#host.post(message);
  }

  #enqueue(batch: Batch): void {
    if (this.#lastBatch === undefined) this.#batch = batch;
    else this.#lastBatch.next = batch;
    this.#lastBatch = batch;
  }

  /** The owner wants tasks back that have not begun: those in the slots that follow. */
  #giveBack(message: readonly number[]): void {
    const waiting = new SafeMap<number, number>();
    const slots: number[] = [];
    this.#addWaitingSlots(slots);
    for (let i = 0; i < slots.length; i++) {
      waiting.set(slots[i]!, (waiting.get(slots[i]!) ?? 0) + 1);
    }
    const returned = [this.#secret + RETURNED];
    for (let i = 1; i < message.length; i++) {
      const slot = message[i]!;
      // A slot waits twice if its task was returned, but not passed yet, and another came into it.
      const revoked = this.#revoked.get(slot) ?? 0;
      if ((waiting.get(slot) ?? 0) <= revoked) continue;
      this.#revoked.set(slot, revoked + 1);
      append(returned, slot);
    }
    this.flush();
    this.#host.post(returned);
  }

  /** Whether the task that comes next in a slot was given back: then it is passed by. */
  #passRevoked(slot: number): boolean {
    const revoked = this.#revoked.get(slot);
    if (revoked === undefined) return false;
    if (revoked > 1) this.#revoked.set(slot, revoked - 1);
    else this.#revoked.delete(slot);
    return true;
  }

  /** The numbers of the functions of all tasks that have arrived and have not begun. */
  #waitingTasks(): SafeSet<number> {
    const waiting = new SafeSet<number>();
    for (let batch = this.#batch; batch !== undefined; batch = batch.next) {
      const { message, at } = batch;
      for (let header = at; header < message.length;) {
        waiting.add(message[header] as number);
        header += rowLength(message, header);
      }
    }
    return waiting;
  }

  /** Adds the slots of all tasks that have arrived and have not begun. */
  #addWaitingSlots(slots: number[]): void {
    for (let batch = this.#batch; batch !== undefined; batch = batch.next) {
      const { message, at, left } = batch;
      for (let header = at; header < message.length;) {
        const slot = message[header + 3] as number;
        const count = message[header + 4] as number;
        const isChunk = ((message[header + 1] as number) & FLAG_CHUNK) !== 0;
        const tasks = isChunk ? 1 : header === at && left >= 0 ? left : count;
        const last = slot + (isChunk ? 0 : count - 1);
        for (let i = 0; i < tasks; i++) append(slots, last - i);
        header += rowLength(message, header);
      }
    }
  }

  /** `this.report(value)` of the task in a slot. */
  report(slot: number, value: unknown): void {
    // The initializer has no slot: nobody listens to it.
    if (!this.#dead && slot >= 0) this.#host.post([this.#secret + PROGRESS, slot, value]);
  }

  #setUp(setup: WorkerSetup): void {
    this.name = setup.name;
    this.#done = [setup.secret + DONE];
    this.#failed = [setup.secret + FAILED];
    this.#limit = setup.tasksPerWorker;
    this.#shared = setup.claims !== undefined;
    if (setup.claims !== undefined) this.#claims = setup.claims;
    if (setup.initializer === undefined) {
      this.#ready = true;
      return;
    }
    this.#initialize(setup.initializer);
  }

  #initialize({ task, args }: NonNullable<WorkerSetup["initializer"]>): void {
    const failed = (error: unknown): void => {
      this.#dead = true;
      this.#say(INITIALIZER_FAILED, this.#host.encodeError(error));
    };
    const succeeded = (): void => {
      this.#say(INITIALIZED);
      this.#ready = true;
      this.#drain();
    };
    const run = (call: AnyFunction): void => {
      try {
        const result = apply(call, new Context(this, -1), args);
        if (isThenable(result)) return whenSettled(result, succeeded, failed);
      } catch (error) {
        return failed(error);
      }
      succeeded();
    };
    let call: AnyFunction | undefined;
    try {
      call = this.#resolveNow(task);
    } catch (error) {
      return failed(error);
    }
    if (call === undefined) this.#load(task, run, failed);
    else run(call);
  }

  // --- the loop ---

  #drain(): void {
    if (this.#draining || this.#paused) return;
    this.#draining = true;
    const { pause } = this.#host;
    const pauseAt = pause === undefined ? Infinity : clock.now() + pause.after;
    for (let batch = this.#batch; batch !== undefined; batch = this.#batch) {
      if (!this.#hasPlace) break;
      if (clock.now() >= pauseAt || pause?.isDue?.()) {
        this.#paused = true;
        break;
      }
      if (this.#nextTask(batch)) continue;
      this.#batch = batch.next;
      if (batch.next === undefined) this.#lastBatch = undefined;
    }
    this.#draining = false;
    if (this.#paused) {
      this.flush();
      pause!.wait(() => {
        this.#paused = false;
        this.#drain();
      });
    } else if (this.#batch === undefined) this.flush();
    else this.#flushSoon();
  }

  /** Whether a task may begin now. */
  get #hasPlace(): boolean {
    return this.#active < this.#limit && this.#loading === undefined && !this.#dead;
  }

  /** Runs what comes next in a batch: a row of tasks of one function, until one does not end at once. */
  #nextTask(batch: Batch): boolean {
    const { message } = batch;
    if (batch.at >= message.length) return false;
    const header = batch.at;
    const task = this.#tasks.find(message[header] as number)!;
    const flags = message[header + 1] as number;
    const arity = message[header + 2] as number;
    const slot = message[header + 3] as number;
    const count = message[header + 4] as number;
    if ((flags & FLAG_CHUNK) !== 0) {
      const packed = (flags & FLAG_PACKED) !== 0;
      const first = header + RUN_HEADER;
      batch.at = first + (packed ? 1 : arity * count);
      if (this.#claim(slot, flags)) {
        if (packed) {
          this.#runChunk(task, flags, slot, arity, count, message[first] as Float64Array, 0);
        } else this.#runChunk(task, flags, slot, arity, count, message, first);
      }
      return true;
    }
    if (batch.left < 0) batch.left = count;
    this.#closeSegment();
    this.#prepare(task);
    const startedAt = clock.now();
    const { pause } = this.#host;
    let ran = 0;
    while (batch.left > 0 && this.#hasPlace) {
      if (ran > 0 && pause?.isDue?.()) break;
      const index = count - batch.left--;
      const at = header + RUN_HEADER + index * arity;
      if (!this.#claim(slot + index, flags)) continue;
      if (task.nanoseconds < 0 || task.nanoseconds >= SHORT_NANOSECONDS) this.flush();
      this.#runTask(task, flags, slot + index, message, at, arity);
      ran++;
      if (ran % CLOCK_INTERVAL === 0 || task.nanoseconds > 10_000) {
        const time = clock.now();
        if (time - this.#gatheredSince > GATHER_MILLISECONDS) {
          this.#learn(task, time - startedAt, ran);
          this.#stampSegment(task);
          this.flush();
          if (pause !== undefined) break;
        }
      }
    }
    if (ran > 0) {
      this.#learn(task, clock.now() - startedAt, ran);
      this.#stampSegment(task);
    }
    if (batch.left === 0) {
      batch.at = header + RUN_HEADER + arity * count;
      batch.left = -1;
    }
    return true;
  }

  /** Compiles a plain function before the clock starts; what goes wrong is told by its tasks. */
  #prepare(task: LocalTask): void {
    if (task.call !== undefined) return;
    try {
      task.call = this.#resolveNow(task.wire);
    } catch { /* each of its tasks fails with it */ }
  }

  /** Whether the task in a slot is this worker's to run. */
  #claim(slot: number, flags: number): boolean {
    if (!this.#shared) {
      this.#host.announce?.();
      return this.#revoked.size === 0 || !this.#passRevoked(slot);
    }
    if ((flags & FLAG_CLAIMED) !== 0) return true;
    if (compareExchange(this.#claims, slot, CLAIM_PENDING, CLAIM_RUNNING) === CLAIM_PENDING) {
      return true;
    }
    this.#skip(slot);
    return false;
  }

  #runTask(
    task: LocalTask,
    flags: number,
    slot: number,
    message: readonly unknown[],
    at: number,
    arity: number,
  ): void {
    const context = new Context(this, slot);
    if ((flags & FLAG_NOTIFY) !== 0) this.#host.post([this.#secret + STARTED, slot]);
    let result: unknown;
    try {
      const call = task.call ?? this.#resolveNow(task.wire);
      if (call === undefined) {
        return this.#runLater(task, context, message, at, arity);
      }
      task.call = call;
      this.#enter(context);
      result = this.#call(call, context, message, at, arity);
      if (isThenable(result)) {
        const { succeed, fail } = this.#wait(task, context);
        return whenSettled(result, succeed, fail);
      }
    } catch (error) {
      this.#enter(undefined);
      end(context);
      return this.#fail(slot, task, -1, error);
    }
    this.#enter(undefined);
    end(context);
    this.#succeed(slot, result);
  }

  /** Its listeners are called where the task runs. */
  #abort(slot: number, reason: unknown): void {
    const context = this.#contexts.get(slot);
    if (context === undefined) return;
    try {
      const { runIn } = this.#host;
      if (runIn === undefined) abort(context, reason);
      else runIn(slot, () => abort(context, reason));
    } catch {
      /* a task has broken signals: it does not hear, and is stopped when its grace is over */
    }
  }

  #call(
    call: AnyFunction,
    context: Context,
    args: Row,
    at: number,
    arity: number,
  ): unknown {
    const host = this.#host;
    if (host.runIn === undefined) return this.#callHere(call, context, args, at, arity);
    return host.runIn(slotOf(context), () => this.#callHere(call, context, args, at, arity));
  }

  #callHere(
    call: AnyFunction,
    context: Context,
    args: Row,
    at: number,
    arity: number,
  ): unknown {
    if (this.#runApart !== undefined && this.#limit > 1) {
      return this.#runApart(context, () => apply(call, context, rowOf(args, at, arity)));
    }
    if (arity > 2 || call.call !== CALL) return apply(call, context, rowOf(args, at, arity));
    switch (arity) {
      case 0:
        return call.call(context);
      case 1:
        return call.call(context, args[at]);
      default:
        return call.call(context, args[at], args[at + 1]);
    }
  }

  /** A task that does not end at once: it takes one of the places until one of two calls. */
  #wait(task: LocalTask, context: Context): Ends {
    const startedAt = clock.now();
    this.#active++;
    this.#contexts.set(slotOf(context), context);
    if (this.#limit > 1) this.#enter(undefined);
    const ended = () => {
      if (isCurrent(this.#scope, context)) this.#enter(undefined);
      const elapsed = clock.now() - startedAt;
      this.#learn(task, elapsed, 1);
      return toNanoseconds(elapsed, 1);
    };
    return {
      succeed: (value) => {
        if (!this.#leave(context)) return;
        this.#succeed(slotOf(context), value, ended());
        this.#drain();
      },
      fail: (error) => {
        if (!this.#leave(context)) return;
        this.#fail(slotOf(context), task, ended(), error);
        this.#drain();
      },
    };
  }

  /** The place of a task that was waited for is free. False if it is already: the task was forgotten. */
  #leave(context: Context): boolean {
    if (hasEnded(context)) return false;
    end(context);
    if (this.#loading === context) this.#loading = undefined;
    this.#active--;
    this.#contexts.delete(slotOf(context));
    return true;
  }

  /** A task whose function must be loaded first; that is part of its run. */
  #runLater(task: LocalTask, context: Context, args: Row, at: number, arity: number): void {
    const { succeed, fail } = this.#wait(task, context);
    this.#loadFor(task, context, (call) => {
      let result: unknown;
      this.#enter(context);
      try {
        result = this.#call(call, context, args, at, arity);
        if (isThenable(result)) {
          if (this.#limit > 1) this.#enter(undefined);
          return whenSettled(result, succeed, fail);
        }
      } catch (error) {
        return fail(error);
      }
      succeed(result);
    }, fail);
  }

  /** Loads the function of a task that has its place; what was submitted later begins after it has. */
  #loadFor(
    task: LocalTask,
    context: Context,
    loaded: (call: AnyFunction) => void,
    failed: (error: unknown) => void,
  ): void {
    this.#loading = context;
    this.#load(task.wire, (call) => {
      task.call = call;
      loaded(call);
      if (this.#loading !== context) return; // it has ended, or was forgotten
      this.#loading = undefined;
      this.#drain();
    }, failed);
  }

  #runChunk(
    task: LocalTask,
    flags: number,
    slot: number,
    arity: number,
    count: number,
    args: Row,
    first: number,
  ): void {
    if (task.nanoseconds < 0 || task.nanoseconds * count >= SHORT_NANOSECONDS) this.flush();
    if ((flags & FLAG_NOTIFY) !== 0) this.#host.post([this.#secret + STARTED, slot]);
    const context = new Context(this, slot);
    const { pause } = this.#host;
    // As a message: what stands before the values is the header of a segment of DONE.
    const values: unknown[] = [this.#secret + DONE, slot, count, -1];
    const failures: unknown[] = [];
    const startedAt = clock.now();
    let index = 0;
    const succeedItem = (value: unknown) => {
      append(values, value);
      index++;
    };
    const failItem = (error: unknown) => {
      append(failures, index);
      this.#describe(failures, task, error);
      succeedItem(undefined);
    };
    const finish = () => {
      this.#enter(undefined);
      end(context);
      const elapsed = clock.now() - startedAt;
      this.#learn(task, elapsed, count);
      this.#finishChunk(toNanoseconds(elapsed, count), values, failures);
    };
    const callItem = (call: AnyFunction, at: number) => {
      this.#enter(context);
      return this.#call(call, context, args, at, arity);
    };
    /** Runs items until one has to be waited for. */
    const run = (call: AnyFunction): PromiseLike<unknown> | undefined => {
      while (index < count && !hasEnded(context)) {
        const at = first + index * arity;
        try {
          const result = pause?.isDue?.()
            ? new PromiseOf((resolve, reject) =>
              pause.wait(() => {
                try {
                  resolve(callItem(call, at));
                } catch (error) {
                  reject(error);
                }
              })
            )
            : callItem(call, at);
          if (isThenable(result)) return result;
          succeedItem(result);
        } catch (error) {
          failItem(error);
        }
      }
      return undefined;
    };
    const leave = () => {
      if (!this.#leave(context)) return;
      finish();
      this.#drain();
    };
    /** Waits for what is pending, and for what pends after it. */
    const runOn = (call: AnyFunction, pending: PromiseLike<unknown> | undefined): void => {
      if (pending === undefined) return leave();
      whenSettled(pending, (value) => {
        succeedItem(value);
        runOn(call, run(call));
      }, (error) => {
        failItem(error);
        runOn(call, run(call));
      });
    };
    let call: AnyFunction | undefined;
    let pending: PromiseLike<unknown> | undefined;
    try {
      call = task.call ?? this.#resolveNow(task.wire);
      if (call !== undefined) {
        task.call = call;
        pending = run(call);
        if (pending === undefined) return finish();
      }
    } catch (error) {
      return this.#fail(slot, task, -1, error);
    }
    this.#active++;
    this.#contexts.set(slot, context);
    if (call !== undefined) return runOn(call, pending);
    this.#loadFor(task, context, (loaded) => runOn(loaded, run(loaded)), (error) => {
      if (!this.#leave(context)) return;
      this.#fail(slot, task, -1, error);
      this.#drain();
    });
  }

  #learn(task: LocalTask, milliseconds: number, tasks: number): void {
    task.nanoseconds = toNanoseconds(milliseconds, tasks);
  }

  // --- functions ---

  /** The function, if it need not be loaded. */
  #resolveNow(wire: WireTask): AnyFunction | undefined {
    if (wire.kind === "module") return undefined;
    try {
      if (wire.kind === "named") return this.#named(wire.name);
      return this.#host.compile(wire.source) as AnyFunction;
    } catch (error) {
      throw new Unresolved(error);
    }
  }

  #named(name: string): AnyFunction {
    const { named } = this.#host;
    if (named === undefined) {
      throw new TypeErrorOf(
        "this worker serves no named tasks; start it from a file that calls serve()",
      );
    }
    return checkFunction(hasOwn(named, name) ? named[name] : undefined, name, "serve()");
  }

  #load(
    wire: WireTask,
    loaded: (call: AnyFunction) => void,
    failed: (error: unknown) => void,
  ): void {
    const { url, name } = wire as WireTask & { kind: "module" };
    const fail = (error: unknown): void => failed(new Unresolved(error));
    let loading: PromiseLike<Record<string, unknown>>;
    try {
      loading = this.#host.load(url);
    } catch (error) {
      return fail(error);
    }
    whenSettled(loading, (module) => {
      let call: AnyFunction;
      try {
        call = checkFunction(exportOf(module, name), name, "module");
      } catch (error) {
        return fail(error);
      }
      loaded(call);
    }, fail);
  }

  #enter(context: Context | undefined): void {
    enter(this.#scope, context);
  }

  // --- outcomes ---

  #succeed(slot: number, value: unknown, nanoseconds = -1): void {
    if (this.#dead) return;
    const moved = unwrapTransfer(value);
    if (moved !== undefined) return this.#sendMoved(slot, nanoseconds, moved);
    const done = this.#done;
    if (done.length === 1) this.#gatheredSince = clock.now();
    if (nanoseconds < 0 && slot === this.#nextSlot) {
      done[this.#header + 1] = (done[this.#header + 1] as number) + 1;
      this.#nextSlot++;
      append(done, value);
      return;
    }
    this.#closeSegment();
    this.#header = done.length;
    this.#nextSlot = nanoseconds < 0 ? slot + 1 : -1;
    append(done, slot);
    append(done, 1);
    append(done, nanoseconds);
    append(done, value);
  }

  /** What comes next begins a segment of its own. */
  #closeSegment(): void {
    this.#nextSlot = -1;
    this.#nextSkip = -1;
  }

  /** Tells the owner what a task of the open segment took. */
  #stampSegment(task: LocalTask): void {
    const { length } = this.#done;
    if (length > 1 && this.#nextSlot >= 0) {
      this.#done[this.#header + 2] = task.nanoseconds;
    }
  }

  #skip(slot: number): void {
    const done = this.#done;
    if (slot === this.#nextSkip) {
      done[this.#header + 1] = (done[this.#header + 1] as number) - 1;
    } else {
      this.#closeSegment();
      this.#header = done.length;
      append(done, slot);
      append(done, -1);
      append(done, -1);
    }
    this.#nextSkip = slot + 1;
  }

  #fail(slot: number, task: LocalTask, nanoseconds: number, error: unknown): void {
    if (this.#dead) return;
    if (this.#failed.length === 1 && this.#done.length === 1) {
      this.#gatheredSince = clock.now();
    }
    append(this.#failed, slot);
    append(this.#failed, nanoseconds);
    this.#describe(this.#failed, task, error);
  }

  /** Adds the kind and the record of a failure. */
  #describe(failures: unknown[], task: LocalTask, error: unknown): void {
    const unresolved = Unresolved.reasonOf(error);
    const { wire } = task;
    if (unresolved === undefined && wire.kind === "source" && !hasOwn(wire, "fn")) {
      explainClosure(error, wire.name);
    }
    append(failures, unresolved === undefined ? THROWN : UNRESOLVED);
    append(failures, this.#host.encodeError(unresolved === undefined ? error : unresolved.reason));
  }

  /** Sends the outcome of a chunk: its values, behind their header of `DONE`. */
  #finishChunk(nanoseconds: number, done: unknown[], failures: unknown[]): void {
    if (this.#dead) return;
    const slot = done[1];
    done[3] = nanoseconds;
    let transfer: Transferable[] | undefined;
    for (let i = FIRST_VALUE; i < done.length; i++) {
      const moved = unwrapTransfer(done[i]);
      if (moved === undefined) continue;
      done[i] = moved.value;
      for (let k = 0; k < moved.transfer.length; k++) append(transfer ??= [], moved.transfer[k]!);
    }
    if (failures.length === 0 && transfer === undefined) {
      const packed = packNumbers(done, FIRST_VALUE);
      if (packed !== undefined) {
        this.flush();
        return this.#host.post([this.#secret + CHUNK_DONE, slot, nanoseconds, packed]);
      }
      if (this.#done.length === 1) {
        try {
          return this.#host.post(done); // the flat way
        } catch { /* found out below whose fault it is */ }
      }
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
    const done = this.#done;
    const failed = this.#failed;
    if (done.length > 1) {
      this.#closeSegment();
      this.#done = [this.#secret + DONE];
      try {
        this.#host.post(done);
      } catch {
        this.#sendOneByOne(done);
      }
    }
    if (failed.length > 1) {
      this.#failed = [this.#secret + FAILED];
      this.#host.post(failed);
    }
  }

  /** Sends what is gathered when this thread comes to rest, at the latest. */
  #flushSoon(): void {
    if (this.#flushScheduled || (this.#done.length === 1 && this.#failed.length === 1)) return;
    this.#flushScheduled = true;
    clock.setTimeout(() => {
      this.#flushScheduled = false;
      this.flush();
    }, 0);
  }

  /** One of the results cannot be cloned: the others must not suffer. */
  #sendOneByOne(done: readonly unknown[]): void {
    for (let at = 1; at < done.length;) {
      const slot = done[at] as number;
      const count = done[at + 1] as number;
      const nanoseconds = done[at + 2];
      at += DONE_HEADER;
      if (count < 0) this.#host.post([this.#secret + DONE, slot, count, nanoseconds]);
      for (let i = 0; i < count; i++) {
        try {
          this.#host.post([this.#secret + DONE, slot + i, 1, nanoseconds, done[at + i]]);
        } catch (error) {
          this.#host.post([
            this.#secret + FAILED,
            slot + i,
            nanoseconds,
            UNCLONEABLE,
            this.#host.encodeError(error),
          ]);
        }
      }
      if (count > 0) at += count;
    }
  }
}

/** The function of a task could not be had. */
class Unresolved {
  readonly #reason: unknown;

  constructor(reason: unknown) {
    this.#reason = reason;
  }

  /** The reason, if a thrown value is one of these. Not by `instanceof`: a Proxy may throw at that. */
  static reasonOf(thrown: unknown): { readonly reason: unknown } | undefined {
    if (typeof thrown !== "object" || thrown === null || !(#reason in thrown)) return undefined;
    return { reason: thrown.#reason };
  }
}

function checkFunction(value: unknown, name: string, where: string): AnyFunction {
  if (typeof value === "function") return value as AnyFunction;
  throw new TypeErrorOf(
    value === undefined
      ? `the ${where} has no export named "${name}"`
      : `"${name}" of the ${where} is not a function but ${typeof value}`,
  );
}

function toNanoseconds(milliseconds: number, tasks: number): number {
  const nanoseconds = round(milliseconds * 1e6 / tasks);
  return nanoseconds > MAX_NANOSECONDS ? MAX_NANOSECONDS : nanoseconds > 0 ? nanoseconds : 0;
}

/** Places in a message that one row of it takes, with its header. */
function rowLength(message: readonly unknown[], header: number): number {
  if (((message[header + 1] as number) & FLAG_PACKED) !== 0) return RUN_HEADER + 1;
  return RUN_HEADER + (message[header + 2] as number) * (message[header + 4] as number);
}

/** Some arguments, in an array of their own. */
function rowOf(args: Row, at: number, arity: number): unknown[] {
  const row: unknown[] = [];
  for (let i = at; i < at + arity; i++) append(row, args[i]);
  return row;
}
