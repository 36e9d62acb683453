// Length: one state machine, of workers from their start to their end.

import { CancelledError, UnsupportedError } from "../futures/errors.ts";
import type { BrokenExecutorError } from "../futures/errors.ts";
import { show } from "../futures/show.ts";
import type { WorkerHandle } from "../runtime/runtime.ts";
import { PROTOCOL } from "../wire/messages.ts";
import type { WireTask } from "../wire/messages.ts";
import type { WorkerReplies } from "./replies.ts";
import type { SchedulerOptions } from "./scheduler_options.ts";
import { CRASH_BUDGET, CrashBudget } from "./crash_budget.ts";
import { describeEnd } from "./worker_life.ts";
import type { WorkerEnd, WorkerLife } from "./worker_life.ts";
import { WorkerSlot } from "./worker_slot.ts";

/** Milliseconds that an idle worker has to end by itself before it is stopped. */
const DISMISS_AFTER = 1_000;

/** Whom a supervisor tells what happens to the workers. */
export interface SupervisorOwner {
  /** A worker sent something. */
  received(worker: WorkerSlot, message: unknown): void;
  /** A worker has begun to take tasks. */
  workerLives(worker: WorkerSlot): void;
  /** A worker takes no more tasks; what it has not begun is to be run elsewhere. */
  workerLeaves(worker: WorkerSlot): void;
  /** A worker has ended: what it had begun is lost. */
  workerDied(worker: WorkerSlot, end: WorkerEnd): void;
  /** What {@linkcode SupervisorOwner.workerDied} told is over, and others may need a new worker. */
  workerGone(): void;
  /** No task may run any more. Workers that have nothing to do then are stopped. */
  executorBroke(): void;
}

/** Starts workers, sets them up, ends them, notices their deaths, and gives up when they only die. */
export class Supervisor implements WorkerReplies {
  readonly workers: Set<WorkerSlot> = new Set();
  /** Workers that do not take tasks yet. */
  starting = 0;
  /** Workers that died before their time, so far. */
  crashed = 0;
  /** Why no task can run any more. */
  broken: { readonly message: string; readonly cause: unknown } | undefined = undefined;

  /** Set right after construction. */
  owner!: SupervisorOwner;

  readonly #options: SchedulerOptions;
  readonly #initializer: WireTask | undefined;
  readonly #finalizer: WireTask | undefined;
  #terminated = false;
  readonly #budget = new CrashBudget();
  #count = 0;
  /** How many workers the system gives: one more could not be started beside these. */
  #most = Infinity;
  #warmWaiters: { resolve(): void; reject(error: unknown): void }[] = [];
  /** Workers that ended before they were warm, while somebody waits for it. */
  #unwarmed = 0;

  constructor(
    options: SchedulerOptions,
    initializer: WireTask | undefined,
    finalizer: WireTask | undefined,
  ) {
    this.#finalizer = finalizer;
    this.#options = options;
    this.#initializer = initializer;
  }

  /** How many workers may still be started. */
  get free(): number {
    if (this.broken !== undefined) return 0;
    return Math.min(this.#options.maxWorkers, this.#most) - this.workers.size;
  }

  /** Workers that have begun to take tasks, one at least. */
  get live(): number {
    return Math.max(1, this.workers.size - this.starting);
  }

  /** A task was done: the workers do not only die. */
  taskDone(worker: WorkerSlot): void {
    worker.life.prove();
    this.#budget.reset();
  }

  /** The error that tells why no task can run any more. */
  brokenError(): BrokenExecutorError {
    const { brokenError, executorName } = this.#options;
    const { message, cause } = this.broken!;
    return brokenError(`Cannot use ${executorName} any more: ${message}`, { cause });
  }

  // --- start ---

  /** Starts a worker; one that cannot be started is dead. */
  start(): WorkerSlot {
    const options = this.#options;
    const worker = new WorkerSlot(
      `${options.namePrefix}_${this.#count++}`,
      options,
      this.#budget.deaths,
    );
    this.workers.add(worker);
    this.starting++;
    let handle: WorkerHandle;
    try {
      const spawn = (): WorkerHandle =>
        options.runtime.spawn({ ...options.worker, name: worker.name }, {
          message: (data) => this.owner.received(worker, data),
          error: (reason) => worker.life.blame(reason),
          messageError: () => {
            this.workerFailed(worker, new Error("A message of the worker could not be read"));
          },
          ended: (slot, number, value) => worker.sent.claims.ended(slot, number, value),
          contextOf: (slot) => worker.sent.contextOf(slot),
          exit: (exitCode, signal) => this.#exited(worker, { exitCode, signal }),
        });
      handle = options.outsideOfRequests === undefined ? spawn() : options.outsideOfRequests(spawn);
    } catch (reason) {
      worker.life.fail(reason);
      this.#exited(worker, {});
      return worker;
    }
    worker.started(handle);
    return worker;
  }

  /** Starts all workers; resolves when each has run its initializer. */
  warmUp(): Promise<void> {
    // Not Promise.withResolvers(), which Node 20 has not.
    const warm = new Promise<void>((resolve, reject) =>
      this.#warmWaiters.push({ resolve, reject })
    );
    warm.catch(() => {}); // as silent as a future, for those who do not await it
    while (this.free > 0) this.start();
    this.#checkWarm();
    return warm;
  }

  workerReady(worker: WorkerSlot, protocol: unknown): void {
    if (worker.state === "stopping") return worker.askToStop();
    if (worker.state !== "starting") return;
    if (protocol !== PROTOCOL) {
      return this.#break(
        `worker speaks protocol ${
          show(protocol)
        } and this side ${PROTOCOL}; use one version of the library`,
        undefined,
      );
    }
    try {
      worker.setUp({
        protocol: PROTOCOL,
        tasksPerWorker: this.#options.tasksPerWorker,
        initializer: this.#initializer === undefined
          ? undefined
          : { task: this.#initializer, args: this.#options.initializer!.args },
        finalizer: this.#finalizer === undefined ? undefined : { task: this.#finalizer, args: [] },
        maxMemory: this.#options.maxWorkerMemory,
      });
    } catch (cause) {
      return this.#break("initargs cannot be sent to a worker", cause);
    }
    if (this.#initializer === undefined) this.workerInitialized(worker);
  }

  workerInitialized(worker: WorkerSlot): void {
    if (worker.state !== "initializing") return;
    worker.life.begin();
    this.starting--;
    this.owner.workerLives(worker);
    this.#checkWarm();
  }

  /** A worker could not read what it was to be set up with. */
  setupLost(): void {
    this.#break("a worker could not read initargs", undefined);
  }

  initializerFailed(_worker: WorkerSlot, error: unknown): void {
    this.#break("initializer failed", error);
  }

  // --- end ---

  /** No worker is started any more but for what is queued. */
  close(): void {
    this.#rejectWarm(new CancelledError("Cannot warm up: executor was shut down"));
  }

  /** Dismisses every worker. */
  dismissAll(): void {
    for (const worker of [...this.workers]) {
      if (worker.state !== "stopping") this.dismiss(worker);
    }
  }

  /**
   * Lets an idle worker end by itself, with its exit handlers; it is stopped if it does not. One
   * that starts is told when it listens: Deno prints an error if it is stopped before, Bun crashed.
   */
  dismiss(worker: WorkerSlot): void {
    if (worker.load.isBusy) return this.stop(worker);
    const { state } = worker;
    this.#leave(worker, false);
    worker.setReferenced(true); // its end is awaited
    const finalizes = this.#finalizer !== undefined && state === "live" &&
      this.broken === undefined && !this.#terminated;
    if (state !== "starting") worker.askToStop(finalizes);
    const { finalizerTimeout } = this.#options;
    const limit = finalizes ? finalizerTimeout + DISMISS_AFTER : DISMISS_AFTER;
    worker.startTimer(limit, () => worker.handle.terminate());
  }

  /** Dismisses every worker, and waits for no finalizer. */
  terminate(): void {
    this.#terminated = true;
    if (this.#finalizer !== undefined) {
      for (const worker of [...this.workers]) {
        if (worker.state === "stopping") worker.handle.terminate();
      }
    }
    this.dismissAll();
  }

  /** How many workers may be let go because they are idle. */
  get spare(): number {
    let kept = 0;
    for (const { state } of this.workers) if (state !== "stopping") kept++;
    return kept - this.#options.minWorkers;
  }

  /** Ends a worker now: nothing more begins there; what was sent ahead runs elsewhere. */
  stop(worker: WorkerSlot, isCrashed = false): void {
    if (worker.life.isOver) return;
    this.#leave(worker, isCrashed);
    worker.setReferenced(true); // its end is awaited
    worker.handle.terminate();
  }

  workerFailed(worker: WorkerSlot, reason: unknown): void {
    worker.life.fail(reason);
    this.stop(worker, true);
  }

  /** The worker ends on its own account: where the runtime would not tell, its handle does now. */
  workerExiting(worker: WorkerSlot): void {
    if (worker.state === "stopping") worker.handle.terminate();
    else this.stop(worker, true);
  }

  /** The worker gets no more work. */
  #leave(worker: WorkerSlot, isCrashed: boolean): void {
    if (worker.state !== "live") {
      this.starting--;
      if (this.#warmWaiters.length > 0) this.#unwarmed++;
    }
    worker.leave(isCrashed);
    this.owner.workerLeaves(worker);
  }

  #exited(worker: WorkerSlot, told: WorkerEnd): void {
    if (worker.state === "dead") return;
    const unborn = worker.state === "starting";
    if (worker.state !== "stopping") this.#leave(worker, true);
    const end = worker.die(told);
    this.workers.delete(worker);
    this.owner.workerDied(worker, end);
    if (unborn && this.#othersLive && this.#options.onCrash !== "break") {
      this.#most = this.workers.size;
      this.#unwarmed = Math.max(0, this.#unwarmed - 1); // nor is it waited for
    } else if (worker.life.isCrashed) this.#countCrash(worker.life, end);
    // One that was warm and has ended is not started anew.
    for (; this.#unwarmed > 0 && this.free > 0; this.#unwarmed--) this.start();
    this.#checkWarm();
    this.owner.workerGone();
  }

  /** Whether there are workers that run tasks, or are about to. */
  get #othersLive(): boolean {
    for (const { state } of this.workers) {
      if (state === "live" || state === "initializing") return true;
    }
    return false;
  }

  #countCrash(life: WorkerLife, end: WorkerEnd): void {
    this.crashed++;
    const { error } = life;
    const cause = error?.reason;
    const died = describeEnd(end);
    if (life.stateBeforeStop === "initializing" && this.#initializer !== undefined) {
      this.#break(
        error === undefined ? `worker ${died} in the initializer` : "initializer failed",
        cause,
      );
    } else if (cause instanceof UnsupportedError) {
      this.#break(cause.message, cause); // the next one would fare no better
    } else if (this.#options.onCrash === "break") {
      this.#break(`worker ${died}`, cause);
    } else if (this.#budget.spend(life, end)) {
      this.#break(`${CRASH_BUDGET} workers in a row ${died} before a task was done`, cause);
    }
  }

  #break(message: string, cause: unknown): void {
    if (this.broken !== undefined) return;
    this.broken = { message, cause };
    this.owner.executorBroke();
    this.#rejectWarm(this.brokenError());
    const all = this.#options.onCrash === "break";
    for (const worker of [...this.workers]) {
      if (worker.state === "stopping") continue;
      if (!worker.load.isBusy) this.dismiss(worker);
      else if (all) this.stop(worker);
    }
  }

  // --- who waits for the start ---

  #checkWarm(): void {
    if (this.starting > 0 || this.#unwarmed > 0) return;
    for (const warm of this.#warmWaiters.splice(0)) warm.resolve();
  }

  #rejectWarm(error: unknown): void {
    this.#unwarmed = 0;
    for (const warm of this.#warmWaiters.splice(0)) warm.reject(error);
  }
}
