import type { WorkerSlot } from "./worker_slot.ts";

/** What to add to times of workers to have them by this thread's clock. */
export class WorkerClocks {
  /** For each worker the least difference that was seen: the one of the fastest message. */
  readonly #offsets = new WeakMap<WorkerSlot, number>();
  /** The worker that was asked for last, and its difference: the next is mostly the same. */
  #last: WorkerSlot | undefined = undefined;
  #lastOffset: number | undefined = undefined;

  /** A message came now in which the worker said what time it was. */
  told(worker: WorkerSlot, its: number, now: number): number {
    const offset = Math.min(this.offsetOf(worker) ?? Infinity, now - its);
    this.#offsets.set(worker, offset);
    return this.#lastOffset = offset;
  }

  offsetOf(worker: WorkerSlot): number | undefined {
    if (worker !== this.#last) {
      this.#last = worker;
      this.#lastOffset = this.#offsets.get(worker);
    }
    return this.#lastOffset;
  }
}
