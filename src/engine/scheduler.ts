// Length: one state machine; what stands alone is in the files beside it (see README.md).

import type {
  ChunkSource,
  ExecutorStats,
  OpenInput,
  TaskBackend,
  TaskLimits,
} from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import {
  BrokenExecutorError,
  CancelledError,
  QueueFullError,
  SerializationError,
  ShutdownError,
  WorkerCrashError,
} from "../futures/errors.ts";
import { MAX_DELAY } from "../futures/deadline.ts";
import type { TimeoutError } from "../futures/errors.ts";
import type { Future } from "../futures/future.ts";
import type { Capabilities } from "../runtime/runtime.ts";
import { ChunkSupply } from "./chunk_supply.ts";
import { dispatch, moves } from "./dispatch.ts";
import { ItemLimits } from "./item_limits.ts";
import { isReply, readReply } from "./replies.ts";
import type { TaskReplies } from "./replies.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import { SilenceWatch } from "./silence_watch.ts";
import type { SilenceOwner } from "./silence_watch.ts";
import { Supervisor } from "./supervisor.ts";
import type { SupervisorOwner } from "./supervisor.ts";
import { TaskQueue } from "./task_queue.ts";
import { MAX_WINDOW, TaskRegistry } from "./task_registry.ts";
import { discard, ItemControl, WorkItem } from "./work_item.ts";
import type { WorkItemOwner } from "./work_item.ts";
import { WorkerList } from "./worker_list.ts";
import { describeEnd } from "./worker_slot.ts";
import type { WorkerEnd, WorkerSlot } from "./worker_slot.ts";

/**
 * Silence of a worker, in milliseconds, after which what was sent ahead to it is run elsewhere
 * before younger tasks. Less would take back what is about to run whenever the machine is busy,
 * more delays what waits behind a long task.
 */
const STALLED_AFTER = 10;

/** The one scheduler: takes tasks, hands them to workers, settles futures. README.md tells how. */
export class Scheduler
  implements TaskBackend, WorkItemOwner, TaskReplies, SupervisorOwner, SilenceOwner {
  readonly notifiesStarts: boolean;
  readonly #options: SchedulerOptions;
  readonly #tasks: TaskRegistry;
  readonly #supervisor: Supervisor;
  readonly #silence: SilenceWatch;
  readonly #limits: ItemLimits;
  readonly #queue = new TaskQueue();
  readonly #workers: ReadonlySet<WorkerSlot>;
  /** Live workers with room for one more task. */
  readonly #room = new WorkerList();

  #sequence = 0;
  /** Futures that are not settled. */
  #outstanding = 0;
  /** Settles what `waitUntil` was given. */
  #allDone: (() => void) | undefined = undefined;
  #pumpScheduled = false;
  /** The lowest priority that may be among the tasks sent ahead. */
  #aheadPriority = Infinity;

  #closed = false;
  /** Nobody can submit any more, but inputs of `map` that are read. */
  #abandoned = false;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;

  /** Inputs of `map` that are still read. */
  readonly #inputs = new Set<OpenInput>();
  /** Workers that have tasks which are no longer wanted. */
  readonly #asking = new Set<WorkerSlot>();
  #exitWaiters: (() => void)[] = [];
  #roomWaiters: (() => void)[] = [];

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.notifiesStarts = options.maxPending !== undefined;
    this.#tasks = new TaskRegistry(options.inThread);
    const initializer = options.initializer === undefined
      ? undefined
      : this.#tasks.entry(options.initializer.task).wire;
    this.#supervisor = new Supervisor(this, options, initializer);
    this.#workers = this.#supervisor.workers;
    this.#silence = new SilenceWatch(this, options.grace);
    this.#limits = new ItemLimits(this, this.#silence, options.grace);
  }

  // --- what executors call ---

  /** What the executor is called. */
  get name(): string {
    return this.#options.executorName;
  }

  /** Whether tasks are taken, and if not, why. */
  get state(): "open" | "shut down" | "broken" {
    if (this.#supervisor.broken !== undefined) return "broken";
    return this.#closed ? "shut down" : "open";
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
    const { runtime, worker, memory } = this.#options;
    const capabilities = runtime.capabilitiesOf?.(worker) ?? runtime.capabilities;
    const sharedMemory = memory === "local" ? capabilities.sharedMemory : memory === "shared";
    return { ...capabilities, sharedMemory };
  }

  /** Throws if no task can be taken: broken first, then shut down. */
  checkOpen(): void {
    if (this.#supervisor.broken !== undefined) throw this.#supervisor.brokenError();
    if (this.#closed) {
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
    const { maxPending } = this.#options;
    if (maxPending !== undefined && this.#pending() >= maxPending) {
      throw new QueueFullError(
        `Cannot submit a task to ${this.#options.executorName}: ${maxPending} tasks are pending; ` +
          `await ready() first`,
      );
    }
    return this.#enqueue(new WorkItem(this, entry, args), limits);
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
    return this.#enqueue(new WorkItem(this, entry, args, items), limits);
  }

  /** Queues a whole `map`, to be cut into chunks. The future tells when all are cut. */
  submitSupply(
    task: unknown,
    source: ChunkSource,
    limits: TaskLimits | undefined,
  ): Future<unknown> {
    this.checkOpen();
    const entry = this.#tasks.entry(task);
    return this.#enqueue(new ChunkSupply(this, entry, source, limits), limits);
  }

  #enqueue(item: WorkItem, limits: TaskLimits | undefined): Future<unknown> {
    this.#count(item);
    const context = this.#options.captureContext?.();
    if (context !== undefined) (item.control ??= new ItemControl()).context = context;
    if (limits?.priority !== undefined) {
      item.control ??= new ItemControl();
      item.control.priority = limits.priority;
    }
    this.#queue.push(item);
    if (limits !== undefined) this.#applyLimits(item, limits);
    this.#schedulePump();
    return item.future;
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

  /** One future more that is not settled. */
  #count(item: WorkItem): void {
    if (this.#outstanding === 0) {
      this.#options.waitUntil?.(new Promise<void>((resolve) => this.#allDone = resolve));
    }
    item.sequence = this.#sequence++;
    this.#outstanding++;
  }

  /** One less. */
  #uncount(item: WorkItem): void {
    this.#limits.ended(item);
    if (--this.#outstanding > 0) return;
    this.#tasks.rest();
    this.#checkAbandoned();
    this.#allDone?.();
  }

  discard(future: Future<unknown>): void {
    discard(future);
  }

  /** From now until `inputClosed` an input is stopped when what is pending is cancelled. */
  inputOpened(input: OpenInput): void {
    this.#inputs.add(input);
  }

  inputClosed(input: OpenInput): void {
    this.#inputs.delete(input);
    this.#checkAbandoned();
  }

  /** Runs a task once on every live worker; those that start run it when they have. */
  broadcast(task: unknown, args: readonly unknown[]): Promise<unknown[]> {
    this.checkOpen();
    const entry = this.#tasks.entry(task);
    const results: Promise<unknown>[] = [];
    for (const worker of [...this.#workers]) {
      if (worker.state === "stopping") continue;
      const item = new WorkItem(this, entry, args);
      item.control = new ItemControl();
      item.control.pinned = true;
      item.long = true;
      this.#count(item);
      results.push(item.future.result());
      worker.backlog.push(item);
      worker.setReferenced(true);
      if (worker.state === "live") this.#sendBacklog(worker);
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
    return new Promise((resolve) => {
      this.#roomWaiters.push(resolve);
      this.#checkReady();
    });
  }

  /** Whether there is nothing to do. */
  get isIdle(): boolean {
    return this.#outstanding === 0;
  }

  stats(): ExecutorStats {
    const pending = this.#pending();
    let idle = 0;
    for (const worker of this.#workers) {
      if (worker.state === "live" && worker.inFlight === 0) idle++;
    }
    return {
      workers: this.#workers.size,
      idle,
      pending,
      running: this.#outstanding - pending,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
      crashed: this.#supervisor.crashed,
    };
  }

  /** Takes no more tasks; resolves when all are done and all workers have ended. */
  shutdown(cancelFutures: boolean): Promise<void> {
    this.#close();
    if (cancelFutures) this.#cancelPending(undefined);
    this.#checkReady();
    return this.#whenEnded();
  }

  /** Ends all: pending tasks are cancelled, running ones fail. */
  terminate(): Promise<void> {
    this.#close();
    this.#cancelPending(undefined);
    for (const worker of [...this.#workers]) {
      for (const item of [...worker.itemsInFlight(), ...worker.backlog]) {
        this.#settle(
          item,
          new BrokenExecutorError(
            `Cannot finish task "${item.task.name}": ${this.#options.executorName} was terminated`,
          ),
        );
      }
      worker.backlog = [];
      if (worker.state === "initializing") this.#supervisor.stop(worker);
    }
    this.#supervisor.dismissAll();
    this.#checkReady();
    return this.#whenEnded();
  }

  /** Nobody can reach the executor any more: when all is done, its workers end, as in Python. */
  abandon(): void {
    this.#abandoned = true;
    this.#checkAbandoned();
  }

  #checkAbandoned(): void {
    if (this.#abandoned) clock.queueMicrotask(() => this.#checkEnd());
  }

  #close(): void {
    this.#closed = true;
    this.#supervisor.close();
  }

  // --- queue -> workers ---

  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    clock.queueMicrotask(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  /** Starts the workers that the queue asks for and gives work to those that have room. */
  #pump(): void {
    this.#makeWayForPriority();
    this.#startWorkers();
    for (;;) {
      const worker = this.#room.first;
      if (worker === undefined || this.#queue.length === 0 || !this.#feed(worker)) break;
    }
    if (this.#roomWaiters.length > 0) this.#checkReady();
  }

  #startWorkers(): void {
    const supervisor = this.#supervisor;
    if (supervisor.free <= 0 || this.#queue.length === 0) return;
    const first = this.#queue.first;
    const queued = first instanceof ChunkSupply ? first.source.remaining : this.#queue.length;
    let wanted = queued - supervisor.starting - this.#room.countIdle(queued);
    while (wanted-- > 0 && supervisor.free > 0) supervisor.start();
  }

  /** Gives a worker its share of the queue. False if nothing fits. */
  #feed(worker: WorkerSlot): boolean {
    const queue = this.#queue;
    const { live } = this.#supervisor;
    const share = shareOf(queue.length, live);
    const batch: WorkItem[] = [];
    for (let item = queue.first; item !== undefined; item = queue.first) {
      if (item instanceof ChunkSupply) {
        const size = item.nextSize(live);
        const chunks = batch.length + Math.ceil(item.source.remaining / size);
        if (batch.length >= shareOf(chunks, live) || !this.#fits(worker, item, size)) break;
        const chunk = this.#cut(worker, item, size);
        if (!chunk.done) batch.push(chunk);
      } else {
        if (batch.length >= share || !this.#fits(worker, item, item.chunk)) break;
        queue.shift();
        this.#assign(worker, item);
        batch.push(item);
      }
    }
    if (batch.length === 0) return false;
    this.#send(worker, batch);
    return true;
  }

  /** Cuts a chunk off a `map` for a worker. */
  #cut(worker: WorkerSlot, supply: ChunkSupply, size: number): WorkItem {
    const chunk = supply.cut(size);
    this.#outstanding++;
    if (supply.limits !== undefined) {
      try {
        this.#limits.apply(chunk, supply.limits);
      } catch (error) {
        this.#settle(chunk, error);
      }
      if (chunk.aborted !== undefined) this.#settle(chunk, chunk.aborted.reason);
    }
    if (!chunk.done) this.#assign(worker, chunk);
    supply.source.chunkMade(chunk.future, size);
    if (supply.source.remaining === 0) {
      this.#queue.remove(supply);
      this.#uncount(supply);
      supply.setResult(undefined);
    }
    return chunk;
  }

  #fits(worker: WorkerSlot, item: WorkItem, items: number): boolean {
    if (worker.remaining <= 0 || !worker.hasSlot || worker.isAsked) return false;
    if (worker.inFlight < this.#options.tasksPerWorker) return true;
    return worker.sendsAhead && worker.longs === 0 &&
      worker.inFlight < item.task.window(items) && !moves(item);
  }

  #assign(worker: WorkerSlot, item: WorkItem): void {
    item.long = item.task.window(item.chunk) === 1 || (item.control?.alone ?? false);
    worker.assign(item);
    if (worker.inFlight > this.#options.tasksPerWorker) {
      this.#aheadPriority = Math.min(this.#aheadPriority, item.priority);
    }
  }

  #send(worker: WorkerSlot, batch: readonly WorkItem[]): void {
    if (worker.heardAt === 0) worker.heardAt = clock.now();
    if (worker.idleTimer !== undefined) {
      clock.clearTimeout(worker.idleTimer);
      worker.idleTimer = undefined;
    }
    worker.setReferenced(true);
    this.#updateRoom(worker);
    dispatch(worker, batch, (item, error) => {
      this.#settle(item, error);
      // Whatever else goes on, the worker may be idle now, and it will not say so.
      clock.queueMicrotask(() => this.#afterReply(worker));
    });
    if (this.#options.inThread) return;
    for (const item of batch) {
      const timeout = item.control?.timeout;
      if (timeout !== undefined && !item.done) this.#silence.sent(worker, item, timeout);
    }
  }

  #sendBacklog(worker: WorkerSlot): void {
    const items: WorkItem[] = [];
    while (items.length < worker.backlog.length && worker.hasSlot) {
      const item = worker.backlog[items.length]!;
      worker.assign(item);
      items.push(item);
    }
    if (items.length === 0) return;
    worker.backlog = worker.backlog.slice(items.length); // for the rest there is no slot yet
    this.#send(worker, items);
  }

  /** Keeps the lists right after a worker's load has changed. */
  #updateRoom(worker: WorkerSlot): void {
    if (
      worker.state === "live" && worker.inFlight < this.#options.tasksPerWorker &&
      worker.remaining > 0 && !worker.isAsked
    ) {
      this.#room.add(worker);
    } else this.#room.remove(worker);
  }

  /** A worker settled something, or began to live: it gets more, or takes from another. */
  #afterReply(worker: WorkerSlot): void {
    if (worker.state !== "live") return;
    if (worker.backlog.length > 0) this.#sendBacklog(worker);
    this.#updateRoom(worker);
    if (this.#queue.length > 0) {
      this.#recallStalled(worker);
      const next = this.#queue.first!;
      const window = next instanceof ChunkSupply ? MAX_WINDOW : next.task.window(next.chunk);
      if (2 * worker.inFlight <= window) this.#feed(worker);
      this.#pump();
    } else if (worker.inFlight < this.#options.tasksPerWorker) this.#steal(worker);
    if (worker.inFlight === 0 && !worker.isAsked) this.#idle(worker);
  }

  #idle(worker: WorkerSlot): void {
    worker.heardAt = 0;
    worker.setReferenced(false);
    if (worker.remaining <= 0) this.#supervisor.dismiss(worker);
    else if (this.#isEnding) this.#checkEnd();
    else if (this.#options.idleTimeout !== undefined && worker.idleTimer === undefined) {
      this.#dismissAfter(worker, this.#options.idleTimeout);
    }
  }

  #dismissAfter(worker: WorkerSlot, milliseconds: number): void {
    const now = Math.min(milliseconds, MAX_DELAY);
    worker.idleTimer = this.#options.runtime.timer(() => {
      if (milliseconds > now) this.#dismissAfter(worker, milliseconds - now);
      else this.#supervisor.dismiss(worker);
    }, now);
  }

  // --- taking back what was sent ahead ---

  /** Half of what the most loaded worker has not begun goes to one that has nothing to do. */
  #steal(thief: WorkerSlot): void {
    if (this.#outstanding < 2) return;
    // What is sent beyond the places of a worker waits there for sure; with several places, what
    // is sent within them waits only if a task blocks the thread, which only an idle thief asks.
    const settled = thief.inFlight === 0 ? 1 : this.#options.tasksPerWorker;
    let victim: WorkerSlot | undefined;
    let most = settled;
    for (const worker of this.#workers) {
      if (worker.inFlight > most && worker !== thief && worker.state === "live") {
        victim = worker;
        most = worker.inFlight;
      }
    }
    if (victim === undefined) return;
    const ahead = victim.inFlight - settled;
    const wanted = Math.min(Math.ceil(ahead / 2), thief.remaining);
    if (victim.claims.table === undefined) {
      if (!victim.isAsked) this.#askBack(victim, wanted);
      return;
    }
    const taken = victim.revokeLast(wanted).reverse();
    if (taken.length === 0) return;
    this.#updateRoom(victim);
    for (const item of taken) this.#assign(thief, item);
    this.#send(thief, taken);
  }

  /**
   * What waits behind a long task of another worker is older than the queue: it goes first. Once
   * for each silence: what was taken back in error must not wander between the workers.
   */
  #recallStalled(fed: WorkerSlot): void {
    if (this.#aheadPriority === Infinity) return;
    const before = fed.heardAt - STALLED_AFTER;
    let ahead = false;
    for (const worker of this.#workers) {
      if (worker.inFlight <= this.#options.tasksPerWorker) continue;
      ahead = true;
      if (worker === fed || worker.recalled || worker.heardAt > before) continue;
      worker.recalled = true;
      this.#recall(worker);
    }
    // With nothing ahead anywhere, as with long tasks, the next reply need not look.
    if (!ahead) this.#aheadPriority = Infinity;
  }

  /** Tasks sent ahead make way for a task of higher priority. */
  #makeWayForPriority(): void {
    const priority = this.#queue.first?.priority;
    if (priority === undefined || priority <= this.#aheadPriority) return;
    this.#aheadPriority = Infinity;
    for (const worker of this.#workers) {
      this.#recall(worker, (item) => item.priority < priority && !item.moved);
    }
  }

  #recall(worker: WorkerSlot, which?: (item: WorkItem) => boolean): void {
    if (worker.inFlight <= this.#options.tasksPerWorker) return;
    if (worker.claims.table === undefined) return this.#askBack(worker, worker.inFlight, which);
    for (const item of worker.revokeLast(worker.inFlight, which)) this.#queue.restore(item);
    this.#updateRoom(worker);
  }

  /** Where there is no claim table: what comes back goes to its place in the queue. */
  #askBack(worker: WorkerSlot, most: number, which?: (item: WorkItem) => boolean): void {
    worker.askBack(most, which);
    this.#updateRoom(worker);
  }

  // --- what the supervisor tells ---

  received(worker: WorkerSlot, message: unknown): void {
    if (worker.state === "dead" || !isReply(worker, message)) return;
    worker.heardAt = clock.now();
    worker.recalled = false;
    try {
      readReply(worker, message, this, this.#supervisor);
      if (worker.stopAnswerTimer !== undefined && !worker.isAsked) worker.stopAnswerTimer();
      this.#afterReply(worker);
    } catch (breach) {
      // Whatever it is, it comes of what the worker said, and nobody hears what is thrown from here.
      this.#supervisor.workerStrayed(worker, breach);
    }
    this.#checkEnd();
  }

  workerLives(worker: WorkerSlot): void {
    this.#sendBacklog(worker);
  }

  workerLeaves(worker: WorkerSlot): void {
    this.#room.remove(worker);
    for (const item of worker.revokeLast(worker.inFlight)) this.#queue.restore(item);
    if (this.#queue.length > 0) this.#schedulePump();
  }

  workerDied(worker: WorkerSlot, end: WorkerEnd): void {
    worker.stopAnswerTimer?.();
    const waiting: WorkItem[] = [];
    for (const item of worker.itemsInFlight()) {
      const begun = item.pinned || item.moved || worker.hasBegun(item);
      worker.release(item.slot);
      if (begun) this.#settle(item, crashError(item, end, worker.error));
      else waiting.push(item);
    }
    this.#takeBack(waiting);
    for (const item of worker.backlog) this.#settle(item, crashError(item, end, worker.error));
    worker.backlog = [];
  }

  workerGone(): void {
    if (this.#queue.length > 0) this.#schedulePump();
    this.#checkEnd();
  }

  executorBroke(): void {
    const broken = () => this.#supervisor.brokenError();
    this.#cancelPending(broken);
    for (const worker of this.#workers) {
      for (const item of worker.backlog) this.#settle(item, broken());
      worker.backlog = [];
      if (this.#options.onCrash !== "break") continue;
      for (const item of worker.itemsInFlight()) this.#settle(item, broken());
    }
    this.#checkReady();
  }

  // --- tasks: begin, progress, end ---

  taskStarted(item: WorkItem): void {
    this.#limits.started(item);
    if (this.#roomWaiters.length > 0) this.#checkReady();
  }

  taskReported(item: WorkItem, value: unknown): void {
    this.#limits.reported(item, value);
  }

  taskSucceeded(worker: WorkerSlot, item: WorkItem, value: unknown): void {
    this.#supervisor.taskDone(worker);
    if (item.aborted !== undefined) return this.#settle(item, item.aborted.reason);
    if (item.done) return;
    this.#completed++;
    this.#uncount(item);
    item.setResult(value);
  }

  taskFailed(worker: WorkerSlot, item: WorkItem, error: unknown): void {
    this.#supervisor.taskDone(worker);
    this.#settle(item, error);
  }

  tasksReturned(items: readonly WorkItem[]): void {
    this.#takeBack(items);
    this.#pump(); // those first who have nothing to do
  }

  /** Tasks were sent, and have not begun: they go back to their places in the queue. */
  #takeBack(items: readonly WorkItem[]): void {
    // The last one first: chunks of one `map` have one place.
    for (const item of items.toReversed()) {
      if (item.aborted !== undefined) this.#settle(item, item.aborted.reason);
      else if (this.#supervisor.broken !== undefined) {
        this.#settle(item, this.#supervisor.brokenError());
      } else if (isUnwanted(item)) this.#cancel(item);
      else if (!item.done) this.#queue.restore(item);
    }
  }

  /**
   * Nobody knows what was in the message, but the worker knows what it has: all else is sent anew to
   * others, each task alone, so that the one that cannot be read is found. This worker is replaced.
   */
  messageLost(worker: WorkerSlot, held: ReadonlySet<number>): void {
    if (worker.state === "initializing") return this.#supervisor.setupLost();
    worker.remaining = -Infinity;
    for (const item of worker.itemsInFlight()) {
      if (held.has(item.slot) || !worker.lose(item)) continue;
      const control = item.control ??= new ItemControl();
      if (control.alone || control.pinned || control.moved) {
        this.#settle(
          item,
          new SerializationError(
            `Cannot send the arguments of task "${item.task.name}": the worker could not read them`,
          ),
        );
      } else {
        control.alone = true;
        this.#queue.restore(item);
      }
    }
    this.#updateRoom(worker);
    if (this.#queue.length > 0) this.#schedulePump();
  }

  /**
   * The task of this item has not ended in time after it was aborted: its worker is replaced. This
   * thread cannot be: here the task is only waited for no more, and its place is free.
   */
  taskOverran(item: WorkItem): void {
    const worker = item.worker as WorkerSlot | undefined;
    const aborted = item.aborted;
    if (worker === undefined || aborted === undefined) return;
    this.#settle(item, aborted.reason);
    // What was sent ahead and has not begun, through no fault of its own, may still begin.
    if (!worker.hasBegun(item)) return this.#limits.notBegun(item);
    if (this.#options.inThread) {
      worker.forget(item);
      return this.#afterReply(worker);
    }
    worker.error ??= aborted;
    this.#supervisor.stop(worker);
    this.#checkEnd();
  }

  get hasLiveWorker(): boolean {
    for (const { state } of this.#workers) if (state === "live") return true;
    return false;
  }

  taskUnserved(item: WorkItem, error: TimeoutError): void {
    this.#limits.abandon(item, error);
  }

  workerSilent(worker: WorkerSlot, error: TimeoutError, item: WorkItem | undefined): void {
    if (item !== undefined && !this.#limits.abandon(item, error)) this.#settle(item, error);
    this.#supervisor.workerStrayed(worker, error);
    this.#checkEnd();
  }

  revokeItem(item: WorkItem): boolean {
    const worker = item.worker;
    if (worker === undefined) {
      // It is nowhere while it fails to be sent; its arguments may ask for it meanwhile.
      return !item.pinned && this.#queue.remove(item);
    }
    if (!worker.revoke(item)) return false;
    this.#updateRoom(worker as WorkerSlot);
    return true;
  }

  cancelLater(item: WorkItem): void {
    const worker = item.worker as WorkerSlot | undefined;
    if (worker === undefined || !worker.counts || item.pinned) return;
    (item.control ??= new ItemControl()).unwanted = true;
    if (this.#asking.add(worker).size > 1) return;
    // Many are cancelled at once, with the rest of a `map`: one question for all.
    clock.queueMicrotask(() => {
      for (const asked of this.#asking) {
        this.#askBack(asked, Infinity, isUnwanted);
        this.#silence.asked(asked);
      }
      this.#asking.clear();
    });
  }

  itemCancelled(item: WorkItem): void {
    this.#cancelled++;
    this.#uncount(item);
    if (this.#roomWaiters.length > 0) this.#checkReady();
    if (this.#outstanding === 0 && this.#closed) clock.queueMicrotask(() => this.#checkEnd());
  }

  /** Fails an item, unless it is done. */
  #settle(item: WorkItem, error: unknown): void {
    if (item.done) return item.control?.stopTimer?.();
    this.#failed++;
    this.#uncount(item);
    item.setException(item.aborted === undefined ? error : item.aborted.reason);
  }

  /** Cancels all that has not begun, or fails it. */
  #cancelPending(error: (() => unknown) | undefined): void {
    for (const worker of this.#workers) {
      for (const item of worker.revokeLast(worker.inFlight, () => true)) this.#queue.restore(item);
      if (worker.counts) { for (const item of worker.itemsInFlight()) this.cancelLater(item); }
      this.#updateRoom(worker);
    }
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
      if (error !== undefined) this.#settle(item, error());
      else this.#cancel(item);
    }
    for (const input of [...this.#inputs]) {
      input.stop(
        error?.() ??
          new CancelledError(`Cannot go on with map: ${this.#options.executorName} ended`),
      );
    }
  }

  #cancel(item: WorkItem): void {
    if (item.done) return;
    this.itemCancelled(item);
    item.setCancelled();
  }

  // --- waiters ---

  /** Tasks that have not begun. */
  #pending(): number {
    let pending = this.#queue.length;
    for (const worker of this.#workers) {
      pending += worker.backlog.length;
      if (worker.inFlight > 0) pending += worker.countUnstarted();
    }
    return pending;
  }

  #checkReady(): void {
    const { maxPending } = this.#options;
    if (
      maxPending !== undefined && !this.#isEnding &&
      this.#pending() >= maxPending
    ) return;
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  #whenEnded(): Promise<void> {
    return new Promise((resolve) => {
      this.#exitWaiters.push(resolve);
      this.#checkEnd();
    });
  }

  get #isEnding(): boolean {
    return this.#closed || this.#supervisor.broken !== undefined;
  }

  /** Closed or broken, with nothing left to do: the workers end, and then `shutdown()` resolves. */
  #checkEnd(): void {
    if (this.#outstanding > 0) return;
    // Whoever still waits for `warmUp()` is to be told that it is.
    if (this.#abandoned && this.#inputs.size === 0 && this.#supervisor.starting === 0) {
      this.#close();
    }
    if (!this.#isEnding) return;
    this.#supervisor.dismissAll();
    if (this.#workers.size > 0 || !this.#closed) return;
    for (const resolve of this.#exitWaiters.splice(0)) resolve();
  }
}

/**
 * How many of so many tasks or chunks a worker gets at once. Of a few one each: what is sent ahead may wait
 * behind a task that turns out to be long, and younger ones would begin before it on another worker.
 */
function shareOf(count: number, workers: number): number {
  return count < 2 * workers ? 1 : Math.ceil(count / workers);
}

function isUnwanted(item: WorkItem): boolean {
  return item.control?.unwanted ?? false;
}

function crashError(
  item: WorkItem,
  end: WorkerEnd,
  error: { readonly reason: unknown } | undefined,
): WorkerCrashError {
  return new WorkerCrashError(
    `Cannot finish task "${item.task.name}": its worker ${describeEnd(end)}`,
    error === undefined ? end : { ...end, cause: error.reason },
  );
}
