import type { WorkerSlot } from "./worker_slot.ts";

/**
 * The workers by their load, so that no step of a task looks at all of them: those that have room for one
 * more task, idle ones first, a list linked through the workers; and those from which tasks may be taken.
 */
export class WorkerList {
  readonly #places: number;
  first: WorkerSlot | undefined = undefined;
  #last: WorkerSlot | undefined = undefined;
  /** Those with more than one task. */
  readonly loaded: Set<WorkerSlot> = new Set();
  /** Those with more tasks than run at once: some have not begun for sure. */
  readonly ahead: Set<WorkerSlot>;

  /** @param places How many tasks run in a worker at once. */
  constructor(places: number) {
    this.#places = places;
    this.ahead = places === 1 ? this.loaded : new Set();
  }

  /** Puts a worker where it belongs: its load has changed. */
  update(worker: WorkerSlot): void {
    const inFlight = worker.state === "live" ? worker.inFlight : 0;
    if (inFlight > 1) this.loaded.add(worker);
    else this.loaded.delete(worker);
    if (inFlight > this.#places) this.ahead.add(worker);
    else if (this.#places > 1) this.ahead.delete(worker);
    if (
      worker.state === "live" && worker.inFlight < this.#places &&
      (worker.remaining > 0 || worker.lent > 0) &&
      !worker.isAsked
    ) this.#add(worker);
    else this.#remove(worker);
  }

  /** Takes a worker out that gets no more tasks. */
  remove(worker: WorkerSlot): void {
    this.#remove(worker);
    this.loaded.delete(worker);
    this.ahead.delete(worker);
  }

  /** Adds a worker, in front if it is idle, and does nothing if it is there. */
  #add(worker: WorkerSlot): void {
    if (worker.listed) return;
    worker.listed = true;
    if (worker.inFlight === 0) {
      worker.next = this.first;
      if (this.first === undefined) this.#last = worker;
      else this.first.previous = worker;
      this.first = worker;
    } else {
      worker.previous = this.#last;
      if (this.#last === undefined) this.first = worker;
      else this.#last.next = worker;
      this.#last = worker;
    }
  }

  #remove(worker: WorkerSlot): void {
    if (!worker.listed) return;
    worker.listed = false;
    if (worker.previous === undefined) this.first = worker.next;
    else worker.previous.next = worker.next;
    if (worker.next === undefined) this.#last = worker.previous;
    else worker.next.previous = worker.previous;
    worker.previous = undefined;
    worker.next = undefined;
  }

  /** How many of its workers do nothing, counted up to `most`. */
  countIdle(most: number): number {
    let count = 0;
    for (let worker = this.first; worker !== undefined && count < most; worker = worker.next) {
      if (worker.inFlight === 0) count++;
    }
    return count;
  }
}
