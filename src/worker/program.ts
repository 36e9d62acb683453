// Length: the worker's whole loop, kept in one place because it is the hot path (engine/README.md).

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
import { TaskTable } from "./task_table.ts";
import type { AnyFunction, LocalTask } from "./task_table.ts";
import type { Failure, FailureKind, WireTask, WorkerSetup } from "../wire/messages.ts";
import type { TaskContext } from "../wire/task_ref.ts";
import { packNumbers } from "../wire/packed_numbers.ts";
import { unwrapTransfer } from "../wire/transfer.ts";
import { isError } from "../wire/value_kind.ts";
import { taskScope } from "./current_task.ts";

/** Results of functions slower than this are sent before the next of their tasks begins. */
const SHORT_NANOSECONDS = 100_000;

/** Results wait for each other this long, in milliseconds. Less costs messages, more delays the owner. */
const GATHER_MILLISECONDS = 0.5;

/** Tasks between two looks at the clock, for functions that take about no time. */
const CLOCK_INTERVAL = 16;

/** As it was before any task could change it. */
const { isArray } = Array;

/** When a program that has more to do shall wait, and for what. */
export interface Pause {
  /** After so many milliseconds of work without one. */
  readonly after: number;
  /** Whether it is time, in the host's own measure. Asked before each task. */
  isDue?(): boolean;
  wait(): Promise<void>;
}

/** What the program needs of the place where it runs. */
export interface ProgramHost {
  /** Sends a message to the owner; throws if it cannot be cloned. */
  post(message: unknown, transfer?: readonly Transferable[]): void;
  /** Makes a function of source text. */
  compile(source: string): unknown;
  /** Loads a module. */
  load(url: string): Promise<Record<string, unknown>>;
  /** The tasks given to `serve()`. */
  readonly named: Record<string, unknown> | undefined;
  encodeError(error: unknown): Failure;
  /** Ends this worker. */
  exit(): void;
  /** Where there is no claim table: lets the owner know that the next of its tasks begins, or is skipped. */
  announce?(): void;
  /** Gives way to messages, or to the owner on the same thread. */
  readonly pause?: Pause | undefined;
  /** Where tasks run on their owner's thread: calls a function in the async context of a slot's task. */
  runIn?<R>(slot: number, callback: () => R): R;
}

/** Arguments one after the other, among other things or alone. */
type Row = readonly unknown[] | Float64Array;

/** A batch and how far it is done. */
interface Batch {
  readonly message: readonly unknown[];
  at: number;
  left: number;
}

class Context implements TaskContext {
  readonly #program: Program;
  readonly slot: number;
  /** Its outcome is told: what it reports now would come too late. */
  ended = false;
  #controller: AbortController | undefined = undefined;

  constructor(program: Program, slot: number) {
    this.#program = program;
    this.slot = slot;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  get workerName(): string {
    return this.#program.name;
  }

  report(progress: unknown): void {
    if (!this.ended) this.#program.report(this.slot, progress);
  }

  abort(reason: unknown): void {
    (this.#controller ??= new AbortController()).abort(reason);
  }
}

/** The far side: receives batches of tasks, runs them in order, sends results back in batches. */
export class Program {
  name = "";
  readonly #host: ProgramHost;
  /** Added to the kind of each message; -1 before it is told. */
  #secret = -1;
  #claims: Int32Array = new Int32Array(0);
  #shared = false;
  #limit = 1;
  #tasks = new TaskTable();
  #batches: Batch[] = [];
  #ready = false;
  #dead = false;
  /** A message was lost: what comes after it is not taken. */
  #deaf = false;
  #draining = false;
  #paused = false;
  #active = 0;
  #flushScheduled = false;
  readonly #scope = taskScope();
  /** How many tasks that wait here were revoked, by slot: those of a slot that come first. */
  #revoked = new Map<number, number>();
  /** Contexts of tasks that have not ended, by slot, for aborts. */
  #contexts = new Map<number, Context>();

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
        this.#batches.push({ message, at: 1, left: -1 });
        if (this.#ready) this.#drain();
        return;
      case DEFINE:
        return this.#tasks.define(message[1], message[2]);
      case UNDEFINE:
        return this.#tasks.forget(message.slice(1), this.#waitingTasks());
      case ABORT:
        return this.#abort(message[1], decodeError(message[2]));
      case REVOKE:
        return this.#giveBack(message.slice(1));
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
    this.#host.post([this.#secret + UNREADABLE, ...this.#contexts.keys(), ...this.#waitingSlots()]);
  }

  /** The owner wants tasks back that have not begun. */
  #giveBack(slots: readonly number[]): void {
    const waiting = new Map<number, number>();
    for (const slot of this.#waitingSlots()) waiting.set(slot, (waiting.get(slot) ?? 0) + 1);
    const returned: number[] = [];
    for (const slot of slots) {
      // A slot waits twice if its task was returned, but not passed yet, and another came into it.
      const revoked = this.#revoked.get(slot) ?? 0;
      if ((waiting.get(slot) ?? 0) <= revoked) continue;
      this.#revoked.set(slot, revoked + 1);
      returned.push(slot);
    }
    this.flush();
    this.#host.post([this.#secret + RETURNED, ...returned]);
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
  #waitingTasks(): Set<number> {
    const waiting = new Set<number>();
    for (const { message, at } of this.#batches) {
      for (let header = at; header < message.length;) {
        const [id, flags, arity, , count] = message.slice(header, header + RUN_HEADER) as number[];
        waiting.add(id!);
        header += RUN_HEADER + ((flags! & FLAG_PACKED) !== 0 ? 1 : arity! * count!);
      }
    }
    return waiting;
  }

  /** The slots of all tasks that have arrived and have not begun. */
  #waitingSlots(): number[] {
    const slots: number[] = [];
    for (const { message, at, left } of this.#batches) {
      for (let header = at; header < message.length;) {
        const [, flags, arity, slot, count] = message.slice(
          header,
          header + RUN_HEADER,
        ) as number[];
        const isChunk = (flags! & FLAG_CHUNK) !== 0;
        const tasks = isChunk ? 1 : header === at && left >= 0 ? left : count!;
        const last = slot! + (isChunk ? 0 : count! - 1);
        for (let i = 0; i < tasks; i++) slots.push(last - i);
        header += RUN_HEADER + ((flags! & FLAG_PACKED) !== 0 ? 1 : arity! * count!);
      }
    }
    return slots;
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
    void this.#initialize(setup.initializer);
  }

  async #initialize({ task, args }: NonNullable<WorkerSetup["initializer"]>): Promise<void> {
    try {
      const call = this.#resolveNow(task) ?? await this.#load(task);
      await call.apply(new Context(this, -1), args as unknown[]);
    } catch (error) {
      this.#dead = true;
      this.#say(INITIALIZER_FAILED, this.#host.encodeError(error));
      return;
    }
    this.#say(INITIALIZED);
    this.#ready = true;
    this.#drain();
  }

  // --- the loop ---

  #drain(): void {
    if (this.#draining || this.#paused) return;
    this.#draining = true;
    const { pause } = this.#host;
    const pauseAt = pause === undefined ? Infinity : performance.now() + pause.after;
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      if (this.#active >= this.#limit || this.#dead) break;
      if (performance.now() >= pauseAt || pause?.isDue?.()) {
        this.#paused = true;
        break;
      }
      if (!this.#nextTask(batch)) this.#batches.shift();
    }
    this.#draining = false;
    if (this.#paused) {
      this.flush();
      void pause!.wait().then(() => {
        this.#paused = false;
        this.#drain();
      });
    } else if (this.#batches.length === 0) this.flush();
    else this.#flushSoon();
  }

  /** Runs what comes next in a batch: a row of tasks of one function, until one does not end at once. */
  #nextTask(batch: Batch): boolean {
    const { message } = batch;
    if (batch.at >= message.length) return false;
    const header = batch.at;
    const task = this.#tasks.get(message[header] as number)!;
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
    const startedAt = performance.now();
    const { pause } = this.#host;
    let ran = 0;
    while (batch.left > 0 && this.#active < this.#limit && !this.#dead) {
      if (ran > 0 && pause?.isDue?.()) break;
      const index = count - batch.left--;
      const at = header + RUN_HEADER + index * arity;
      if (!this.#claim(slot + index, flags)) continue;
      if (task.nanoseconds < 0 || task.nanoseconds >= SHORT_NANOSECONDS) this.flush();
      this.#runTask(task, flags, slot + index, message, at, arity);
      ran++;
      if (ran % CLOCK_INTERVAL === 0 || task.nanoseconds > 10_000) {
        const now = performance.now();
        if (now - this.#gatheredSince > GATHER_MILLISECONDS) {
          this.#learn(task, now - startedAt, ran);
          this.#stampSegment(task);
          this.flush();
          if (pause !== undefined) break;
        }
      }
    }
    if (ran > 0) {
      this.#learn(task, performance.now() - startedAt, ran);
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
    if (
      Atomics.compareExchange(this.#claims, slot, CLAIM_PENDING, CLAIM_RUNNING) === CLAIM_PENDING
    ) return true;
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
        return this.#runLater(task, context, this.#load(task.wire), message.slice(at, at + arity));
      }
      task.call = call;
      this.#scope.current = context;
      result = this.#call(call, context, message, at, arity);
      if (isThenable(result)) return this.#wait(task, context, result);
    } catch (error) {
      this.#scope.current = undefined;
      context.ended = true;
      return this.#fail(slot, task, -1, error);
    }
    this.#scope.current = undefined;
    context.ended = true;
    this.#succeed(slot, result);
  }

  /** Its listeners are called where the task runs. */
  #abort(slot: number, reason: unknown): void {
    const context = this.#contexts.get(slot);
    const abort = (): void => context?.abort(reason);
    if (this.#host.runIn === undefined) abort();
    else this.#host.runIn(slot, abort);
  }

  #call(
    call: AnyFunction,
    context: Context,
    args: Row,
    at: number,
    arity: number,
  ): unknown {
    const { runIn } = this.#host;
    if (runIn === undefined) return this.#callHere(call, context, args, at, arity);
    return runIn(context.slot, () => this.#callHere(call, context, args, at, arity));
  }

  #callHere(
    call: AnyFunction,
    context: Context,
    args: Row,
    at: number,
    arity: number,
  ): unknown {
    const { storage } = this.#scope;
    if (storage !== undefined && this.#limit > 1) {
      return storage.run(context, () => call.apply(context, [...args.slice(at, at + arity)]));
    }
    switch (arity) {
      case 0:
        return call.call(context);
      case 1:
        return call.call(context, args[at]);
      case 2:
        return call.call(context, args[at], args[at + 1]);
      default:
        return call.apply(context, [...args.slice(at, at + arity)]);
    }
  }

  /** A task that does not end at once: it takes one of the places until it does. */
  #wait(task: LocalTask, context: Context, result: PromiseLike<unknown>): void {
    const startedAt = performance.now();
    this.#active++;
    this.#contexts.set(context.slot, context);
    if (this.#limit > 1) this.#scope.current = undefined;
    const ended = () => {
      if (this.#scope.current === context) this.#scope.current = undefined;
      const elapsed = performance.now() - startedAt;
      this.#learn(task, elapsed, 1);
      return toNanoseconds(elapsed, 1);
    };
    // Promise.resolve: a thenable of the user's may call back twice, at once, or throw.
    Promise.resolve(result).then((value) => {
      if (!this.#leave(context)) return;
      this.#succeed(context.slot, value, ended());
      this.#drain();
    }, (error) => {
      if (!this.#leave(context)) return;
      this.#fail(context.slot, task, ended(), error);
      this.#drain();
    });
  }

  /** The place of a task that was waited for is free. False if it is already: the task was forgotten. */
  #leave(context: Context): boolean {
    if (context.ended) return false;
    context.ended = true;
    this.#active--;
    this.#contexts.delete(context.slot);
    return true;
  }

  /** A task whose function must be loaded first; that is part of its run. */
  #runLater(
    task: LocalTask,
    context: Context,
    loading: Promise<AnyFunction>,
    args: unknown[],
  ): void {
    this.#wait(
      task,
      context,
      loading.then((call) => {
        task.call = call;
        this.#scope.current = context;
        return this.#call(call, context, args, 0, args.length);
      }),
    );
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
    const values: unknown[] = new Array(count);
    const failures: unknown[] = [];
    const startedAt = performance.now();
    let index = 0;
    const fail = (error: unknown) => {
      failures.push(index, ...this.#describe(task, error));
      values[index++] = undefined;
    };
    const finish = () => {
      this.#scope.current = undefined;
      context.ended = true;
      const elapsed = performance.now() - startedAt;
      this.#learn(task, elapsed, count);
      this.#finishChunk(slot, toNanoseconds(elapsed, count), values, failures);
    };
    const callItem = (call: AnyFunction, at: number) => {
      this.#scope.current = context;
      return this.#call(call, context, args, at, arity);
    };
    /** Runs items until one has to be waited for. */
    const run = (call: AnyFunction): PromiseLike<unknown> | undefined => {
      while (index < count && !context.ended) {
        const at = first + index * arity;
        try {
          const result = pause?.isDue?.()
            ? pause.wait().then(() => callItem(call, at))
            : callItem(call, at);
          if (isThenable(result)) return result;
          values[index++] = result;
        } catch (error) {
          fail(error);
        }
      }
      return undefined;
    };
    const runOn = async (call: AnyFunction, first: PromiseLike<unknown> | undefined) => {
      for (let pending = first; pending !== undefined; pending = run(call)) {
        try {
          values[index] = await pending;
          index++;
        } catch (error) {
          fail(error);
        }
      }
    };
    let waiting: Promise<void>;
    try {
      const call = task.call ?? this.#resolveNow(task.wire);
      if (call !== undefined) {
        task.call = call;
        const pending = run(call);
        if (pending === undefined) return finish();
        waiting = runOn(call, pending);
      } else {
        waiting = this.#load(task.wire).then((loaded) => {
          task.call = loaded;
          return runOn(loaded, run(loaded));
        });
      }
    } catch (error) {
      return this.#fail(slot, task, -1, error);
    }
    this.#active++;
    this.#contexts.set(slot, context);
    waiting.then(() => {
      if (!this.#leave(context)) return;
      finish();
      this.#drain();
    }, (error) => {
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
      throw new TypeError(
        "this worker serves no named tasks; start it from a file that calls serve()",
      );
    }
    return checkFunction(Object.hasOwn(named, name) ? named[name] : undefined, name, "serve()");
  }

  async #load(wire: WireTask): Promise<AnyFunction> {
    const { url, name } = wire as WireTask & { kind: "module" };
    try {
      const module = await this.#host.load(url);
      return checkFunction(exportOf(module, name), name, "module");
    } catch (error) {
      throw new Unresolved(error);
    }
  }

  // --- outcomes ---

  #succeed(slot: number, value: unknown, nanoseconds = -1): void {
    if (this.#dead) return;
    const moved = unwrapTransfer(value);
    if (moved !== undefined) return this.#sendMoved(slot, nanoseconds, moved);
    const done = this.#done;
    if (done.length === 1) this.#gatheredSince = performance.now();
    if (nanoseconds < 0 && slot === this.#nextSlot) {
      done[this.#header + 1] = (done[this.#header + 1] as number) + 1;
      this.#nextSlot++;
      done.push(value);
      return;
    }
    this.#closeSegment();
    this.#header = done.length;
    this.#nextSlot = nanoseconds < 0 ? slot + 1 : -1;
    done.push(slot, 1, nanoseconds, value);
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
      done.push(slot, -1, -1);
    }
    this.#nextSkip = slot + 1;
  }

  #fail(slot: number, task: LocalTask, nanoseconds: number, error: unknown): void {
    if (this.#dead) return;
    if (this.#failed.length === 1 && this.#done.length === 1) {
      this.#gatheredSince = performance.now();
    }
    this.#failed.push(slot, nanoseconds, ...this.#describe(task, error));
  }

  #describe(task: LocalTask, error: unknown): [FailureKind, Failure] {
    const unresolved = Unresolved.reasonOf(error);
    if (unresolved !== undefined) return [UNRESOLVED, this.#host.encodeError(unresolved.reason)];
    if (task.wire.kind === "source" && task.wire.fn === undefined) explainClosure(error, task.wire);
    return [THROWN, this.#host.encodeError(error)];
  }

  #finishChunk(slot: number, nanoseconds: number, values: unknown[], failures: unknown[]): void {
    if (this.#dead) return;
    let transfer: Transferable[] | undefined;
    for (let i = 0; i < values.length; i++) {
      const moved = unwrapTransfer(values[i]);
      if (moved === undefined) continue;
      values[i] = moved.value;
      (transfer ??= []).push(...moved.transfer);
    }
    if (failures.length === 0 && transfer === undefined) {
      const packed = packNumbers(values);
      if (packed !== undefined) {
        this.flush();
        return this.#host.post([this.#secret + CHUNK_DONE, slot, nanoseconds, packed]);
      }
    }
    if (failures.length === 0 && transfer === undefined && this.#done.length === 1) {
      try {
        // The flat way: DONE with the values, in one array.
        this.#host.post(
          [this.#secret + DONE, slot, values.length, nanoseconds].concat(values as number[]),
        );
        return;
      } catch { /* found out below whose fault it is */ }
    }
    this.flush();
    try {
      this.#host.post(
        [this.#secret + CHUNK_DONE, slot, nanoseconds, values, ...failures],
        transfer,
      );
    } catch {
      for (let i = 0; i < values.length; i++) {
        const error = cloneError(values[i]);
        if (error === undefined) continue;
        values[i] = undefined;
        failures.push(i, UNCLONEABLE, this.#host.encodeError(error.reason));
      }
      this.#host.post([this.#secret + CHUNK_DONE, slot, nanoseconds, values, ...failures]);
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
    setTimeout(() => {
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
      at += Math.max(count, 0);
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
  throw new TypeError(
    value === undefined
      ? `the ${where} has no export named "${name}"`
      : `"${name}" of the ${where} is not a function but ${typeof value}`,
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}

function toNanoseconds(milliseconds: number, tasks: number): number {
  return Math.min(MAX_NANOSECONDS, Math.max(0, Math.round(milliseconds * 1e6 / tasks)));
}

/** A plain function travels without its surroundings: says so where one was missed. */
function explainClosure(error: unknown, wire: WireTask): void {
  try {
    // Not by `instanceof`, which never ends for a Proxy with endless prototypes.
    if (!isError(error) || error.name !== "ReferenceError") return;
    // V8: "x is not defined"; JavaScriptCore: "Can't find variable: x".
    const found = /^(\S+) is not defined$|^Can't find variable: (\S+)$/.exec(error.message);
    const variable = found?.[1] ?? found?.[2];
    if (variable === undefined) return;
    error.message = `${variable} is not defined in the worker: task "${wire.name}" must be ` +
      `self-contained; pass "${variable}" as an argument, or export the task from a module and ` +
      `use importTasks`;
  } catch { /* a frozen error keeps its message, and a Proxy may throw at any look */ }
}
