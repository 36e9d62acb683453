import type { ReturnReason } from "../backend/executor_events.ts";
import { HELLO } from "../wire/messages.ts";
import { BrokenExecutorError, SerializationError, WorkerCrashError } from "../futures/errors.ts";
import type { TimeoutError } from "../futures/errors.ts";
import type { ChildReplies } from "./child_replies.ts";
import type { LimitsOwner } from "./item_limits.ts";
import type { Feeder, FeederParts } from "./feeder.ts";
import { isReply, readReply } from "./replies.ts";
import type { TaskReplies } from "./replies.ts";
import type { SilenceOwner } from "./silence_watch.ts";
import type { SupervisorOwner } from "./supervisor.ts";
import type { TaskEvents } from "./task_events.ts";
import { isUnwanted } from "./take_back.ts";
import { ItemControl } from "./work_item.ts";
import type { WorkItem } from "./work_item.ts";
import { MISSED_MESSAGE } from "./families.ts";
import { describeEnd } from "./worker_life.ts";
import type { WorkerEnd } from "./worker_life.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** What follows of what workers say, of their silence, and of their end. */
export class WorkerEvents implements TaskReplies, SupervisorOwner, SilenceOwner, LimitsOwner {
  readonly #parts: FeederParts;
  readonly #feeder: Feeder;

  readonly children: ChildReplies;

  constructor(parts: FeederParts, feeder: Feeder, children: ChildReplies) {
    this.children = children;
    this.#parts = parts;
    this.#feeder = feeder;
  }

  // --- of workers ---

  received(worker: WorkerSlot, message: unknown): void {
    if (worker.state === "dead" || !isReply(worker, message)) return;
    worker.heard(message[0] !== HELLO);
    const { supervisor, watch } = this.#parts;
    watch.events?.received(worker.lastMessageAt);
    try {
      readReply(worker, message, this, supervisor);
      this.#feeder.afterReply(worker);
    } catch (breach) {
      // Whatever it is, it comes of what the worker said, and nobody hears what is thrown from here.
      supervisor.workerFailed(worker, breach);
    }
    watch.events?.received(undefined);
    this.#parts.ending.check();
  }

  /** Settles what a worker has ended that is too busy to tell it. */
  look(worker: WorkerSlot): void {
    this.#takeEnded(worker);
    this.#parts.ending.check();
  }

  #takeEnded(worker: WorkerSlot): void {
    for (const { item, ended: { value, time } } of worker.sent.takeEnded()) {
      this.#parts.watch.events?.seen(worker, item, time);
      this.taskSucceeded(worker, item, value);
    }
  }

  workerLives(worker: WorkerSlot): void {
    const { events } = this.#parts.watch;
    if (events !== undefined) {
      worker.observe(true);
      events.workerStarted(worker);
    }
    this.#feeder.sendBacklog(worker);
  }

  workerLeaves(worker: WorkerSlot): void {
    const { room, queue } = this.#parts;
    room.remove(worker);
    this.#restore(worker.sent.revokeLast(worker.load.inFlight).reverse(), "workerLost");
    if (queue.sendable > 0) this.#feeder.schedule();
  }

  workerDied(worker: WorkerSlot, end: WorkerEnd): void {
    const { settlement, watch, ending } = this.#parts;
    const waiting: WorkItem[] = [];
    this.#takeEnded(worker);
    for (const item of worker.sent.all()) {
      const begun = item.pinned || item.moved || worker.sent.hasBegun(item);
      worker.sent.release(item.slot);
      if (begun) settlement.fail(item, crashError(item, end, worker.life.error));
      else waiting.push(item);
    }
    this.#restore(waiting, "workerLost");
    this.#parts.queue.lanes.died(worker);
    for (const item of worker.dropBacklog()) {
      settlement.fail(item, crashError(item, end, worker.life.error));
    }
    watch.events?.workerEnded(worker, end, ending.isEnding);
  }

  workerGone(): void {
    if (this.#parts.supervisor.workers.size === 0) this.#parts.silence.rest();
    if (this.#parts.queue.sendable > 0) this.#feeder.schedule();
    this.#parts.ending.check();
  }

  executorBroke(): void {
    const { supervisor, settlement, options, ending, backPressure } = this.#parts;
    const broken = () => supervisor.brokenError();
    ending.cancelPending(broken);
    for (const worker of supervisor.workers) {
      for (const item of worker.dropBacklog()) settlement.fail(item, broken());
      if (options.onCrash !== "break") continue;
      for (const item of worker.sent.all()) settlement.fail(item, broken());
    }
    backPressure.check();
  }

  /** Fails what every worker has, and what waits for it: the executor is terminated. */
  terminated(): void {
    const { supervisor, settlement, options } = this.#parts;
    for (const worker of [...supervisor.workers]) {
      for (const item of [...worker.sent.all(), ...worker.dropBacklog()]) {
        settlement.fail(
          item,
          new BrokenExecutorError(
            `Cannot finish task "${item.task.name}": ${options.executorName} was terminated`,
          ),
        );
      }
      if (worker.state === "initializing") supervisor.stop(worker);
    }
    supervisor.terminate();
  }

  // --- of tasks ---

  get events(): TaskEvents | undefined {
    return this.#parts.watch.events;
  }

  taskStarted(item: WorkItem, startedAt: unknown): void {
    this.#parts.limits.started(item, startedAt);
    this.#parts.backPressure.check();
  }

  taskReported(item: WorkItem, value: unknown): void {
    this.#parts.limits.reported(item, value);
  }

  taskSucceeded(worker: WorkerSlot, item: WorkItem, value: unknown): void {
    this.#parts.supervisor.taskDone(worker);
    this.#parts.settlement.succeed(item, value);
  }

  taskFailed(worker: WorkerSlot, item: WorkItem, error: unknown): void {
    this.#parts.supervisor.taskDone(worker);
    this.#parts.settlement.fail(item, error);
  }

  /** It gets no more tasks, and ends when those that it has begun have ended. */
  workerFull(worker: WorkerSlot): void {
    worker.load.close();
    this.#parts.takeBack.unstarted(worker);
    if (this.#parts.queue.sendable > 0) this.#feeder.schedule();
  }

  tasksReturned(items: readonly WorkItem[]): void {
    this.#restore(items);
    this.#feeder.pump(); // those first who have nothing to do
  }

  /** Tasks were sent, and have not begun: they go back to their places in the queue. */
  #restore(items: readonly WorkItem[], reason?: ReturnReason): void {
    const { supervisor, settlement, queue, watch } = this.#parts;
    watch.events?.returned(items, reason);
    // The last one first: chunks of one `map` have one place.
    for (const item of items.toReversed()) {
      if (item.aborted !== undefined) settlement.fail(item, item.aborted.reason);
      else if (supervisor.broken !== undefined) settlement.fail(item, supervisor.brokenError());
      else if (isUnwanted(item)) settlement.cancel(item);
      else if (!item.done) queue.restore(item);
    }
  }

  /**
   * Nobody knows what was in the message, but the worker knows what it has: all else is sent anew to
   * others, each task alone, so that the one that cannot be read is found. This worker is replaced.
   */
  messageLost(worker: WorkerSlot, held: ReadonlySet<number>): void {
    const { supervisor, settlement, queue, room } = this.#parts;
    if (worker.state === "initializing") return supervisor.setupLost();
    worker.missMessage();
    for (const item of worker.sent.all()) {
      if (held.has(item.slot) || !worker.sent.lose(item)) continue;
      const control = item.control ??= new ItemControl();
      if (control.alone || control.pinned || control.moved) {
        settlement.fail(
          item,
          new SerializationError(
            `Cannot send the arguments of task "${item.task.name}": the worker could not read them`,
          ),
        );
      } else {
        control.alone = true;
        this.#restore([item], "workerLost");
      }
    }
    room.update(worker);
    if (worker.load.lends) supervisor.workerFailed(worker, new Error(MISSED_MESSAGE));
    if (queue.sendable > 0) this.#feeder.schedule();
  }

  /**
   * The task of this item has not ended in time after it was aborted: its worker is replaced. This
   * thread cannot be: here the task is only waited for no more, and its place is free.
   */
  taskOverran(item: WorkItem): void {
    const { settlement, limits, options, supervisor, ending } = this.#parts;
    const worker = item.worker as WorkerSlot | undefined;
    const aborted = item.aborted;
    if (worker === undefined || aborted === undefined) return;
    settlement.fail(item, aborted.reason);
    if (worker.sent.hasEnded(item)) return; // its worker is not to blame
    // What was sent ahead and has not begun, through no fault of its own, may still begin.
    if (!worker.sent.hasBegun(item)) return limits.notBegun(item);
    if (options.inThread) {
      worker.forget(item);
      return this.#feeder.afterReply(worker);
    }
    worker.life.blame(aborted.reason);
    supervisor.stop(worker);
    ending.check();
  }

  // --- of silence ---

  get hasLiveWorker(): boolean {
    for (const { state } of this.#parts.supervisor.workers) if (state === "live") return true;
    return false;
  }

  taskUnserved(item: WorkItem, error: TimeoutError): void {
    this.#parts.limits.abandon(item, error);
  }

  workerSilent(worker: WorkerSlot, error: TimeoutError, item: WorkItem | undefined): void {
    const { limits, settlement, supervisor, ending } = this.#parts;
    if (item !== undefined && !limits.abandon(item, error)) settlement.fail(item, error);
    supervisor.workerFailed(worker, error);
    ending.check();
  }
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
