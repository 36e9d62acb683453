import type { Ending } from "./ending.ts";
import type { TaskQueue } from "./task_queue.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** Counts the tasks that have not begun, holds them against `maxPending`, and tells when there is room. */
export class BackPressure {
  readonly #maxPending: number;
  readonly #queue: TaskQueue;
  readonly #workers: ReadonlySet<WorkerSlot>;
  readonly #ending: Ending;
  #waiters: (() => void)[] = [];

  constructor(
    maxPending: number,
    queue: TaskQueue,
    workers: ReadonlySet<WorkerSlot>,
    ending: Ending,
  ) {
    this.#maxPending = maxPending;
    this.#queue = queue;
    this.#workers = workers;
    this.#ending = ending;
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

  /** Whether as many tasks are pending as may be. */
  get isFull(): boolean {
    return this.#maxPending < Infinity && this.pending >= this.#maxPending;
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
