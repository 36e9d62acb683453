// Length: the hot path of the worker, in one piece, so that it can be read in one.

import { clock } from "../futures/clock.ts";
import type { Future } from "../futures/future.ts";
import {
  FLAG_CHUNK,
  FLAG_NOTIFY,
  FLAG_PACKED,
  FLAG_STREAM,
  FULL,
  RUN_HEADER,
} from "../wire/messages.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import { Batches } from "./batches.ts";
import type { Batch } from "./batches.ts";
import { Carriers } from "./carriers.ts";
import { ChildFunctions } from "./child_functions.ts";
import { Children } from "./children.ts";
import { ChunkRun } from "./chunk_run.ts";
import { abort, Context, end, slotOf } from "./context.ts";
import type { ContextOwner } from "./context.ts";
import { CLOCK_INTERVAL, GATHER_MILLISECONDS } from "./gathering.ts";
import { toNanoseconds } from "./nanoseconds.ts";
import type { Outbox } from "./outbox.ts";
import { Places } from "./places.ts";
import { MemoryLimit } from "./memory.ts";
import type { ProgramHost } from "./program_host.ts";
import { Streams } from "./streams.ts";
import { TaskCaller } from "./task_call.ts";
import type { Row, RunTools } from "./task_call.ts";
import { TaskFunctions } from "./task_functions.ts";
import { TaskTable } from "./task_table.ts";
import type { AnyFunction, LocalTask } from "./task_table.ts";
import { isThenable, whenSettled } from "./thenable.ts";

/** Results of functions slower than this are sent before the next of their tasks begins. */
const SHORT_NANOSECONDS = 100_000;

/** How a task that is waited for ends. */
interface Ends {
  succeed(value: unknown): void;
  fail(error: unknown): void;
}

/** Runs the tasks of its batches in order. The hot path of the worker. */
export class RunLoop implements ContextOwner {
  workerName = "";
  readonly batches: Batches = new Batches();
  readonly tasks: TaskTable = new TaskTable();
  readonly places: Places = new Places();
  readonly carriers: Carriers = new Carriers();
  readonly functions: TaskFunctions;
  readonly children: Children;
  readonly #host: ProgramHost;
  readonly #outbox: Outbox;
  readonly #caller: TaskCaller;
  readonly #runTools: RunTools;
  readonly #streams: Streams;
  #memory: MemoryLimit | undefined = undefined;
  #ready = false;
  #draining = false;
  #paused = false;

  constructor(host: ProgramHost, outbox: Outbox) {
    this.#host = host;
    this.#outbox = outbox;
    const childFunctions = new ChildFunctions(host, outbox);
    this.functions = new TaskFunctions(host, (module, url) => childFunctions.loaded(module, url));
    this.children = new Children(outbox, this.places, childFunctions, {
      lent: () => this.drain(),
      resumed: (context) => this.#caller.resume(context),
    });
    this.#caller = new TaskCaller(host, this.places);
    this.#runTools = {
      outbox,
      caller: this.#caller,
      pause: host.pause,
      sleeps: host.sleeps ?? false,
    };
    this.#streams = new Streams(
      this.#runTools,
      this.functions,
      (task, context) => this.#wait(task, context, outbox.times.start()),
      (task, context, loaded, failed) => this.#load(task, context, loaded, failed),
    );
  }

  setUp(setup: WorkerSetup): void {
    this.workerName = setup.name;
    this.places.limit = setup.tasksPerWorker;
    const { memory } = this.#host;
    if (setup.maxMemory === undefined || memory === undefined) return;
    this.#memory = new MemoryLimit(setup.maxMemory, memory, () => this.#outbox.say(FULL));
  }

  /** From now on tasks may begin. */
  begin(): void {
    this.#ready = true;
    this.drain();
  }

  report(slot: number, value: unknown): void {
    // The initializer has no slot: nobody listens to it.
    if (slot >= 0) this.#outbox.progress(slot, value);
  }

  submit(parent: Context, task: unknown, args: readonly unknown[]): Future<unknown> {
    return this.children.submit(parent, task, args);
  }

  orphaned(parent: Context): void {
    this.children.orphaned(parent);
  }

  /** Aborts the task in a slot, if it runs. Its listeners are called where it runs. */
  abort(slot: number, reason: unknown): void {
    const context = this.places.find(slot);
    if (context === undefined) return;
    try {
      const { runIn } = this.#host;
      if (runIn === undefined) abort(context, reason);
      else runIn(slot, () => abort(context, reason));
    } catch {
      /* a task has broken signals: it does not hear, and is stopped when its grace is over */
    }
    this.#streams.end(context);
  }

  /** Whether there is nothing to do but to wait for a message. */
  get isIdle(): boolean {
    return this.#ready && !this.#paused && this.batches.first === undefined &&
      !this.places.isUsed && !this.#outbox.isClosed;
  }

  /** Whether any stream runs here. */
  get hasStreams(): boolean {
    return this.#streams.size > 0;
  }

  /** The stream in a slot may give so many values more. */
  grant(slot: number, count: number): void {
    const context = this.places.find(slot);
    if (context !== undefined) this.#streams.grant(context, count);
  }

  /** The task in a slot is not waited for any more. */
  forget(slot: number): void {
    const context = this.places.find(slot);
    if (context !== undefined) this.places.leave(context);
    this.drain();
  }

  /** Runs what has arrived, as far as there is room. */
  drain(): void {
    if (!this.#ready || this.#draining || this.#paused) return;
    this.#draining = true;
    const { pause } = this.#host;
    const { batches } = this;
    const pauseAt = pause === undefined ? Infinity : clock.now() + pause.after;
    for (let batch = batches.first; batch !== undefined; batch = batches.first) {
      if (!this.#hasPlace) break;
      if (this.#outbox.holdsUnseen) this.#outbox.flush();
      if (clock.now() >= pauseAt || pause?.isDue?.()) {
        this.#paused = true;
        break;
      }
      if (!this.#nextTask(batch)) batches.removeFirst();
    }
    this.#draining = false;
    // Before the results are sent: who hears of them sends the next task elsewhere.
    if (this.#memory !== undefined && !this.#outbox.isClosed) this.#memory.check();
    if (this.#paused) {
      this.#outbox.flush();
      pause!.wait(() => {
        this.#paused = false;
        this.drain();
      });
    } else if (batches.first === undefined || this.#outbox.holdsUnseen) this.#outbox.flush();
    else this.#outbox.flushSoon();
  }

  /** Whether a task may begin now. */
  get #hasPlace(): boolean {
    return this.places.hasRoom && !this.#outbox.isClosed;
  }

  /** Runs what comes next in a batch: a row of tasks of one function, until one does not end at once. */
  #nextTask(batch: Batch): boolean {
    const { message } = batch;
    if (batch.at >= message.length) return false;
    const header = batch.at;
    const task = this.tasks.find(message[header] as number)!;
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
          this.#runChunk(task, flags, slot, message[first] as Float64Array, 0, arity, count);
        } else this.#runChunk(task, flags, slot, message, first, arity, count);
      }
      return true;
    }
    if ((flags & FLAG_STREAM) !== 0) {
      batch.at = header + RUN_HEADER + arity;
      if (this.#claim(slot, flags)) {
        this.#outbox.flush();
        if ((flags & FLAG_NOTIFY) !== 0) this.#outbox.started(slot);
        const context = new Context(this, slot);
        this.#streams.run(task, context, message, header + RUN_HEADER, arity - 1);
      }
      return true;
    }
    if (batch.left < 0) batch.left = count;
    const outbox = this.#outbox;
    outbox.closeSegment();
    this.#prepare(task);
    const startedAt = clock.now();
    const { pause } = this.#host;
    let ran = 0;
    while (batch.left > 0 && this.#hasPlace) {
      if (outbox.holdsUnseen) outbox.flush();
      if (ran > 0 && pause?.isDue?.()) break;
      const index = count - batch.left--;
      const at = header + RUN_HEADER + index * arity;
      if (!this.#claim(slot + index, flags)) continue;
      if (task.nanoseconds < 0 || task.nanoseconds >= SHORT_NANOSECONDS) outbox.flush();
      this.#runTask(task, flags, slot + index, message, at, arity);
      ran++;
      if (ran % CLOCK_INTERVAL === 0 || task.nanoseconds > 10_000) {
        const time = clock.now();
        if (time - outbox.gatheredSince > GATHER_MILLISECONDS) {
          task.nanoseconds = toNanoseconds(time - startedAt, ran);
          outbox.stampSegment(task);
          outbox.flush();
          if (pause !== undefined) break;
        }
      }
    }
    if (ran > 0) {
      task.nanoseconds = toNanoseconds(clock.now() - startedAt, ran);
      outbox.stampSegment(task);
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
      task.call = this.functions.findNow(task.wire);
    } catch { /* each of its tasks fails with it */ }
  }

  /** Whether the task in a slot is this worker's to run. */
  #claim(slot: number, flags: number): boolean {
    this.carriers.next(slot);
    const { claims } = this.#outbox;
    if (!claims.isShared) {
      claims.count(slot);
      return !this.batches.passReturned(slot);
    }
    if (claims.claim(slot, flags)) return true;
    this.#outbox.skip(slot);
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
    const caller = this.#caller;
    const context = new Context(this, slot);
    const outbox = this.#outbox;
    if ((flags & FLAG_NOTIFY) !== 0) outbox.started(slot);
    const startedAt = outbox.times.start();
    let result: unknown;
    try {
      const call = task.call ?? this.functions.findNow(task.wire);
      if (call === undefined) {
        return this.#runLater(task, context, message, at, arity, startedAt);
      }
      task.call = call;
      caller.enter(context);
      result = caller.call(call, context, message, at, arity);
      if (isThenable(result)) {
        const { succeed, fail } = this.#wait(task, context, startedAt);
        return whenSettled(result, succeed, fail);
      }
    } catch (error) {
      caller.enter(undefined);
      end(context);
      outbox.times.end(slotOf(context), startedAt);
      return outbox.fail(slotOf(context), task, -1, error);
    }
    caller.enter(undefined);
    end(context);
    // It may have another number by now: see `Children`.
    const said = slotOf(context);
    outbox.times.end(said, startedAt);
    outbox.succeed(said, result);
  }

  /**
   * A task that does not end at once: it takes one of the places until one of two calls.
   *
   * @param begunAt See `TaskTimes.start()`.
   */
  #wait(task: LocalTask, context: Context, begunAt: number): Ends {
    const startedAt = clock.now();
    this.places.take(context);
    this.#caller.pause();
    const ended = () => {
      this.#caller.leave(context);
      this.#outbox.times.end(slotOf(context), begunAt);
      return task.nanoseconds = toNanoseconds(clock.now() - startedAt, 1);
    };
    return {
      succeed: (value) => {
        if (!this.places.leave(context)) return;
        this.#outbox.succeed(slotOf(context), value, ended());
        this.drain();
      },
      fail: (error) => {
        if (!this.places.leave(context)) return;
        this.#outbox.fail(slotOf(context), task, ended(), error);
        this.drain();
      },
    };
  }

  /** A task whose function must be loaded first; that is part of its run. */
  #runLater(
    task: LocalTask,
    context: Context,
    args: Row,
    at: number,
    arity: number,
    startedAt: number,
  ): void {
    const caller = this.#caller;
    const { succeed, fail } = this.#wait(task, context, startedAt);
    this.#load(task, context, (call) => {
      let result: unknown;
      caller.enter(context);
      try {
        result = caller.call(call, context, args, at, arity);
        if (isThenable(result)) {
          caller.pause();
          return whenSettled(result, succeed, fail);
        }
      } catch (error) {
        return fail(error);
      }
      succeed(result);
    }, fail);
  }

  /** Loads the function of a task that has its place; what was submitted later begins after it has. */
  #load(
    task: LocalTask,
    context: Context,
    loaded: (call: AnyFunction) => void,
    failed: (error: unknown) => void,
  ): void {
    this.places.load(context);
    this.functions.load(task.wire, (call) => {
      task.call = call;
      loaded(call);
      if (this.places.loaded(context)) this.drain();
    }, failed);
  }

  #runChunk(
    task: LocalTask,
    flags: number,
    slot: number,
    args: Row,
    first: number,
    arity: number,
    count: number,
  ): void {
    const outbox = this.#outbox;
    if (task.nanoseconds < 0 || task.nanoseconds * count >= SHORT_NANOSECONDS) outbox.flush();
    if ((flags & FLAG_NOTIFY) !== 0) outbox.started(slot);
    const context = new Context(this, slot);
    const run = new ChunkRun(this.#runTools, task, context, slot, args, first, arity, count);
    let call: AnyFunction | undefined;
    let pending: PromiseLike<unknown> | undefined;
    try {
      call = task.call ?? this.functions.findNow(task.wire);
      if (call !== undefined) {
        task.call = call;
        pending = run.run(call);
        if (pending === undefined) return run.finish();
      }
    } catch (error) {
      return outbox.fail(slot, task, -1, error);
    }
    this.places.take(context);
    const ended = (): void => {
      if (!this.places.leave(context)) return;
      run.finish();
      this.drain();
    };
    if (call !== undefined) return run.wait(call, pending, ended);
    this.#load(task, context, (loaded) => run.wait(loaded, run.run(loaded), ended), (error) => {
      if (!this.places.leave(context)) return;
      outbox.fail(slot, task, -1, error);
      this.drain();
    });
  }
}
