import type { Ending } from "./ending.ts";
import type { Settlement } from "./settlement.ts";
import type { TaskQueue } from "./task_queue.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** Counts the tasks that have not begun, holds them against `maxPending`, and tells when there is room. */
export class BackPressure {
  readonly #maxPending: number;
  readonly #queue: TaskQueue;
  readonly #workers: ReadonlySet<WorkerSlot>;
  readonly #ending: Ending;
  readonly #settlement: Settlement;
  #waiters: (() => void)[] = [];
  /** How many were pending when they were last counted, and how many had come by then. */
  #counted = 0;
  #cameUntilThen = 0;

  constructor(
    maxPending: number,
    queue: TaskQueue,
    workers: ReadonlySet<WorkerSlot>,
    ending: Ending,
    settlement: Settlement,
  ) {
    this.#maxPending = maxPending;
    this.#queue = queue;
    this.#workers = workers;
    this.#ending = ending;
    this.#settlement = settlement;
  }

  /** Tasks that have not begun. */
  get pending(): number {
    let { pending } = this.#queue;
    for (const worker of this.#workers) {
      pending += worker.backlog.length;
      if (worker.load.inFlight > 0) pending += worker.sent.countUnstarted();
    }
    return pending;
  }

  /**
   * Whether as many tasks are pending as may be. They are counted, worker by worker, only if that may be:
   * no more can have come since the last count than were submitted or went back into the queue.
   */
  get isFull(): boolean {
    const most = this.#maxPending;
    if (most === Infinity) return false;
    if (this.#queue.pending >= most) return true;
    const came = this.#settlement.came + this.#queue.restored;
    if (this.#counted + came - this.#cameUntilThen < most) return false;
    this.#counted = this.pending;
    this.#cameUntilThen = came;
    return this.#counted >= most;
  }

  /** Resolves when there is room, or when there never will be. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.check();
    });
  }

  /** Something began, or ended, or is over: those who wait may go on. */
  check(): void {
    if (this.#waiters.length === 0 || !this.#ending.isEnding && this.isFull) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
