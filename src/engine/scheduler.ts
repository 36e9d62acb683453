// Length: the whole port, whose two dozen members are a few lines each.

import type {
  ChunkReader,
  ChunkSource,
  ExecutorStats,
  OpenInput,
  TaskBackend,
  TaskLimits,
  ValueFeed,
  ValueSink,
} from "../backend/task_backend.ts";
import { holdsFuture } from "../futures/argument_wait.ts";
import { QueueFullError, ShutdownError } from "../futures/errors.ts";
import { outcome } from "../futures/future.ts";
import type { Future } from "../futures/future.ts";
import type { ExecutorMetrics, Observer } from "../backend/executor_events.ts";
import type { Capabilities, TaskChannel } from "../runtime/runtime.ts";
import { BackPressure } from "./back_pressure.ts";
import { ChunkSupply } from "./chunk_supply.ts";
import { EndedWatch } from "./ended_watch.ts";
import { Ending } from "./ending.ts";
import { Families } from "./families.ts";
import { Feeder } from "./feeder.ts";
import { ItemLimits } from "./item_limits.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import { Settlement } from "./settlement.ts";
import { SilenceWatch } from "./silence_watch.ts";
import { StreamFeed } from "./stream_feed.ts";
import { Supervisor } from "./supervisor.ts";
import { TakeBack } from "./take_back.ts";
import { TaskQueue } from "./task_queue.ts";
import { TaskRegistry } from "./task_registry.ts";
import { Watch } from "./watch.ts";
import { discard, ItemControl, WorkItem } from "./work_item.ts";
import { WorkerEvents } from "./worker_events.ts";
import { WorkerList } from "./worker_list.ts";

/** The one scheduler: takes tasks for the engine, whose parts it puts together. README.md tells how it works. */
export class Scheduler implements TaskBackend {
  readonly #options: SchedulerOptions;
  readonly #watch: Watch;
  readonly #tasks: TaskRegistry;
  readonly #queue: TaskQueue;
  readonly #supervisor: Supervisor;
  readonly #settlement: Settlement;
  readonly #takeBack: TakeBack;
  readonly #limits: ItemLimits;
  readonly #ending: Ending;
  readonly #backPressure: BackPressure;
  readonly #feeder: Feeder;
  readonly #events: WorkerEvents;

  constructor(options: SchedulerOptions) {
    const { executorName, tasksPerWorker, maxPending, grace } = options;
    const watch = this.#watch = new Watch(
      options.name,
      options.metrics ?? false,
      options.taskChannel,
    );
    const tasks = this.#tasks = new TaskRegistry(options.inThread);
    const initializer = options.initializer === undefined
      ? undefined
      : tasks.entry(options.initializer.task).wire;
    const finalizer = options.finalizer === undefined
      ? undefined
      : tasks.entry(options.finalizer).wire;
    const queue = this.#queue = new TaskQueue(tasksPerWorker === 1);
    const room = new WorkerList(tasksPerWorker);
    const supervisor = this.#supervisor = new Supervisor(options, initializer, finalizer);
    const settlement = this.#settlement = new Settlement(options.waitUntil, watch);
    watch.workers = supervisor.workers;
    const silence = new SilenceWatch(grace, supervisor.workers, options.runtime);
    const takeBack = this.#takeBack = new TakeBack(
      tasksPerWorker,
      maxPending !== undefined,
      queue,
      room,
      settlement,
      silence,
      watch,
    );
    const limits = this.#limits = new ItemLimits(takeBack, settlement, silence, grace);
    const ending = this.#ending = new Ending(
      executorName,
      queue,
      supervisor,
      settlement,
      takeBack,
    );
    const backPressure = this.#backPressure = new BackPressure(
      maxPending ?? Infinity,
      queue,
      supervisor.workers,
      ending,
      settlement,
    );
    const parts = {
      options,
      watch,
      queue,
      room,
      supervisor,
      settlement,
      silence,
      takeBack,
      limits,
      ending,
      backPressure,
    };
    this.#options = options;
    this.#feeder = new Feeder(parts);
    const events = this.#events = new WorkerEvents(
      parts,
      this.#feeder,
      new Families(parts, this.#feeder, tasks),
    );
    supervisor.owner = silence.owner = limits.owner = events;
    const look = takeBack.onEnded = (worker) => events.look(worker);
    const endedWatch = new EndedWatch(room, options.runtime, look);
    this.#feeder.endedWatch = endedWatch;
    settlement.listener = {
      allSettled() {
        tasks.rest();
        endedWatch.stop();
        ending.checkSoon();
      },
      itemSettled: () => backPressure.check(),
    };
    queue.lanes.onReady = () => this.#feeder.schedule();
    queue.waiting.owner = {
      argumentsReady: (item) => this.#argumentsReady(item),
      argumentFailed: (item, future) => this.#argumentFailed(item, future),
    };
  }

  /** What the executor is called. */
  get name(): string {
    return this.#options.executorName;
  }

  /** What the executor is called in events. */
  get label(): string {
    return this.#options.name;
  }

  /** Whether tasks are taken, and if not, why. */
  get state(): "open" | "shut down" | "broken" {
    if (this.#supervisor.broken !== undefined) return "broken";
    return this.#ending.closed ? "shut down" : "open";
  }

  /** Workers as the executor tells them: on the caller's own thread, its places. */
  get maxWorkers(): number {
    return this.#options.inThread ? this.#options.tasksPerWorker : this.#options.maxWorkers;
  }

  /** Items that a `map` of unknown length reads ahead, for each item of a chunk. */
  get lookAhead(): number {
    if (this.#options.inThread) return 4 * this.maxWorkers;
    return this.#options.maxWorkers * Math.max(4, this.#options.tasksPerWorker);
  }

  get capabilities(): Capabilities {
    const { runtime, worker } = this.#options;
    return { ...runtime.capabilitiesOf?.(worker) ?? runtime.capabilities };
  }

  /** Throws if no task can be taken: broken first, then shut down. */
  checkOpen(): void {
    if (this.#supervisor.broken !== undefined) throw this.#supervisor.brokenError();
    if (this.#ending.closed) {
      throw new ShutdownError(
        `Cannot submit a task to ${this.#options.executorName}: executor is shut down`,
      );
    }
  }

  /** Throws what is wrong with a task. */
  checkTask(task: unknown): void {
    this.#tasks.entry(task);
  }

  /** Queues a task. */
  submit(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
  ): Future<unknown> {
    this.checkOpen();
    const entry = this.#tasks.entry(task);
    this.#checkRoom();
    if (this.#queue.isDeep && limits === undefined && this.#isPlain(args)) {
      this.#feeder.schedule();
      const row = this.#queue.pushRow(this.#takeBack, entry, args, this.#settlement.addTask());
      this.#watch.events?.submittedInRow(row);
      return row.lastFuture;
    }
    return this.#accept(new WorkItem(this.#takeBack, entry, args), args, limits);
  }

  /** Whether nothing needs to be known of a task that waits but what it is. */
  #isPlain(args: readonly unknown[]): boolean {
    return this.#options.captureContext === undefined && !this.#watch.lookForTools() &&
      !holdsFuture(args);
  }

  /** Queues a task whose values are told as they come. */
  stream(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
    sink: ValueSink,
  ): ValueFeed {
    this.checkOpen();
    const entry = this.#tasks.streamEntry(task);
    this.#checkRoom();
    const item = new WorkItem(this.#takeBack, entry, args);
    const shared = !this.#options.inThread && this.capabilities.sharedMemory;
    const feed = new StreamFeed(item, sink, this.#limits, shared);
    this.#accept(item, args, limits);
    return feed;
  }

  #checkRoom(): void {
    if (!this.#backPressure.isFull) return;
    const { executorName, maxPending } = this.#options;
    throw new QueueFullError(
      `Cannot submit a task to ${executorName}: ${maxPending} tasks are pending; ` +
        `await ready() first`,
    );
  }

  /** Queues one chunk of `map`, whose reader bounds how many there are. */
  submitChunk(
    task: unknown,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
    items: number,
  ): Future<unknown> {
    this.checkOpen();
    const entry = this.#tasks.entry(task);
    return this.#accept(new WorkItem(this.#takeBack, entry, args, items), args, limits);
  }

  /** Queues a whole `map`, to be cut into chunks. The future tells when all are cut. */
  submitSupply(
    task: unknown,
    source: ChunkSource,
    reader: ChunkReader,
    limits: TaskLimits | undefined,
  ): Future<unknown> {
    this.checkOpen();
    const entry = this.#tasks.entry(task);
    const supply = new ChunkSupply(this.#takeBack, entry, source, reader, limits);
    if (this.#watch.lookForTools()) supply.parent = this.#watch.tools.capture();
    return this.#enqueue(supply, limits);
  }

  #accept(
    item: WorkItem,
    args: readonly unknown[],
    limits: TaskLimits | undefined,
  ): Future<unknown> {
    const waits = holdsFuture(args);
    if (this.#watch.lookForTools()) {
      return this.#watch.submit(
        item,
        () => waits ? this.#hold(item, limits) : this.#enqueue(item, limits),
      );
    }
    return waits ? this.#hold(item, limits) : this.#enqueue(item, limits);
  }

  #enqueue(item: WorkItem, limits: TaskLimits | undefined): Future<unknown> {
    this.#take(item, limits);
    this.#queue.push(item);
    if (limits !== undefined) {
      this.#applyLimits(item, limits);
      this.#limits.queued(item);
    }
    this.#feeder.schedule();
    return item.future;
  }

  /** Takes an item that is queued when the futures among its arguments are done. */
  #hold(item: WorkItem, limits: TaskLimits | undefined): Future<unknown> {
    const { waiting } = this.#queue;
    this.#take(item, limits);
    waiting.add(item);
    if (limits !== undefined) this.#applyLimits(item, limits);
    waiting.begin(item);
    return item.future;
  }

  #take(item: WorkItem, limits: TaskLimits | undefined): void {
    this.#settlement.add(item);
    const context = this.#options.captureContext?.();
    if (context !== undefined) (item.control ??= new ItemControl()).context = context;
    if (limits?.priority !== undefined) {
      item.control ??= new ItemControl();
      item.control.priority = limits.priority;
    }
    if (limits?.affinity !== undefined) {
      (item.control ??= new ItemControl()).affinity = limits.affinity;
    }
    this.#watch.events?.submitted(item);
  }

  #argumentsReady(item: WorkItem): void {
    this.#settlement.renew(item);
    this.#queue.push(item);
    this.#limits.queued(item);
    this.#feeder.schedule();
  }

  #argumentFailed(item: WorkItem, future: Future<unknown>): void {
    const { reason } = outcome(future) as { readonly reason: unknown };
    if (future.cancelled()) this.#settlement.cancel(item, reason);
    else this.#settlement.fail(item, reason);
    this.#backPressure.check();
  }

  /** A signal of a user's own making may throw: then `submit` does, and nothing is queued. */
  #applyLimits(item: WorkItem, limits: TaskLimits): void {
    try {
      this.#limits.apply(item, limits);
    } catch (error) {
      if (!item.done) this.#limits.abandon(item, error);
      throw error;
    }
  }

  discard(future: Future<unknown>): void {
    discard(future);
  }

  /** From now until `inputClosed` an input is stopped when what is pending is cancelled. */
  inputOpened(input: OpenInput): void {
    this.#ending.inputOpened(input);
  }

  inputClosed(input: OpenInput): void {
    this.#ending.inputClosed(input);
  }

  /** Runs a task once on every live worker; those that start run it when they have. */
  broadcast(task: unknown, args: readonly unknown[]): Promise<unknown[]> {
    this.checkOpen();
    const entry = this.#tasks.entry(task);
    const results: Promise<unknown>[] = [];
    for (const worker of [...this.#supervisor.workers]) {
      if (worker.state === "stopping") continue;
      const item = new WorkItem(this.#takeBack, entry, args);
      item.control = new ItemControl();
      item.control.pinned = true;
      item.long = true;
      this.#settlement.add(item);
      this.#watch.events?.submitted(item);
      results.push(item.future.result());
      worker.addToBacklog(item);
      if (worker.state === "live") this.#feeder.sendBacklog(worker);
    }
    return Promise.all(results);
  }

  /** Starts all workers; resolves when each has run its initializer. */
  warmUp(): Promise<void> {
    this.checkOpen();
    return this.#supervisor.warmUp();
  }

  /** Resolves when a task more may be submitted under `maxPending`. */
  ready(): Promise<void> {
    this.checkOpen();
    return this.#backPressure.ready();
  }

  /** Whether there is nothing to do. */
  get isIdle(): boolean {
    return this.#settlement.outstanding === 0;
  }

  stats(): ExecutorStats {
    let begun = 0;
    let running = 0;
    for (const worker of this.#supervisor.workers) {
      if (!worker.load.isBusy) continue;
      this.#events.look(worker);
      const count = worker.sent.countRunning();
      begun += count.begun;
      running += count.running;
    }
    const { outstanding, completed, failed, cancelled } = this.#settlement;
    let idle = 0;
    for (const worker of this.#supervisor.workers) {
      if (worker.state === "live" && !worker.load.isBusy) idle++;
    }
    return {
      workers: this.#supervisor.workers.size,
      idle,
      pending: outstanding - begun,
      running,
      waiting: begun - running,
      completed,
      failed,
      cancelled,
      crashed: this.#supervisor.crashed,
    };
  }

  /** Tells what happens from now on; what it returns ends that. */
  observe(observer: Observer): () => void {
    return this.#watch.observe(observer);
  }

  /** Tells a tool of each task from now on; what it returns ends that. */
  trace(tool: TaskChannel): () => void {
    return this.#watch.addTool(tool);
  }

  /** @throws {TypeError} If none are kept. */
  metrics(): ExecutorMetrics {
    const { executorName, tasksPerWorker } = this.#options;
    return this.#watch.summary(executorName, this.#backPressure.pending, tasksPerWorker);
  }

  /** Takes no more tasks; resolves when all are done and all workers have ended. */
  shutdown(cancelFutures: boolean): Promise<void> {
    this.#ending.close();
    if (cancelFutures) this.#ending.cancelPending();
    this.#backPressure.check();
    return this.#ending.whenEnded();
  }

  /** Ends all: pending tasks are cancelled, running ones fail. */
  terminate(): Promise<void> {
    this.#ending.close();
    this.#ending.cancelPending();
    this.#events.terminated();
    this.#backPressure.check();
    return this.#ending.whenEnded();
  }

  /** Nobody can reach the executor any more: when all is done, its workers end, as in Python. */
  abandon(): void {
    this.#ending.abandon();
  }
}
