import type { EndedTask, TaskClaims } from "../runtime.ts";

/**
 * Claims of a worker that shares no memory, but counts what it begins, in the order in which it was sent.
 * That is enough to send ahead; to take something back, the worker is asked. The count lags behind, so what
 * was sent within its places is taken to run.
 */
class CountedClaims implements TaskClaims {
  readonly sendsAhead = true;
  readonly asksBack = true;
  readonly messages = 0;
  readonly presumed: number;
  readonly #begun: () => number;
  /** How many tasks were posted, and for each slot the number of its task. */
  #posted = 0;
  readonly #numbers: number[];
  /** What the worker has told of tasks which have ended, by slot, until a message does. */
  readonly #ended = new Map<number, (() => EndedTask) | undefined>();

  constructor(slots: number, places: number, begun: () => number) {
    this.#numbers = new Array<number>(slots).fill(Infinity);
    this.presumed = places;
    this.#begun = begun;
  }

  open(): void {}

  posted(items: readonly { readonly slot: number }[]): void {
    for (const { slot } of items) this.#numbers[slot] = ++this.#posted;
  }

  close(slot: number): void {
    this.#numbers[slot] = Infinity;
    if (this.#ended.size > 0) this.#ended.delete(slot);
  }

  revoke(): boolean {
    return false;
  }

  numberOf(slot: number): number {
    return this.#numbers[slot] ?? 0;
  }

  /** The count comes by a stream of its own, maybe later than the message. */
  mayHaveBegun(): boolean {
    return true;
  }

  hasBegun(slot: number): boolean {
    return this.#numbers[slot]! <= this.#begun();
  }

  isRunning(slot: number): boolean {
    return !this.#ended.has(slot) && (this.hasBegun(slot) || this.#isWithinPlaces(slot));
  }

  #isWithinPlaces(slot: number): boolean {
    const number = this.#numbers[slot]!;
    let before = 0;
    for (let other = 0; other < this.#numbers.length; other++) {
      if (this.#numbers[other]! >= number || this.#ended.has(other)) continue;
      if (++before >= this.presumed) return false;
    }
    return true;
  }

  hasEnded(slot: number): boolean {
    return this.#ended.has(slot);
  }

  outcome(slot: number): EndedTask | undefined {
    return this.#ended.get(slot)?.();
  }

  /** What is said of any other number is older, or a lie. */
  ended(slot: number, number: number, told: (() => EndedTask) | undefined): void {
    if (this.#numbers[slot] === number) this.#ended.set(slot, told);
  }
}

/** Claims of a worker that counts what it begins: a process. */
export function countedClaims(slots: number, places: number, begun: () => number): TaskClaims {
  return new CountedClaims(slots, places, begun);
}
