import type { WorkerSlot } from "./worker_slot.ts";

/**
 * The workers that have room for one more task, idle ones first: a list linked through the workers,
 * so that finding one takes constant time however many there are.
 */
export class WorkerList {
  readonly #places: number;
  first: WorkerSlot | undefined = undefined;
  #last: WorkerSlot | undefined = undefined;

  /** @param places How many tasks run in a worker at once. */
  constructor(places: number) {
    this.#places = places;
  }

  /** Puts a worker in, or takes it out: its load has changed. */
  update(worker: WorkerSlot): void {
    if (
      worker.state === "live" && worker.inFlight < this.#places &&
      (worker.remaining > 0 || worker.lent > 0) &&
      !worker.isAsked
    ) this.add(worker);
    else this.remove(worker);
  }

  /** Adds a worker, in front if it is idle, and does nothing if it is there. */
  add(worker: WorkerSlot): void {
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

  /** Takes a worker out, and does nothing if it is not there. */
  remove(worker: WorkerSlot): void {
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
