/**
 * What the model of the scheduler says. It knows of each task when it was submitted, whether and where
 * it ran, and what was done to it; of the executor, whether it was shut down, and who died.
 *
 * - Every future settles. Its state goes pending → running → finished, or pending → cancelled, or
 *   pending → finished (seen late, or the executor broke). Where memory is shared, it is running exactly while
 *   its task runs; where workers count, from when it was sent within their places. Never more run than these.
 * - `cancel()` is true exactly for what is pending or cancelled; what is cancelled never runs. With
 *   workers that count it may be false for what is pending, too, which was sent ahead.
 * - A task runs at most once. It gives its own value or error; or the reason of its abort, for sure if it
 *   was aborted while it ran; or its timeout, not before its time, or because its worker was silent; or `WorkerCrashError`, only if the
 *   worker where it was has died; or `BrokenExecutorError`, only of a broken or terminated executor.
 * - With one worker, tasks of one priority begin in submit order, and at most the places of the worker
 *   go before a task of higher priority.
 * - `submit` refuses exactly if the executor is broken, shut down or full, in this order.
 * - Streams, and tasks that submit tasks: see model_shapes.ts.
 * - `stats()` adds up at every moment. Work that is left has a worker that keeps the program alive;
 *   without work nobody does.
 * - After `shutdown()` no worker lives, no timer is pending, and nobody waits for ever.
 *
 * @module
 */

import {
  BrokenExecutorError,
  type Future,
  QueueFullError,
  ShutdownError,
  type TaskOptions,
  ThreadPoolExecutor,
  TimeoutError,
  WorkerCrashError,
} from "../../mod.ts";
import { outcome } from "../../src/futures/future.ts";
import {
  addFamily,
  type FamilyCall,
  isErrorOfChild,
  readStream,
  type StreamCall,
  type StreamState,
} from "./model_shapes.ts";
import {
  type Kind,
  ModelRuntime,
  type ModelWorker,
  must,
  TASKS,
  valueOf,
  World,
} from "./model_world.ts";
import type { Memory } from "./fake_runtime.ts";

/** How the executor of a program is made. */
export interface Setup {
  readonly memory: Memory;
  readonly maxWorkers: number;
  readonly tasksPerWorker: number;
  readonly onCrash: "replace" | "break";
  readonly maxTasksPerChild: number | undefined;
  readonly idleTimeout: number | undefined;
  readonly maxPending: number | undefined;
  readonly grace: number;
  readonly initializer: "none" | "sync" | "async" | "failing";
  readonly slowExit: boolean;
  /** From how many on tasks wait in rows. */
  readonly rowsFrom: number;
}

/** How a worker is made to die. */
export type Death = "lost" | "flushed" | "error" | "stray" | "unreadable";

/** What is asked of one `map`. */
export interface MapCall {
  readonly kind: Kind;
  readonly size: number;
  readonly chunkSize: number | undefined;
  /** Of an input of unknown length: how much it may read ahead. */
  readonly bufferSize: number | undefined;
  readonly stopAfter: number | undefined;
  readonly settled: boolean;
  readonly abortable: boolean;
}

/** One submitted task. */
interface Tracked {
  readonly index: number;
  readonly kind: Kind;
  readonly future: Future<unknown>;
  readonly priority: number;
  readonly timeout: number | undefined;
  readonly controller: AbortController | undefined;
  /** What is known of it if it is a stream, or submits others. */
  readonly stream: StreamState | undefined;
  readonly family: FamilyCall | undefined;
  state: string;
  cancelled: boolean;
  /** The reason, if it was aborted while it ran. */
  abortedRunning: unknown;
  /** Tasks of lower priority that began after the scheduler knew of this one. */
  overtakenBy: number;
  /** The scheduler has seen it. */
  known: boolean;
}

/** A promise that must settle in the end. */
interface Promised {
  readonly what: string;
  settled: boolean;
}

/** One executor in one world, and what the model knows of both. */
export class Model {
  readonly world: World;
  readonly runtime: ModelRuntime;
  readonly executor: ThreadPoolExecutor;
  readonly #setup: Setup;

  readonly #tasks: Tracked[] = [];
  #open: Tracked[] = [];
  readonly #byIndex = new Map<number, { priority: number; future: Future<unknown> | undefined }>();
  /** How many tasks each worker has begun. */
  readonly #shares = new Map<string, number>();
  readonly #broadcasts = new Set<number>();
  readonly #maps: AbortController[] = [];
  readonly #promised: Promised[] = [];
  #count = 0;
  #ordered = 0;
  readonly #lastBegun = new Map<number, number>();
  #closed = false;
  #cancelledAll = false;
  #terminated = false;
  #broken = false;
  /** Maps and broadcasts have tasks of their own, which `stats()` counts. */
  #onlySubmits = true;
  #mapError: unknown = undefined;
  /** Values of streams that have come: they come in microtasks. */
  #values = 0;
  /** Workers that died before their time, and those that could not be started. */
  #deaths = 0;
  #deathsInRow = 0;
  #wasBreakable = false;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.world = new World(setup.memory);
    this.runtime = new ModelRuntime(setup.memory, setup.slowExit);
    const { maxWorkers, tasksPerWorker, onCrash, grace, initializer } = setup;
    this.executor = new ThreadPoolExecutor({
      runtime: this.runtime,
      maxWorkers,
      tasksPerWorker,
      onCrash,
      grace,
      ...(setup.maxTasksPerChild === undefined ? {} : { maxTasksPerChild: setup.maxTasksPerChild }),
      ...(setup.idleTimeout === undefined ? {} : { idleTimeout: setup.idleTimeout }),
      ...(setup.maxPending === undefined ? {} : { maxPending: setup.maxPending }),
      ...(initializer === "none" ? {} : { initializer: INITIALIZERS[initializer] }),
    });
  }

  // --- commands ---

  submit(kind: Kind, priority: number, abortable: boolean, timeout: number | undefined): void {
    const index = this.#count++;
    const controller = abortable ? new AbortController() : undefined;
    const limits = limitsOf(priority, controller, timeout);
    const executor = limits === undefined ? this.executor : this.executor.with(limits);
    const future = this.#admit(this.#pending, () => executor.submit(TASKS[kind], index));
    if (future !== undefined) this.#track({ index, kind, future, priority, timeout, controller });
  }

  stream(call: StreamCall): void {
    const index = this.#count++;
    const { priority, bufferSize, abortable } = call;
    const state: StreamState = { ...call, made: 0, asked: 0, left: false, closed: false };
    this.world.streams.set(index, state);
    const controller = abortable ? new AbortController() : undefined;
    const executor = this.executor.with({
      ...limitsOf(priority, controller, undefined),
      ...(bufferSize === undefined ? {} : { bufferSize }),
    });
    const stream = this.#admit(
      this.#pending,
      () => executor.stream(TASKS.stream as (index: number) => Generator<number>, index),
    );
    if (stream === undefined) return;
    const { future } = stream;
    const kind = "stream";
    this.#track({ index, kind, future, priority, timeout: undefined, controller, stream: state });
    const read = readStream(state, stream, () => this.#values++).then((result) => {
      must(future.done(), () => `stream ${index} has ended, and is ${future.state}`);
      if (result !== "left") {
        must(show(result) === show(outcome(future)), () => `stream ${index}: ${show(result)}`);
      }
      if (state.closed || state.made === 0) return;
      const name = this.world.runs[index]![0]!.worker;
      const worker = this.runtime.workers.find((worker) => worker.name === name)!;
      must(worker.dead || worker.terminated, () => `stream ${index} goes on after its end`);
    });
    this.#promise("a stream", read.catch((error) => this.#mapError ??= error));
  }

  /** A task that submits others, which may do the same. */
  parent(family: FamilyCall, priority: number, abortable: boolean): void {
    const controller = abortable ? new AbortController() : undefined;
    const limits = limitsOf(priority, controller, undefined);
    const executor = limits === undefined ? this.executor : this.executor.with(limits);
    const isOver = () => this.#byIndex.get(index)!.future!.done();
    const index: number = addFamily(this.world, family, () => this.#count++, isOver);
    const future = this.#admit(this.#pending, () => executor.submit(TASKS.parent, index));
    if (future === undefined) return;
    this.#onlySubmits = false;
    const kind = "parent";
    this.#track({ index, kind, future, priority, timeout: undefined, controller, family });
  }

  get #pending(): number {
    return this.#open.filter(({ future }) => future.state === "pending").length;
  }

  #track(
    submitted:
      & Pick<Tracked, "index" | "kind" | "future" | "priority" | "timeout" | "controller">
      & Partial<Pick<Tracked, "stream" | "family">>,
  ): void {
    const task: Tracked = {
      stream: undefined,
      family: undefined,
      ...submitted,
      state: "pending",
      cancelled: false,
      abortedRunning: undefined,
      overtakenBy: 0,
      known: false,
    };
    this.#tasks.push(task);
    this.#open.push(task);
    this.#byIndex.set(task.index, task);
  }

  /** Submits, or sees that it is refused for the right reason. */
  #admit<T>(pending: number | undefined, submit: () => T): T | undefined {
    const { maxPending } = this.#setup;
    try {
      const result = submit();
      must(!this.#closed, () => "a closed executor took a task");
      must(!this.#broken, () => "a broken executor took a task");
      if (pending !== undefined && maxPending !== undefined && this.#onlySubmits) {
        must(pending < maxPending, () => `took a task although ${pending} were pending`);
      }
      return result;
    } catch (error) {
      if (error instanceof BrokenExecutorError) {
        must(this.#mayBeBroken, () => `broken for no reason: ${error}`);
        this.#broken = true;
      } else if (error instanceof ShutdownError) {
        must(this.#closed && !this.#broken, () => `refused for a wrong reason: ${error}`);
      } else if (error instanceof QueueFullError) {
        must(!this.#closed && !this.#broken, () => `refused for a wrong reason: ${error}`);
        must(maxPending !== undefined && pending !== undefined, () => "full without a limit");
        if (this.#onlySubmits) {
          must(pending >= maxPending, () => `full although only ${pending} are pending`);
        }
      } else throw error;
      return undefined;
    }
  }

  /** Whether there was a reason to give up. */
  get #mayBeBroken(): boolean {
    const { initializer, onCrash } = this.#setup;
    const fatal = onCrash === "break" || initializer !== "none" ? 1 : 3;
    this.#countDeaths();
    return this.#wasBreakable ||= initializer === "failing" || this.#deathsInRow >= fatal;
  }

  #countDeaths(): void {
    let deaths = this.runtime.failed;
    for (const worker of this.runtime.workers as ModelWorker[]) {
      // One that has not heard all, or was not heard, may have been given up for its silence.
      const mayBeSilent = worker.terminated && worker.inbox.length + worker.outbox.length > 0;
      if (worker.dead && worker.struck || mayBeSilent) deaths++;
    }
    this.#deathsInRow += deaths - this.#deaths;
    this.#deaths = deaths;
  }

  cancel(which: number): void {
    const task = this.#pick(this.#tasks, which);
    if (task === undefined) return;
    const before = task.future.state;
    const cancelled = task.future.cancel();
    must(
      cancelled === (before === "pending" || before === "cancelled") ||
        before === "pending" && this.#setup.memory === "counted",
      () => `cancel() of task ${task.index}, ${before}, is ${cancelled}`,
    );
    must(
      task.future.cancelled() === cancelled,
      () => `cancel() of task ${task.index} is ${cancelled}, and it is ${task.future.state}`,
    );
    task.cancelled ||= cancelled;
  }

  abort(which: number): void {
    if (which % 3 === 0) this.#pick(this.#maps, which)?.abort(new Error("abort of a map"));
    const task = this.#pick(this.#open.filter(({ controller }) => controller !== undefined), which);
    if (task === undefined || task.controller!.signal.aborted) return;
    const before = task.future.state;
    const reason = new Error(`abort of task ${task.index}`);
    task.controller!.abort(reason);
    const isSent = this.#setup.memory === "counted" && !task.future.cancelled();
    if (before === "pending" && !isSent) {
      must(task.future.cancelled(), () => `task ${task.index} was aborted before it began`);
      const result = outcome(task.future);
      must(
        result.status === "rejected" && result.reason === reason,
        () => `task ${task.index} does not give the reason of its abort`,
      );
      task.cancelled = true;
    } else if (before !== "cancelled") task.abortedRunning = reason;
  }

  map(call: MapCall): void {
    const { kind, size, chunkSize, bufferSize, stopAfter, settled, abortable } = call;
    const first = this.#count;
    this.#count += size;
    this.#onlySubmits = false;
    const items = Array.from({ length: size }, (_, i) => first + i);
    let read = 0;
    let taken = 0;
    const lazy = function* (): Generator<number> {
      for (const item of items) {
        must(
          read - taken < bufferSize!,
          () => `map has read ${read + 1} items of which ${taken} were taken, with ${bufferSize}`,
        );
        read++;
        yield item;
      }
    };
    const controller = abortable ? new AbortController() : undefined;
    const executor = controller === undefined
      ? this.executor
      : this.executor.with({ signal: controller.signal });
    const iterator = this.#admit(
      undefined,
      () =>
        executor.map(TASKS[kind], bufferSize === undefined ? items : lazy(), {
          ...(chunkSize === undefined ? {} : { chunkSize }),
          ...(bufferSize === undefined ? {} : { bufferSize }),
          ...(settled ? { settled: true } : {}),
        }),
    );
    if (iterator === undefined) return;
    if (controller !== undefined) this.#maps.push(controller);
    if (bufferSize === undefined) {
      for (const item of items) this.#byIndex.set(item, { priority: 0, future: undefined });
    }
    this.#promise(
      "map",
      (async () => {
        try {
          if (stopAfter === 0) return void await iterator.return!();
          for await (const result of iterator) {
            const index = first + taken++;
            const outcome = settled
              ? result as PromiseSettledResult<unknown>
              : { status: "fulfilled" as const, value: result };
            this.#checkItem(index, kind, outcome, controller?.signal);
            if (taken === stopAfter) break;
          }
          if (taken !== stopAfter) {
            must(taken === size, () => `map gave ${taken} results for ${size} items`);
          }
        } catch (reason) {
          if (reason instanceof Error && reason.name === "Violation") throw reason;
          const outcome = { status: "rejected" as const, reason };
          this.#checkItem(first + taken, kind, outcome, controller?.signal);
        }
      })().catch((error) => this.#mapError ??= error),
    );
  }

  /** One result of a map. */
  #checkItem(
    index: number,
    kind: Kind,
    result: PromiseSettledResult<unknown>,
    signal: AbortSignal | undefined,
  ): void {
    const what = () => `item ${index} of a map of ${kind}: ${show(result)}`;
    const runs = this.world.runs[index] ?? [];
    if (result.status === "fulfilled") {
      must(kind !== "failing" && result.value === valueOf(index) && runs.length === 1, what);
      return;
    }
    const { reason } = result;
    if (signal?.aborted && reason === signal.reason) return;
    if (reason instanceof WorkerCrashError) {
      // A neighbour that does not end in time takes its worker along.
      must(this.#deaths > 0 || this.runtime.workers.some(({ terminated }) => terminated), what);
    } else if (reason instanceof BrokenExecutorError) {
      must(this.#terminated || this.#mayBeBroken, what);
    } else if ((reason as Error)?.name === "CancelledError") {
      must(this.#cancelledAll && runs.length === 0, what);
    } else must(kind === "failing" && isOwnError(reason, index) && runs.length === 1, what);
  }

  warmUp(): void {
    const warm = this.#admit(undefined, () => this.executor.warmUp());
    if (warm === undefined) return;
    this.#promise("warmUp()", warm);
  }

  ready(): void {
    const ready = this.#admit(undefined, () => this.executor.ready());
    if (ready !== undefined) this.#promise("ready()", ready);
  }

  broadcast(kind: Kind): void {
    const index = this.#count++;
    this.#onlySubmits = false;
    const results = this.#admit(undefined, () => this.executor.broadcast(TASKS[kind], index));
    if (results !== undefined) this.#promise("broadcast()", results);
    this.#broadcasts.add(index);
  }

  shutdown(cancelFutures: boolean): void {
    const ended = this.executor.shutdown({ cancelFutures });
    this.#closed = true;
    if (cancelFutures) {
      this.#cancelledAll = true;
      must(
        this.#setup.memory === "counted" ||
          this.#open.every(({ future }) => future.state !== "pending"),
        () => "a task is pending after shutdown({ cancelFutures: true })",
      );
    }
    this.#promise("shutdown()", ended);
  }

  terminate(): void {
    const ended = this.executor.terminate();
    this.#closed = this.#cancelledAll = this.#terminated = true;
    must(this.#open.every(({ future }) => future.done()), () => "a task lives after terminate()");
    this.#promise("terminate()", ended);
  }

  load(which: number): void {
    this.#pick(this.runtime.living.filter(({ loaded }) => !loaded), which)?.load();
  }

  receive(which: number): void {
    this.#pick(this.runtime.living.filter(({ moves }) => moves), which)?.receive();
  }

  reply(which: number): void {
    this.#pick(this.runtime.living.filter(({ outbox }) => outbox.length > 0), which)?.reply();
  }

  /** A worker that was terminated is gone at last. */
  exit(which: number): void {
    this.#pick(this.runtime.living.filter(({ terminated }) => terminated), which)?.die(undefined);
  }

  /** An asynchronous task ends. */
  finish(which: number): void {
    const living = new Set(this.runtime.living.map(({ name }) => name));
    const waiting = this.#pick(
      this.world.waiting.filter(({ worker }) => living.has(worker)),
      which,
    );
    if (waiting === undefined) return;
    this.world.waiting.splice(this.world.waiting.indexOf(waiting), 1);
    waiting.end();
  }

  kill(which: number, death: Death): void {
    const worker = this.#pick(this.runtime.living, which);
    if (worker === undefined) return;
    worker.struck = true;
    if (death === "stray" && worker.loaded) worker.uncaughtError(new Error("a stray error"));
    else if (death === "unreadable") worker.events.messageError();
    else {
      if (death === "error") worker.events.error(new Error("died of an error"));
      worker.die(1, death === "flushed");
    }
  }

  failSpawns(count: number): void {
    this.runtime.failures += count;
  }

  /** Lets the microtasks run that are due. */
  async tick(): Promise<void> {
    for (let i = 0; i < 12; i++) await undefined;
    for (const task of this.#open) task.known = true;
  }

  /** Lets everything happen but the passing of time; asynchronous tasks end. */
  async settle(): Promise<void> {
    let rounds = 0;
    for (let moved = true; moved;) {
      moved = false;
      const values = this.#values;
      must(++rounds < 1_000, () => "it never comes to rest");
      await this.tick();
      for (const worker of this.runtime.living) {
        if (!worker.loaded) moved = true;
        worker.load();
        while (worker.receive()) moved = true;
        if (worker.outbox.length > 0) moved = true;
        while (worker.reply());
        if (worker.terminated && !worker.dead) {
          moved = true;
          worker.die(undefined);
        }
      }
      await this.tick();
      const waiting = this.world.waiting.length;
      if (waiting > 0) {
        this.finish(0);
        if (this.world.waiting.length < waiting) moved = true;
      }
      if (this.world.untilNextTimer === 0) {
        this.world.advance(0);
        moved = true;
      }
      if (this.#values > values) moved = true;
      this.check();
    }
  }

  // --- what must hold ---

  /** What must hold at every moment. */
  check(): void {
    if (this.#mapError !== undefined) throw this.#mapError;
    this.#checkOrder();
    const deaths = this.#deaths;
    void this.#mayBeBroken;
    const open: Tracked[] = [];
    let replied = false;
    for (const task of this.#open) {
      this.#checkTask(task);
      if (!task.future.done()) open.push(task);
      else if (this.#checkOutcome(task)) replied = true;
    }
    // A death since the last look may have come after the reply.
    if (replied) this.#deathsInRow = this.#deaths - deaths;
    this.#open = open;
    this.#checkStats();
  }

  #checkTask(task: Tracked): void {
    const { future, index } = task;
    const { state } = future;
    const runs = this.world.runs[index]?.length ?? 0;
    must(runs <= 1, () => `task ${index} ran ${runs} times`);
    if (state !== task.state) {
      must(
        task.state === "pending" || task.state === "running" && (state === "finished" ||
              // Its worker ended while it was on its way.
              this.#setup.memory === "counted" && runs === 0),
        () => `task ${index} went from ${task.state} to ${state}`,
      );
      task.state = state;
    }
    if (state === "pending") must(runs === 0, () => `task ${index} is pending, and has begun`);
    // Of those that count, what was sent within the places is running from then on.
    if (state === "running" && this.#setup.memory === "shared") {
      must(runs === 1, () => `task ${index} is running, and has not begun`);
    }
    if (task.cancelled) must(state === "cancelled", () => `task ${index} was cancelled: ${state}`);
  }

  /** Whether it ended by itself. */
  #checkOutcome(task: Tracked): boolean {
    const { future, index, kind } = task;
    const run = this.world.runs[index]?.[0];
    const result = outcome(future);
    const what = () => `task ${index} (${kind}, ran ${run === undefined ? 0 : 1}): ${show(result)}`;
    if (future.cancelled() && result.status === "rejected" && neverBegun(result.reason)) {
      must(run === undefined && task.timeout !== undefined, what);
    } else if (future.cancelled()) {
      const left = task.stream?.left ?? false;
      must(run === undefined && (task.cancelled || this.#cancelledAll || left), what);
    } else if (task.abortedRunning !== undefined) {
      must(result.status === "rejected", what);
      // Its timeout may have come first.
      const { reason } = result as { reason: unknown };
      if (reason instanceof TimeoutError || task.stream?.left && isCancelled(reason)) {
        this.#checkError(task, reason, run, what);
      } else must(reason === task.abortedRunning, what);
    } else if (result.status === "fulfilled") {
      must(run !== undefined && !fails(task) && result.value === valueOf(index), what);
      return true;
    } else return this.#checkError(task, result.reason, run, what);
    return false;
  }

  #checkError(
    task: Tracked,
    reason: unknown,
    run: { worker: string; at: number } | undefined,
    what: () => string,
  ): boolean {
    if (neverBegun(reason)) {
      // Where nothing tells it, it may have begun all the same.
      must(task.timeout !== undefined, what);
      must(run === undefined || this.#setup.memory === "none", what);
    } else if (reason instanceof TimeoutError) {
      must(run !== undefined && task.timeout !== undefined, what);
      must(this.world.now - run.at >= task.timeout, what);
    } else if (reason instanceof WorkerCrashError) {
      must(run !== undefined || this.#setup.memory === "none", what);
      const worker = this.runtime.workers.find(({ name }) => name === run?.worker);
      // It may have come from a child, whose worker has died.
      if (task.family === undefined) must(worker === undefined || worker.dead, what);
      else must(this.runtime.workers.some(({ dead }) => dead), what);
    } else if (reason instanceof BrokenExecutorError || isBrokenChild(task, reason)) {
      must(this.#terminated || this.#mayBeBroken, what);
    } else if (isCancelled(reason)) {
      const { stream, family } = task;
      must(stream?.left || family !== undefined && (this.#cancelledAll || cancels(family)), what);
    } else {
      const isOwn = fails(task) && isOwnError(reason, task.index);
      must(run !== undefined && (isOwn || isErrorOfChild(this.world, task.index, reason)), what);
      return true;
    }
    return false;
  }

  /** With one worker the order is known; no worker runs more than it may. */
  #checkOrder(): void {
    const { order, runs } = this.world;
    const { maxWorkers, tasksPerWorker, maxTasksPerChild = Infinity } = this.#setup;
    for (; this.#ordered < order.length; this.#ordered++) {
      const index = order[this.#ordered]!;
      const task = this.#byIndex.get(index);
      if (task === undefined) continue;
      const { worker } = runs[index]![0]!;
      const share = (this.#shares.get(worker) ?? 0) + (task.future === undefined ? 0 : 1);
      this.#shares.set(worker, share);
      must(share <= maxTasksPerChild, () => `worker ${worker} runs ${share} tasks`);
      if (maxWorkers > 1) continue;
      // Items of a chunk do not keep together where several tasks run at once.
      if (task.future === undefined && tasksPerWorker > 1) continue;
      const last = this.#lastBegun.get(task.priority) ?? -1;
      must(last < index, () => `task ${index} began after task ${last} of the same priority`);
      this.#lastBegun.set(task.priority, index);
      // Workers that count have begun before they hear that something goes first.
      if (task.future === undefined || this.#setup.memory === "counted") continue;
      for (const other of this.#open) {
        if (!other.known || other.priority <= task.priority) continue;
        if (this.world.runs[other.index] !== undefined || other.future.done()) continue;
        must(
          ++other.overtakenBy <= tasksPerWorker,
          () => `${other.overtakenBy} tasks of lower priority began before task ${other.index}`,
        );
      }
    }
  }

  #checkStats(): void {
    const stats = this.executor.stats();
    const living = this.runtime.living.length;
    const places = this.#setup.maxWorkers * this.#setup.tasksPerWorker;
    const what = () => `stats() are ${JSON.stringify(stats)}, with ${this.#open.length} open tasks`;
    must(stats.workers === living && living <= this.#setup.maxWorkers, what);
    must(stats.idle <= stats.workers && stats.pending >= 0 && stats.running >= 0, what);
    must(stats.waiting <= this.world.families.size, what);
    // What is broadcast goes to a worker beside what it has.
    if (this.#broadcasts.size === 0) must(stats.running <= places, what);
    if (!this.#onlySubmits) return;
    const done = { completed: 0, failed: 0, cancelled: 0 };
    for (const { future } of this.#tasks) {
      if (future.cancelled()) done.cancelled++;
      else if (future.done()) {
        outcome(future).status === "fulfilled" ? done.completed++ : done.failed++;
      }
    }
    must(
      stats.completed === done.completed && stats.failed === done.failed &&
        stats.cancelled === done.cancelled,
      () => `${what()}; counted ${JSON.stringify(done)}`,
    );
    const running = this.#open.filter(({ future }) => future.state === "running").length;
    must(stats.running === running && stats.pending === this.#open.length - running, what);
  }

  /** After `settle()`: without work nobody keeps the program alive. */
  checkIdle(): void {
    if (this.#open.length > 0 || this.#promised.some(({ settled }) => !settled)) return;
    const busy = this.runtime.living.filter(({ referenced }) => referenced);
    must(busy.length === 0, () => `${busy.length} idle workers keep the program alive`);
  }

  /** After `tick()`: work that is left has somebody who keeps the program alive. */
  checkAlive(): void {
    this.check();
    const { maxPending } = this.#setup;
    const pending = this.#open.filter(({ future }) => future.state === "pending").length;
    if (this.#onlySubmits && maxPending !== undefined && pending < maxPending) {
      must(
        this.#promised.every(({ what, settled }) => settled || what !== "ready()"),
        () => `ready() is pending with ${pending} pending tasks`,
      );
    }
    if (this.#open.length === 0) return;
    must(
      this.runtime.living.some(({ referenced }) => referenced),
      () => `nobody keeps the program alive, with ${this.#open.length} open tasks`,
    );
  }

  /** Lets everything end, and looks at what is left. */
  async end(): Promise<void> {
    await this.tick();
    if (!this.#closed) this.shutdown(false);
    // Nobody needs time for this: no timer has to help.
    await this.settle();
    this.check();
    for (const { future, index } of this.#open) {
      must(false, () => `task ${index} is ${future.state} for ever`);
    }
    for (const { what, settled } of this.#promised) {
      must(settled, () => `${what} is pending for ever`);
    }
    this.world.runs.forEach((runs, index) => {
      const workers = new Set(runs.map(({ worker }) => worker));
      must(
        runs.length === (this.#broadcasts.has(index) ? workers.size : 1),
        () => `task ${index} ran ${runs.length} times`,
      );
    });
    const stats = this.executor.stats();
    must(
      stats.workers + stats.pending + stats.running + stats.waiting === 0,
      () => `after the end stats() are ${JSON.stringify(stats)}`,
    );
    const { living } = this.runtime;
    must(living.length === 0, () => `${living.length} workers live after the end`);
    must(this.world.timers === 0, () => `${this.world.timers} timers are pending after the end`);
    this.submit("quick", 0, false, undefined);
  }

  #promise(what: string, promise: Promise<unknown>): void {
    const promised: Promised = { what, settled: false };
    this.#promised.push(promised);
    const settled = () => void (promised.settled = true);
    promise.then(settled, settled);
  }

  #pick<T>(from: readonly T[], which: number): T | undefined {
    return from[which % from.length];
  }
}

const INITIALIZERS = {
  sync: function init() {},
  async: async function init() {
    await undefined;
  },
  failing: function init() {
    throw new Error("initializer");
  },
};

/** Options of the executor that a task is submitted to, if it has any. */
function limitsOf(
  priority: number,
  controller: AbortController | undefined,
  timeout: number | undefined,
): TaskOptions | undefined {
  if (priority === 0 && controller === undefined && timeout === undefined) return undefined;
  return {
    priority,
    ...(controller === undefined ? {} : { signal: controller.signal }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/** Whether a task fails by itself. */
function fails({ kind, stream, family }: Tracked): boolean {
  return kind === "failing" || stream?.end === "throws" || family?.waits === "fails";
}

/** Whether any task of a family cancels one of its own. */
function cancels(family: FamilyCall): boolean {
  return family.cancels ||
    family.children.some((child) => typeof child === "object" && cancels(child));
}

function isCancelled(reason: unknown): boolean {
  return reason instanceof Error && reason.name === "CancelledError";
}

function isOwnError(reason: unknown, index: number): boolean {
  return reason instanceof RangeError && reason.message === `task ${index}`;
}

function show(result: PromiseSettledResult<unknown>): string {
  return result.status === "fulfilled" ? `value ${result.value}` : String(result.reason);
}

/** Whether a child failed of the broken executor, and its parent of that: then the error has travelled, as a copy. */
function isBrokenChild({ family }: Tracked, reason: unknown): boolean {
  return family !== undefined && (reason as Error)?.name === "BrokenThreadPoolError";
}

/** The task has a timeout, and its worker was given up before it began. */
function neverBegun(reason: unknown): boolean {
  return reason instanceof TimeoutError && reason.message.startsWith("Cannot begin task");
}
