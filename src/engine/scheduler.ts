// Length: one state machine; what stands alone is in the files beside it (see README.md).

import {
  BrokenExecutorError,
  CancelledError,
  QueueFullError,
  ShutdownError,
  WorkerCrashError,
} from "../futures/errors.ts";
import type { Future } from "../futures/future.ts";
import type { Capabilities, WorkerHandle } from "../runtime/runtime.ts";
import { PROTOCOL, SETUP, STOP } from "../wire/messages.ts";
import type { WireTask, WorkerSetup } from "../wire/messages.ts";
import { ChunkSupply } from "./chunk_supply.ts";
import type { ChunkSource } from "./chunk_supply.ts";
import { dispatch } from "./dispatch.ts";
import { ItemLimits } from "./item_limits.ts";
import type { TaskLimits } from "./item_limits.ts";
import { readReply } from "./replies.ts";
import type { ReplySink } from "./replies.ts";
import type { ExecutorStats, SchedulerOptions } from "./scheduler_options.ts";
import { TaskQueue } from "./task_queue.ts";
import { MAX_WINDOW, TaskRegistry } from "./task_registry.ts";
import { WorkItem } from "./work_item.ts";
import type { WorkItemOwner } from "./work_item.ts";
import { WorkerList } from "./worker_list.ts";
import { WorkerSlot } from "./worker_slot.ts";

/** Worker deaths in a row, without one task completed between them, that break the executor. */
const CRASH_BUDGET = 3;

/**
 * Silence of a worker, in milliseconds, after which what was sent ahead to it is run elsewhere
 * before younger tasks. Less would take back what is about to run whenever the machine is busy,
 * more delays what waits behind a long task.
 */
const STALLED_AFTER = 10;

/** Milliseconds that an idle worker has to end by itself before it is stopped. */
const DISMISS_AFTER = 1_000;

/** The one scheduler: takes tasks, starts workers, hands out work, settles futures. README.md tells how. */
export class Scheduler implements WorkItemOwner, ReplySink {
  readonly notifiesStarts: boolean;
  readonly #options: SchedulerOptions;
  readonly #initializer: WireTask | undefined;
  readonly #tasks: TaskRegistry;
  readonly #limits: ItemLimits;
  readonly #queue = new TaskQueue();
  readonly #workers = new Set<WorkerSlot>();
  /** Live workers with room for one more task. */
  readonly #room = new WorkerList();

  #sequence = 0;
  #workerCount = 0;
  #starting = 0;
  /** Futures that are not settled. */
  #outstanding = 0;
  #pumpScheduled = false;
  /** The lowest priority that may be among the tasks sent ahead. */
  #aheadPriority = Infinity;

  #closed = false;
  #broken: { readonly message: string; readonly cause: unknown } | undefined = undefined;
  #crashesInRow = 0;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #crashed = 0;

  #exitWaiters: (() => void)[] = [];
  #roomWaiters: (() => void)[] = [];
  #warmWaiters: PromiseWithResolvers<void>[] = [];

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.notifiesStarts = options.maxPending !== undefined;
    this.#tasks = new TaskRegistry(options.inThread);
    this.#initializer = options.initializer === undefined
      ? undefined
      : this.#tasks.entry(options.initializer.task).wire;
    this.#limits = new ItemLimits(this, options.grace);
  }

  // --- what executors call ---

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
    return runtime.capabilitiesOf?.(worker) ?? runtime.capabilities;
  }

  /** Throws if no task can be taken: broken first, then shut down. */
  checkOpen(): void {
    if (this.#broken !== undefined) throw this.#brokenError(this.#broken);
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
    return this.#enqueue(new WorkItem(this, entry, args, 0, limits?.priority ?? 0), limits);
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
    return this.#enqueue(new WorkItem(this, entry, args, items, limits?.priority ?? 0), limits);
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
    item.sequence = this.#sequence++;
    this.#outstanding++;
    this.#queue.push(item);
    if (limits !== undefined) this.#limits.apply(item, limits);
    this.#schedulePump();
    return item.future;
  }

  /** Runs a task once on every live worker; those that start run it when they have. */
  broadcast(task: unknown, args: readonly unknown[]): Promise<unknown[]> {
    this.checkOpen();
    const entry = this.#tasks.entry(task);
    const results: Promise<unknown>[] = [];
    for (const worker of [...this.#workers]) {
      if (worker.state === "stopping") continue;
      const item = new WorkItem(this, entry, args, 0, 0);
      item.pinned = true;
      item.long = true;
      item.sequence = this.#sequence++;
      this.#outstanding++;
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
    const warm = Promise.withResolvers<void>();
    this.#warmWaiters.push(warm);
    while (this.#workers.size < this.#options.maxWorkers && this.#broken === undefined) {
      this.#start();
    }
    this.#checkWarm();
    return warm.promise;
  }

  /** Resolves when a task more may be submitted under `maxPending`. */
  ready(): Promise<void> {
    this.checkOpen();
    return new Promise((resolve) => {
      this.#roomWaiters.push(resolve);
      this.#checkReady();
    });
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
      crashed: this.#crashed,
    };
  }

  /** Takes no more tasks; resolves when all are done and all workers have ended. */
  shutdown(cancelFutures: boolean): Promise<void> {
    this.#closed = true;
    if (cancelFutures) this.#cancelPending(undefined);
    this.#checkReady();
    return this.#whenEnded();
  }

  /** Ends all: pending tasks are cancelled, running ones fail. */
  terminate(): Promise<void> {
    this.#closed = true;
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
      if (worker.state !== "stopping") this.#dismiss(worker);
    }
    this.#rejectWarm(new CancelledError("Cannot warm up: executor was terminated"));
    this.#checkReady();
    return this.#whenEnded();
  }

  // --- queue -> workers ---

  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
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
    const free = this.#options.maxWorkers - this.#workers.size;
    if (free <= 0 || this.#queue.length === 0) return;
    const first = this.#queue.first;
    const queued = first instanceof ChunkSupply ? first.source.remaining : this.#queue.length;
    const wanted = queued - this.#starting - this.#room.countIdle(queued);
    for (let i = 0; i < Math.min(wanted, free) && this.#broken === undefined; i++) this.#start();
  }

  /** Gives a worker its share of the queue. False if nothing fits. */
  #feed(worker: WorkerSlot): boolean {
    const queue = this.#queue;
    const live = Math.max(1, this.#workers.size - this.#starting);
    const share = Math.ceil(queue.length / live);
    const batch: WorkItem[] = [];
    for (let item = queue.first; item !== undefined; item = queue.first) {
      if (item instanceof ChunkSupply) {
        const size = item.nextSize(live);
        if (!this.#fits(worker, item, size)) break;
        batch.push(this.#cut(worker, item, size));
      } else {
        if (batch.length >= share || !this.#fits(worker, item, item.chunk)) break;
        queue.remove(item);
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
    this.#assign(worker, chunk);
    if (supply.limits !== undefined) this.#limits.apply(chunk, supply.limits);
    supply.source.chunkMade(chunk.future, size);
    if (supply.source.remaining === 0) {
      this.#queue.remove(supply);
      this.#outstanding--;
      this.#limits.ended(supply);
      supply.setResult(undefined);
    }
    return chunk;
  }

  #fits(worker: WorkerSlot, item: WorkItem, items: number): boolean {
    if (worker.remaining <= 0 || !worker.hasSlot) return false;
    if (worker.inFlight < this.#options.tasksPerWorker) return true;
    return worker.claims.table !== undefined && worker.longs === 0 &&
      worker.inFlight < item.task.window(items);
  }

  #assign(worker: WorkerSlot, item: WorkItem): void {
    item.long = item.task.window(item.chunk) === 1;
    worker.assign(item);
    if (worker.inFlight > this.#options.tasksPerWorker) {
      this.#aheadPriority = Math.min(this.#aheadPriority, item.priority);
    }
  }

  #send(worker: WorkerSlot, batch: readonly WorkItem[]): void {
    if (worker.heardAt === 0) worker.heardAt = performance.now();
    if (worker.idleTimer !== undefined) {
      clearTimeout(worker.idleTimer);
      worker.idleTimer = undefined;
    }
    worker.setReferenced(true);
    this.#updateRoom(worker);
    dispatch(worker, batch, (item, error) => {
      this.#settle(item, error);
      // Whatever else goes on, the worker may be idle now, and it will not say so.
      queueMicrotask(() => this.#afterReply(worker));
    });
  }

  #sendBacklog(worker: WorkerSlot): void {
    const items = worker.backlog;
    if (items.length === 0) return;
    worker.backlog = [];
    for (const item of items) worker.assign(item);
    this.#send(worker, items);
  }

  /** Keeps the lists right after a worker's load has changed. */
  #updateRoom(worker: WorkerSlot): void {
    if (
      worker.state === "live" && worker.inFlight < this.#options.tasksPerWorker &&
      worker.remaining > 0
    ) {
      this.#room.add(worker);
    } else this.#room.remove(worker);
  }

  /** A worker settled something, or began to live: it gets more, or takes from another. */
  #afterReply(worker: WorkerSlot): void {
    if (worker.state !== "live") return;
    this.#updateRoom(worker);
    if (this.#queue.length > 0) {
      this.#recallStalled(worker);
      const next = this.#queue.first!;
      const window = next instanceof ChunkSupply ? MAX_WINDOW : next.task.window(next.chunk);
      if (2 * worker.inFlight <= window) this.#feed(worker);
      this.#pump();
    } else if (worker.inFlight < this.#options.tasksPerWorker) this.#steal(worker);
    if (worker.inFlight === 0) this.#idle(worker);
  }

  #idle(worker: WorkerSlot): void {
    worker.heardAt = 0;
    worker.setReferenced(false);
    if (worker.remaining <= 0) this.#dismiss(worker);
    else if (this.#closed || this.#broken !== undefined) this.#checkEnd();
    else if (this.#options.idleTimeout !== undefined && worker.idleTimer === undefined) {
      worker.idleTimer = this.#options.runtime.timer(
        () => this.#dismiss(worker),
        this.#options.idleTimeout,
      );
    }
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
    for (const worker of this.#workers) this.#recall(worker, (item) => item.priority < priority);
  }

  #recall(worker: WorkerSlot, which?: (item: WorkItem) => boolean): void {
    if (worker.inFlight <= this.#options.tasksPerWorker) return;
    for (const item of worker.revokeLast(worker.inFlight, which)) this.#queue.restore(item);
    this.#updateRoom(worker);
  }

  // --- workers: start, setup, end ---

  #start(): void {
    const options = this.#options;
    const worker = new WorkerSlot(
      `${options.namePrefix}_${this.#workerCount++}`,
      options.memory,
      options.tasksPerWorker,
      options.maxTasksPerChild ?? Infinity,
    );
    this.#workers.add(worker);
    this.#starting++;
    let handle: WorkerHandle;
    try {
      handle = options.runtime.spawn({ ...options.worker, name: worker.name }, {
        message: (data) => this.#received(worker, data),
        error: (reason) => worker.error ??= { reason },
        messageError: () => {
          this.workerStrayed(worker, new Error("A message of the worker could not be read"));
        },
        exit: (exitCode) => this.#exited(worker, exitCode),
      });
    } catch (reason) {
      worker.error = { reason };
      this.#exited(worker, undefined);
      return;
    }
    worker.handle = handle;
    worker.setReferenced(true);
  }

  #received(worker: WorkerSlot, message: unknown): void {
    if (worker.state === "dead" || !Array.isArray(message)) return;
    worker.heardAt = performance.now();
    worker.recalled = false;
    readReply(worker, message, this);
    this.#afterReply(worker);
    this.#checkEnd();
  }

  workerReady(worker: WorkerSlot, protocol: unknown): void {
    if (worker.state === "stopping") return worker.handle.post([STOP]);
    if (worker.state !== "starting") return;
    if (protocol !== PROTOCOL) {
      return this.#break(
        `worker speaks protocol ${protocol} and this side ${PROTOCOL}; use one version of the library`,
        undefined,
      );
    }
    worker.state = "initializing";
    const setup: WorkerSetup = {
      protocol: PROTOCOL,
      name: worker.name,
      claims: worker.claims.table,
      tasksPerWorker: this.#options.tasksPerWorker,
      initializer: this.#initializer === undefined
        ? undefined
        : { task: this.#initializer, args: this.#options.initializer!.args },
    };
    try {
      worker.handle.post([SETUP, setup]);
    } catch (cause) {
      return this.#break("initargs cannot be sent to a worker", cause);
    }
    if (this.#initializer === undefined) this.workerInitialized(worker);
  }

  workerInitialized(worker: WorkerSlot): void {
    if (worker.state !== "initializing") return;
    worker.state = "live";
    this.#starting--;
    this.#sendBacklog(worker);
    this.#checkWarm();
  }

  initializerFailed(_worker: WorkerSlot, error: unknown): void {
    this.#break("initializer failed", error);
  }

  workerStrayed(worker: WorkerSlot, reason: unknown): void {
    worker.error = { reason };
    this.#stop(worker, true);
  }

  /** The worker ends on its own account: where the runtime would not tell, its handle does now. */
  workerExiting(worker: WorkerSlot): void {
    if (worker.state === "stopping") worker.handle.terminate();
    else this.#stop(worker, true);
  }

  /**
   * Lets an idle worker end by itself, with its exit handlers; it is stopped if it does not. One
   * that starts is told when it listens: Deno prints an error if it is stopped before, Bun crashed.
   */
  #dismiss(worker: WorkerSlot): void {
    if (worker.inFlight > 0) return this.#stop(worker);
    const starting = worker.state === "starting";
    this.#leave(worker);
    worker.setReferenced(true); // its end is awaited
    if (!starting) worker.handle.post([STOP]);
    worker.idleTimer = this.#options.runtime.timer(
      () => worker.handle.terminate(),
      DISMISS_AFTER,
    );
  }

  /** Ends a worker now: nothing more begins there; what was sent ahead runs elsewhere. */
  #stop(worker: WorkerSlot, crashed = false): void {
    if (worker.state === "dead" || worker.state === "stopping") return;
    this.#leave(worker);
    worker.crashed = crashed;
    for (const item of worker.revokeLast(worker.inFlight)) this.#queue.restore(item);
    worker.setReferenced(true); // its end is awaited
    worker.handle.terminate();
    if (this.#queue.length > 0) this.#schedulePump();
  }

  /** The worker gets no more work. */
  #leave(worker: WorkerSlot): void {
    if (worker.state !== "live") this.#starting--;
    worker.state = "stopping";
    clearTimeout(worker.idleTimer);
    this.#room.remove(worker);
  }

  #exited(worker: WorkerSlot, exitCode: number | undefined): void {
    if (worker.state === "dead") return;
    const initializing = worker.state === "initializing" && this.#initializer !== undefined;
    const crashed = worker.state !== "stopping" || worker.crashed;
    this.#stopCounting(worker);
    const cause = worker.error === undefined ? undefined : worker.error.reason;
    const code = worker.exitCode ?? exitCode;
    for (const item of worker.revokeLast(worker.inFlight)) this.#queue.restore(item);
    for (const item of [...worker.itemsInFlight(), ...worker.backlog]) {
      worker.release(item.slot);
      this.#settle(item, this.#crashError(item, code, worker.error));
    }
    worker.backlog = [];
    if (crashed) {
      this.#crashed++;
      this.#crashesInRow++;
      const ended = code === undefined ? "" : ` with exit code ${code}`;
      if (initializing) {
        this.#break(`initializer ended its worker${ended}`, cause);
      } else if (this.#options.onCrash === "break") {
        this.#break(`worker died${ended}`, cause);
      } else if (this.#crashesInRow >= CRASH_BUDGET) {
        this.#break(`${CRASH_BUDGET} workers in a row died${ended} before a task was done`, cause);
      }
    }
    if (this.#queue.length > 0) this.#schedulePump();
    this.#checkWarm();
    this.#checkEnd();
  }

  #stopCounting(worker: WorkerSlot): void {
    if (worker.state !== "stopping") this.#leave(worker);
    worker.state = "dead";
    clearTimeout(worker.idleTimer);
    this.#workers.delete(worker);
  }

  #crashError(
    item: WorkItem,
    exitCode: number | undefined,
    error: { readonly reason: unknown } | undefined,
  ): WorkerCrashError {
    const ended = exitCode === undefined ? "" : ` with exit code ${exitCode}`;
    return new WorkerCrashError(
      `Cannot finish task "${item.task.name}": its worker died${ended}`,
      error === undefined ? { exitCode } : { exitCode, cause: error.reason },
    );
  }

  #break(message: string, cause: unknown): void {
    if (this.#broken !== undefined) return;
    const broken = { message, cause };
    this.#broken = broken;
    this.#cancelPending(() => this.#brokenError(broken));
    this.#rejectWarm(this.#brokenError(broken));
    const idle: WorkerSlot[] = [];
    for (const worker of this.#workers) {
      for (const item of worker.backlog) this.#settle(item, this.#brokenError(broken));
      worker.backlog = [];
      if (worker.inFlight === 0) idle.push(worker);
    }
    if (this.#options.onCrash === "break") {
      for (const worker of [...this.#workers]) {
        for (const item of worker.itemsInFlight()) this.#settle(item, this.#brokenError(broken));
        this.#stop(worker);
      }
    } else for (const worker of idle) this.#stop(worker);
    this.#checkReady();
  }

  #brokenError(broken: { readonly message: string; readonly cause: unknown }): BrokenExecutorError {
    const { brokenError, executorName } = this.#options;
    return brokenError(`Cannot use ${executorName} any more: ${broken.message}`, {
      cause: broken.cause,
    });
  }

  // --- tasks: begin, progress, end ---

  taskStarted(item: WorkItem): void {
    this.#limits.started(item);
    if (this.#roomWaiters.length > 0) this.#checkReady();
  }

  taskReported(item: WorkItem, value: unknown): void {
    this.#limits.reported(item, value);
  }

  taskSucceeded(item: WorkItem, value: unknown): void {
    this.#crashesInRow = 0;
    if (item.aborted !== undefined) return this.#settle(item, item.aborted.reason);
    if (item.done) return;
    this.#completed++;
    this.#outstanding--;
    this.#limits.ended(item);
    item.setResult(value);
  }

  taskFailed(item: WorkItem, error: unknown): void {
    this.#crashesInRow = 0;
    this.#settle(item, error);
  }

  /** The task of this item has not ended in time after it was aborted: its worker is replaced. */
  taskOverran(item: WorkItem): void {
    const worker = item.worker as WorkerSlot | undefined;
    const aborted = item.aborted;
    if (worker === undefined || aborted === undefined) return;
    this.#settle(item, aborted.reason);
    worker.error ??= aborted;
    this.#stop(worker);
    this.#checkEnd();
  }

  revokeItem(item: WorkItem): boolean {
    const worker = item.worker;
    if (worker === undefined) {
      if (item.pinned) return false;
      this.#queue.remove(item);
      return true;
    }
    if (!worker.revoke(item)) return false;
    this.#updateRoom(worker as WorkerSlot);
    return true;
  }

  itemCancelled(item: WorkItem): void {
    this.#cancelled++;
    this.#outstanding--;
    this.#limits.ended(item);
    if (this.#roomWaiters.length > 0) this.#checkReady();
    if (this.#outstanding === 0 && this.#closed) queueMicrotask(() => this.#checkEnd());
  }

  /** Fails an item, unless it is done. */
  #settle(item: WorkItem, error: unknown): void {
    if (item.done) return;
    this.#failed++;
    this.#outstanding--;
    this.#limits.ended(item);
    item.setException(item.aborted === undefined ? error : item.aborted.reason);
  }

  /** Cancels all that has not begun, or fails it. */
  #cancelPending(error: (() => unknown) | undefined): void {
    for (const worker of this.#workers) {
      for (const item of worker.revokeLast(worker.inFlight)) this.#queue.restore(item);
      this.#updateRoom(worker);
    }
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
      if (error !== undefined) this.#settle(item, error());
      else {
        this.itemCancelled(item);
        item.setCancelled();
      }
    }
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
      maxPending !== undefined && !this.#closed && this.#broken === undefined &&
      this.#pending() >= maxPending
    ) return;
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  #checkWarm(): void {
    if (this.#warmWaiters.length === 0 || this.#starting > 0) return;
    if (this.#workers.size < this.#options.maxWorkers && this.#broken === undefined) {
      // One died while it started, within the crash budget.
      if (!this.#closed) this.#start();
      return;
    }
    for (const warm of this.#warmWaiters.splice(0)) warm.resolve();
  }

  #rejectWarm(error: unknown): void {
    for (const warm of this.#warmWaiters.splice(0)) warm.reject(error);
  }

  #whenEnded(): Promise<void> {
    return new Promise((resolve) => {
      this.#exitWaiters.push(resolve);
      this.#checkEnd();
    });
  }

  /** Closed or broken, with nothing left to do: the workers end, and then `shutdown()` resolves. */
  #checkEnd(): void {
    if (this.#outstanding > 0 || (!this.#closed && this.#broken === undefined)) return;
    for (const worker of [...this.#workers]) {
      if (worker.state !== "stopping") this.#dismiss(worker);
    }
    if (this.#workers.size > 0 || !this.#closed) return;
    for (const resolve of this.#exitWaiters.splice(0)) resolve();
  }
}
