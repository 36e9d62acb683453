import type { TaskLimits } from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import { callBack } from "../futures/callback.ts";
import { listenToAbort, reasonOf, startDeadline } from "../futures/deadline.ts";
import { TimeoutError } from "../futures/errors.ts";
import type { Settlement } from "./settlement.ts";
import type { SilenceWatch } from "./silence_watch.ts";
import type { TakeBack } from "./take_back.ts";
import { ItemControl } from "./work_item.ts";
import type { WorkItem } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** Milliseconds until a look at an aborted task that had not begun at the last one. */
const LOOK_AGAIN_AFTER = 100;

/** Who acts when a task does not end. */
export interface LimitsOwner {
  /** The task has not ended within the grace after it was aborted. */
  taskOverran(item: WorkItem): void;
  /** The worker has ended a task, and told nobody: what can be seen of it is to be settled. */
  look(worker: WorkerSlot): void;
}

/**
 * Signals, timeouts and progress of tasks. A task is aborted in two steps: its own signal is, and if
 * it has not ended `grace` milliseconds later, its worker is replaced. In both cases its future
 * rejects with the reason of the abort, so that the caller need not know which step it took.
 */
export class ItemLimits {
  /** Set right after construction. */
  owner!: LimitsOwner;
  readonly #takeBack: TakeBack;
  readonly #settlement: Settlement;
  readonly #silence: SilenceWatch;
  readonly #grace: number;

  constructor(
    takeBack: TakeBack,
    settlement: Settlement,
    silence: SilenceWatch,
    grace: number,
  ) {
    this.#takeBack = takeBack;
    this.#settlement = settlement;
    this.#silence = silence;
    this.#grace = grace;
  }

  /** Arms what was asked for an item that has just been taken. */
  apply(item: WorkItem, limits: TaskLimits): void {
    const { signal, timeout, onProgress } = limits;
    const control = item.control ??= new ItemControl();
    control.timeout = timeout;
    control.onProgress = onProgress;
    if (signal === undefined) return;
    if (signal.aborted) this.abort(item, reasonOf(signal));
    else control.unlisten = listenToAbort(signal, (reason) => this.abort(item, reason));
  }

  /** The item is in the queue: a worker has to start for it. */
  queued(item: WorkItem): void {
    const timeout = item.control?.timeout;
    if (timeout !== undefined && !item.done) this.#silence.queued(item, timeout);
  }

  /** The task began, when its worker says, and at the earliest when it was sent: its timeout counts from then. */
  started(item: WorkItem, startedAt: unknown): void {
    const control = item.control;
    if (item.done || control?.timeout === undefined || item.aborted !== undefined) return;
    control.stopTimer?.();
    // This thread may have been busy when it began; where the clock stands still, it is the same thread.
    const now = clock.epoch();
    const ran = typeof startedAt === "number" ? now - Math.max(startedAt, control.sentAt) : 0;
    const left = ran > 0 ? Math.max(0, control.timeout - ran) : control.timeout;
    this.#watchTimeout(item, control, left, false);
  }

  #watchTimeout(item: WorkItem, control: ItemControl, left: number, hasEnded: boolean): void {
    control.stopTimer = startDeadline(left, () => {
      if (this.#isOver(item)) return;
      // It has ended in time, and that is on its way; but no worker can put its end off by saying so.
      if (!hasEnded && item.worker?.hasEnded(item)) {
        return this.#watchTimeout(item, control, LOOK_AGAIN_AFTER, true);
      }
      const { timeout } = control;
      this.abort(
        item,
        new TimeoutError(`Cannot finish task "${item.task.name}" within ${timeout} ms`),
      );
    });
  }

  /** Whether it is settled, maybe by what its worker has left to be seen. */
  #isOver(item: WorkItem): boolean {
    if (!item.done && item.worker?.hasEnded(item)) this.owner.look(item.worker as WorkerSlot);
    return item.done;
  }

  reported(item: WorkItem, value: unknown): void {
    const onProgress = item.control?.onProgress;
    if (onProgress === undefined || item.done) return;
    callBack(
      () => onProgress(value, item.future),
      `onProgress of task "${item.task.name}"`,
    );
  }

  /** The task will not begin: it is cancelled where that is exact, and else fails with the reason. */
  abandon(item: WorkItem, reason: unknown): boolean {
    if (this.#takeBack.revokeItem(item)) {
      this.#settlement.cancel(item, reason);
      return true;
    }
    (item.control ??= new ItemControl()).aborted = { reason };
    return false;
  }

  /** Ends a task: one that has not begun is cancelled, one that runs has the grace for it. */
  abort(item: WorkItem, reason: unknown): void {
    if (this.#isOver(item) || item.aborted !== undefined) return;
    if (this.abandon(item, reason)) return;
    const control = item.control!;
    control.stopTimer?.();
    item.worker?.abort(item, reason);
    control.family?.abort(reason);
    this.#watch(item, this.#grace);
  }

  /** The aborted task was sent ahead and has not begun; whether it then ends is to be seen. */
  notBegun(item: WorkItem): void {
    this.#watch(item, Math.max(this.#grace, LOOK_AGAIN_AFTER));
  }

  #watch(item: WorkItem, milliseconds: number): void {
    item.control!.stopTimer = startDeadline(milliseconds, () => this.owner.taskOverran(item));
  }
}
