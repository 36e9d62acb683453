import { clock } from "../futures/clock.ts";
import { lengthOf, storeAtomic, waitAtomic } from "../wire/originals.ts";
import { WAITS_BACK } from "../wire/messages.ts";

/**
 * Milliseconds that the thread waits at the most, from one turn of its event loop to the next. A wait that ends
 * before the next tick of the system's clock (4 ms at 250 Hz) has the processor's timer set anew, which takes
 * a virtual machine longer than the event loop.
 */
const PATIENCE = 5;

/** Messages that are taken in one turn of the event loop. A turn costs as much as a whole task. */
const MOST_TURNS = 16;

/** What is used of Node. */
export interface WaitTools {
  /** Calls back in a turn of the event loop, between which and the next one microtasks run. */
  turn(callback: () => void): unknown;
  /** Calls it back no more. */
  clear(turn: unknown): void;
  /** Takes the next message, if one has come. Throws if it cannot be read. */
  take(): { readonly message: unknown } | undefined;
  /** What keeps the event loop alive. */
  resources(): readonly string[];
}

/** What Node notes the turns in is an array: where a task has put an element onto the prototype of all, it fails. */
function isSpoilt(): boolean {
  return 0 in NOTHING;
}

const NOTHING: readonly unknown[] = [];

/**
 * A thread of Node that waits for its next task without its event loop, for a moment: of the time from `submit`
 * to the result, half is what the two event loops take to wake each other. It does so only while nothing
 * else could happen here: no task has begun, and nothing keeps the event loop alive but the owner's port. Each
 * message comes in a callback of the loop's own, so what tasks leave to microtasks is done between two.
 */
export class ThreadWait {
  readonly #tools: WaitTools;
  readonly #receive: (message: unknown) => void;
  readonly #unreadable: () => void;
  #table: Int32Array | undefined = undefined;
  #at = 0;
  #isIdle: () => boolean = () => false;
  /** Turns that are to come, and how many there were together; see `isSpoilt` for what they are kept. */
  #ahead = 0;
  #turns = 1;
  readonly #coming: unknown[] = new Array(MOST_TURNS).fill(undefined);
  /** When the first of them began to wait, since the event loop went round. */
  #since = 0;

  constructor(
    tools: WaitTools,
    receive: (message: unknown) => void,
    unreadable: () => void,
  ) {
    this.#tools = tools;
    this.#receive = receive;
    this.#unreadable = unreadable;
  }

  /** The owner rings at the end of this table. */
  open(table: Int32Array, isIdle: () => boolean): void {
    this.#table = table;
    this.#at = lengthOf(table) - WAITS_BACK;
    this.#isIdle = isIdle;
  }

  /** A message has come by the event loop. */
  hear(message: unknown): void {
    if (this.#ahead === 0 && this.#table !== undefined) {
      this.#turns = 1;
      this.#goRound();
    }
    this.#take(message);
  }

  /** Asks for turns, before a task is called that may set an async context. */
  #goRound(): void {
    this.#since = 0;
    if (isSpoilt()) return;
    this.#ahead = this.#turns;
    for (let i = 0; i < this.#turns; i++) this.#coming[i] = this.#tools.turn(this.#turn);
  }

  #take(message: unknown): void {
    this.#receive(message);
    if (this.#ahead === 0 || !isSpoilt()) return;
    for (let i = 0; i < this.#turns; i++) this.#tools.clear(this.#coming[i]);
    this.#ahead = 0;
  }

  readonly #turn = (): void => {
    const isLast = --this.#ahead === 0;
    if (this.#turns === 0) return; // nothing came
    let found: { readonly message: unknown } | undefined;
    try {
      found = this.#isIdle() ? this.#next() : undefined;
    } catch {
      this.#turns = 0;
      return this.#unreadable();
    }
    if (found === undefined) {
      this.#turns = 0;
      return;
    }
    if (isLast) {
      if (this.#turns < MOST_TURNS) this.#turns *= 2;
      this.#goRound();
    }
    this.#take(found.message);
  };

  /** Whether nothing keeps the event loop alive but the owner's port, and the turns that are to come. */
  get #isAlone(): boolean {
    try {
      return this.#tools.resources().length <= 1 + this.#ahead;
    } catch {
      return false; // a task has broken what Node finds that out with
    }
  }

  /** The next message, if it comes in time. */
  #next(): { readonly message: unknown } | undefined {
    const table = this.#table!;
    const { take } = this.#tools;
    const now = clock.now();
    if (this.#since === 0) this.#since = now;
    if (now - this.#since > PATIENCE || !this.#isAlone) return take();
    storeAtomic(table, this.#at, 1);
    let found = take();
    if (found === undefined) {
      waitAtomic(table, this.#at, 1, PATIENCE);
      found = take();
    }
    storeAtomic(table, this.#at, 0);
    return found;
  }
}
