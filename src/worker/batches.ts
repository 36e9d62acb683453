import { FLAG_CHUNK, FLAG_PACKED, RUN_HEADER } from "../wire/messages.ts";
import { append, SafeMap, SafeSet } from "../wire/originals.ts";

/** A batch and how far it is done. */
export interface Batch {
  /** A `RUN`. */
  readonly message: readonly unknown[];
  /** Where the header of the segment stands that comes next. */
  at: number;
  /** Tasks of that segment that have not begun; -1 before the first of them. */
  left: number;
  next: Batch | undefined;
}

/** The tasks that have arrived and have not begun, in a chain of batches. */
export class Batches {
  #first: Batch | undefined = undefined;
  #last: Batch | undefined = undefined;
  /** How many tasks that wait here were given back, by slot: those of a slot that come first. */
  #returned = new SafeMap<number, number>();

  get first(): Batch | undefined {
    return this.#first;
  }

  add(message: readonly unknown[]): void {
    const batch: Batch = { message, at: 1, left: -1, next: undefined };
    if (this.#last === undefined) this.#first = batch;
    else this.#last.next = batch;
    this.#last = batch;
  }

  /** The first is done. */
  removeFirst(): void {
    this.#first = this.#first!.next;
    if (this.#first === undefined) this.#last = undefined;
  }

  /** The numbers of the functions of all its tasks. */
  functions(): SafeSet<number> {
    const waiting = new SafeSet<number>();
    for (let batch = this.#first; batch !== undefined; batch = batch.next) {
      const { message, at } = batch;
      for (let header = at; header < message.length;) {
        waiting.add(message[header] as number);
        header += rowLength(message, header);
      }
    }
    return waiting;
  }

  /** Adds the slots of all its tasks to a list. */
  addSlots(slots: number[]): void {
    for (let batch = this.#first; batch !== undefined; batch = batch.next) {
      const { message, at, left } = batch;
      for (let header = at; header < message.length;) {
        const slot = message[header + 3] as number;
        const count = message[header + 4] as number;
        const isChunk = ((message[header + 1] as number) & FLAG_CHUNK) !== 0;
        const tasks = isChunk ? 1 : header === at && left >= 0 ? left : count;
        const last = slot + (isChunk ? 0 : count - 1);
        for (let i = 0; i < tasks; i++) append(slots, last - i);
        header += rowLength(message, header);
      }
    }
  }

  /** Gives back tasks that have not begun, of those in the slots of a `REVOKE`: the slots of these. */
  giveBack(message: readonly number[]): number[] {
    const waiting = new SafeMap<number, number>();
    const slots: number[] = [];
    this.addSlots(slots);
    for (let i = 0; i < slots.length; i++) {
      waiting.set(slots[i]!, (waiting.get(slots[i]!) ?? 0) + 1);
    }
    const given: number[] = [];
    for (let i = 1; i < message.length; i++) {
      const slot = message[i]!;
      // A slot waits twice if its task was returned, but not passed yet, and another came into it.
      const returned = this.#returned.get(slot) ?? 0;
      if ((waiting.get(slot) ?? 0) <= returned) continue;
      this.#returned.set(slot, returned + 1);
      append(given, slot);
    }
    return given;
  }

  /** Whether the task that comes next in a slot was given back: then it is passed by. */
  passReturned(slot: number): boolean {
    if (this.#returned.size === 0) return false;
    const returned = this.#returned.get(slot);
    if (returned === undefined) return false;
    if (returned > 1) this.#returned.set(slot, returned - 1);
    else this.#returned.delete(slot);
    return true;
  }
}

/** Places in a message that one row of it takes, with its header. */
function rowLength(message: readonly unknown[], header: number): number {
  if (((message[header + 1] as number) & FLAG_PACKED) !== 0) return RUN_HEADER + 1;
  return RUN_HEADER + (message[header + 2] as number) * (message[header + 4] as number);
}
