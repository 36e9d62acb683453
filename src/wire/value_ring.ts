/**
 * Numbers of a stream in memory that its worker and its owner share: in a steady state no message is sent.
 * The worker writes and counts what it has made, the owner reads and counts what it has taken, and the worker is
 * never more than the ring is long ahead. Each tells the other when it waits.
 *
 * Counts go round, so that their difference is what counts.
 *
 * @module
 */

import {
  addAtomic,
  compareExchange,
  DoublesOf,
  IntegersOf,
  lengthOf,
  loadAtomic,
  notifyAtomic,
  storeAtomic,
  waitAtomic,
} from "./originals.ts";

/** What the two share. */
export interface ValueRing {
  readonly cells: Int32Array;
  readonly numbers: Float64Array;
}

/** How many values were made, how many taken. */
const MADE = 0;
const TAKEN = 1;
/** The owner waits for a message about what is there. */
const WANTED = 2;
/** What the worker does that has no room. */
const REST = 3;
/** Changes when it is to look again. */
const WAKE = 4;
/** A message of the owner's is not to wait. */
const CALLED = 5;
const CELLS = 6;

/** It looks at the ring. */
const AWAKE = 0;
/** Its thread waits for a moment. */
const ASLEEP = 1;
/** It waits for a message. */
const IDLE = 2;

/**
 * Looks of a worker that has no room, before it rests. Once both run side by side, a few microseconds are
 * enough; until then the owner has to hear of the first values, which takes longer. It is tried again and again.
 */
const MANY_LOOKS = 12_000;
const FEW_LOOKS = 100;
const TRY_EVERY = 16;

/**
 * Looks of an owner that has taken all: the worker may be about to make the next. To fall asleep and to be woken by a
 * message takes longer than a whole ring, and whoever wakes may find the other asleep again, and so on. So it looks for
 * about as long as that takes, while this pays, and tries again and again.
 */
const OWNER_MANY_LOOKS = 2_000;
const OWNER_FEW_LOOKS = 50;
const OWNER_TRIES_EVERY = 8;

/** Milliseconds that a thread waits for room before it reads messages. */
const SLEEP_MILLISECONDS = 0.5;

/** Longer buffers need none: there a message is about many values. */
export const MOST_VALUES = 1024;

/** The ring of a stream, as long as its buffer. */
export function newRing(length: number): ValueRing {
  const cells = 4 * CELLS;
  const memory = new SharedArrayBuffer(cells + 8 * length);
  return {
    cells: new IntegersOf(memory, 0, CELLS),
    numbers: new DoublesOf(memory, cells, length),
  };
}

/** The worker's side. */
export class RingWriter {
  readonly #cells: Int32Array;
  readonly #numbers: Float64Array;
  readonly #length: number;
  #made = 0;
  #at = 0;
  /** As far as it has looked. */
  #taken = 0;
  #waits = 0;
  #looks = MANY_LOOKS;

  constructor({ cells, numbers }: ValueRing) {
    this.#cells = cells;
    this.#numbers = numbers;
    this.#length = lengthOf(numbers);
  }

  /** How many values may be written, and how many were taken when it looked. */
  get room(): number {
    this.#taken = loadAtomic(this.#cells, TAKEN);
    return this.#length - ((this.#made - this.#taken) | 0);
  }

  get taken(): number {
    return this.#taken;
  }

  get hasRoom(): boolean {
    return ((this.#made - this.#taken) | 0) < this.#length || this.room > 0;
  }

  add(value: number): void {
    this.#numbers[this.#at] = value;
    if (++this.#at === this.#length) this.#at = 0;
    this.#made = (this.#made + 1) | 0;
    storeAtomic(this.#cells, MADE, this.#made);
  }

  /** Whether the owner waits for a message about what is there. It is to be sent then. */
  isWanted(): boolean {
    if (loadAtomic(this.#cells, WANTED) === 0 || this.room === this.#length) return false;
    storeAtomic(this.#cells, WANTED, 0);
    return true;
  }

  /** Whether the owner has sent a message that is not to wait. */
  get isCalled(): boolean {
    return loadAtomic(this.#cells, CALLED) !== 0;
  }

  get #isDue(): boolean {
    return 2 * this.room >= this.#length || loadAtomic(this.#cells, WANTED) !== 0;
  }

  /** Waits for room, or for being wanted. False if it is to go idle. */
  wait(sleeps: boolean): boolean {
    const cells = this.#cells;
    const most = ++this.#waits % TRY_EVERY === 0 ? MANY_LOOKS : this.#looks;
    this.#looks = MANY_LOOKS;
    for (let i = 0; i < most; i++) if (this.#isDue) return true;
    this.#looks = FEW_LOOKS;
    if (sleeps) {
      const seen = loadAtomic(cells, WAKE);
      storeAtomic(cells, REST, ASLEEP);
      if (!this.#isDue) waitAtomic(cells, WAKE, seen, SLEEP_MILLISECONDS);
      storeAtomic(cells, REST, AWAKE);
      if (this.#isDue) return true;
    }
    storeAtomic(cells, REST, IDLE);
    if (!this.#isDue) return false;
    storeAtomic(cells, REST, AWAKE);
    return true;
  }
}

/** The owner's side. What the worker says is not believed: more than the ring can hold is nothing. */
export class RingReader {
  readonly memory: ValueRing;
  readonly #length: number;
  /** Asks an idle worker to look. */
  readonly #ask: () => void;
  #taken = 0;
  #at = 0;
  /** As far as it has looked. */
  #made = 0;
  /** Values that were taken and not told. */
  #untold = 0;
  #wants = 0;
  #looks = OWNER_MANY_LOOKS;
  #isClosed = false;

  constructor(length: number, ask: () => void) {
    this.memory = newRing(length);
    this.#length = length;
    this.#ask = ask;
  }

  get taken(): number {
    return this.#taken;
  }

  /** How many values are here. */
  get count(): number {
    if (!this.#isClosed && this.#made === this.#taken) this.#look();
    return (this.#made - this.#taken) | 0;
  }

  #look(): void {
    const made = loadAtomic(this.memory.cells, MADE);
    const count = (made - this.#taken) | 0;
    if (count >= 0 && count <= this.#length) this.#made = made;
  }

  /** Takes one of those that are here. */
  take(): number {
    const value = this.memory.numbers[this.#at]!;
    if (++this.#at === this.#length) this.#at = 0;
    this.#taken = (this.#taken + 1) | 0;
    if (4 * ++this.#untold >= this.#length) this.#tell(false);
    return value;
  }

  /** Tells the worker what was taken, and wakes it if it can go on, or if it has to. */
  #tell(hasTo: boolean): void {
    if (this.#isClosed) return;
    const { cells } = this.memory;
    this.#untold = 0;
    storeAtomic(cells, TAKEN, this.#taken);
    const rest = loadAtomic(cells, REST);
    if (rest === AWAKE) return;
    this.#look();
    if (!hasTo && 2 * ((this.#made - this.#taken) | 0) > this.#length) return;
    if (rest === ASLEEP) {
      // Once: it may take its time to wake.
      if (compareExchange(cells, REST, ASLEEP, AWAKE) !== ASLEEP) return;
      addAtomic(cells, WAKE, 1);
      notifyAtomic(cells, WAKE, 1);
    } else if (compareExchange(cells, REST, IDLE, AWAKE) === IDLE) this.#ask();
  }

  /** Asks for a message about what is there. */
  want(): void {
    if (this.#isClosed) return;
    const { cells } = this.memory;
    const most = ++this.#wants % OWNER_TRIES_EVERY === 0 ? OWNER_MANY_LOOKS : this.#looks;
    let looks = 0;
    while (looks < most && loadAtomic(cells, MADE) === this.#taken) looks++;
    this.#looks = looks < most ? OWNER_MANY_LOOKS : OWNER_FEW_LOOKS;
    storeAtomic(cells, WANTED, 1);
    this.#tell(true);
  }

  /** Nothing is written any more, or what is does not count, and a message says so. What is here stays. */
  close(): void {
    if (this.#isClosed) return;
    this.#look();
    this.#isClosed = true;
    storeAtomic(this.memory.cells, CALLED, 1);
  }
}
