import type { ListPlace } from "./list_place.ts";
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
    const { load, sent } = worker;
    const isLive = worker.state === "live";
    const inFlight = isLive ? load.inFlight : 0;
    if (inFlight > 1) this.loaded.add(worker);
    else this.loaded.delete(worker);
    if (inFlight > this.#places) this.ahead.add(worker);
    else if (this.#places > 1) this.ahead.delete(worker);
    if (isLive && inFlight < this.#places && sent.takesMore) this.#add(worker);
    else this.#remove(worker.place);
  }

  /** Takes a worker out that gets no more tasks. */
  remove(worker: WorkerSlot): void {
    this.#remove(worker.place);
    this.loaded.delete(worker);
    this.ahead.delete(worker);
  }

  /** Adds a worker, in front if it is idle, and does nothing if it is there. */
  #add(worker: WorkerSlot): void {
    const { place } = worker;
    if (place.isTaken) return;
    place.isTaken = true;
    if (worker.load.inFlight === 0) {
      place.next = this.first;
      if (this.first === undefined) this.#last = worker;
      else this.first.place.previous = worker;
      this.first = worker;
    } else {
      place.previous = this.#last;
      if (this.#last === undefined) this.first = worker;
      else this.#last.place.next = worker;
      this.#last = worker;
    }
  }

  #remove(place: ListPlace<WorkerSlot>): void {
    if (!place.isTaken) return;
    place.isTaken = false;
    const { previous, next } = place;
    if (previous === undefined) this.first = next;
    else previous.place.next = next;
    if (next === undefined) this.#last = previous;
    else next.place.previous = previous;
    place.previous = undefined;
    place.next = undefined;
  }

  /** How many of its workers do nothing, counted up to `most`. */
  countIdle(most: number): number {
    let count = 0;
    let worker = this.first;
    for (; worker !== undefined && count < most; worker = worker.place.next) {
      if (worker.load.inFlight === 0) count++;
    }
    return count;
  }
}
