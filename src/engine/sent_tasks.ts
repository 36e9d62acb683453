// Length: every slot of one worker, and every check of what the worker says of it.

import { PARKED } from "../wire/messages.ts";
import type { AsyncContext, EndedTask } from "../runtime/runtime.ts";
import { Breach, integer } from "./breach.ts";
import type { Claims } from "./claims.ts";
import type { WorkItem, WorkItemHolder } from "./work_item.ts";
import type { WorkerLoad } from "./worker_load.ts";

/** In a slot whose task was taken back, until the worker says that it has passed it. */
const REVOKED = Symbol("revoked");

/** In a slot whose task is settled by what the worker left there, until the worker tells the same. */
const TOLD = Symbol("told");

/**
 * The tasks that one worker has: where each stands from its message to its outcome, and which may be taken
 * back. What the worker says of a slot is held against it: README.md, "A worker that lies".
 */
export class SentTasks {
  /** How many tasks the worker can have, those that were taken back and not passed yet included. */
  readonly slots: number;
  readonly claims: Claims;
  readonly load: WorkerLoad;
  readonly #worker: WorkItemHolder;
  /** How many tasks run in it at once. */
  readonly #places: number;
  /** Whether it runs on the owner's own thread, which forgets tasks that it may still tell of. */
  readonly #inThread: boolean;
  readonly #items: (WorkItem | typeof REVOKED | typeof TOLD | undefined)[];
  /** Tasks that have submitted others: they have no slot. */
  readonly #parked = new Map<number, WorkItem>();
  /** The slots whose task has been said to begin. */
  readonly #announced = new Set<number>();
  /** The questions for tasks that the worker has not answered, oldest first: the slots of each. */
  #asked: Set<number>[] = [];
  #head = 0;
  #used = 0;
  #isSending = false;

  constructor(
    worker: WorkItemHolder,
    slots: number,
    claims: Claims,
    load: WorkerLoad,
    places: number,
    inThread: boolean,
  ) {
    this.slots = slots;
    this.claims = claims;
    this.load = load;
    this.#worker = worker;
    this.#places = places;
    this.#inThread = inThread;
    this.#items = new Array(slots).fill(undefined);
  }

  // --- all of them ---

  /** Whether the worker may be sent more, as far as that is up to how many it had, and to what it was asked. */
  get takesMore(): boolean {
    return (this.load.remaining > 0 || this.load.lends) && this.#asked.length === 0;
  }

  /** Whether there is a slot for one more task. */
  get hasSlot(): boolean {
    return this.#used < this.slots;
  }

  /** Every task in flight, oldest first; the chunks of one `map` as they were sent. */
  all(): WorkItem[] {
    const found: WorkItem[] = [];
    this.#some((item) => found.push(item));
    found.reverse();
    for (const item of this.#parked.values()) found.push(item);
    return found.sort((a, b) =>
      a.sequence - b.sequence || this.claims.numberOf(a.slot) - this.claims.numberOf(b.slot)
    );
  }

  /** How many of them the worker has not begun. */
  countUnstarted(): number {
    const { left, running } = this.#count();
    return left - running;
  }

  /**
   * How many of them have begun and not ended. `running` are those that take the worker's places; the others
   * wait for those which they have submitted, or for their place, when these have ended.
   */
  countRunning(): { begun: number; running: number } {
    const { running: inSlots } = this.#count();
    let parked = 0;
    let lent = 0;
    for (const item of this.#parked.values()) {
      if (item.done) continue;
      parked++;
      if (item.control!.lends) lent++;
    }
    const free = Math.max(0, this.#places - inSlots);
    return { begun: inSlots + parked, running: inSlots + Math.min(parked - lent, free) };
  }

  /** As if `isRunning` was asked of each that has a slot, but in linear time. */
  #count(): { left: number; running: number } {
    const { claims } = this;
    let left = 0;
    let known = 0;
    this.#some((item) => {
      if (item.done || claims.hasEnded(item.slot)) return;
      left++;
      if (this.#announced.has(item.slot) || claims.hasBegun(item.slot)) known++;
    });
    return { left, running: Math.max(known, Math.min(left, claims.presumed)) };
  }

  // --- what is known of one ---

  /** Whether the worker has begun the task, as far as is known; all is known when it has ended. */
  hasBegun({ slot }: WorkItem): boolean {
    return slot >= PARKED || this.claims.hasBegun(slot);
  }

  /** Whether it is known that the worker has begun the task: false where nobody knows. */
  isKnownToHaveBegun(item: WorkItem): boolean {
    return this.claims.sendsAhead && this.hasBegun(item);
  }

  /** Whether the worker executes the task, as far as is known; where nothing is, whether it was sent. */
  isRunning({ slot }: WorkItem): boolean {
    if (slot >= PARKED) return true;
    if (this.claims.hasEnded(slot)) return false;
    return this.#announced.has(slot) || this.claims.isRunning(slot);
  }

  /** Whether the worker is known to have ended the task, of which no message has come. */
  hasEnded({ slot }: WorkItem): boolean {
    return slot < PARKED && this.claims.hasEnded(slot);
  }

  /** Whether the worker has begun any of them, as far as is known. */
  hasBegunAny(): boolean {
    return this.#parked.size > 0 || this.#some((item) => this.isKnownToHaveBegun(item));
  }

  /** Whether there are some, and the worker is known to have begun none: that is wrong if it lasts. */
  get standStill(): boolean {
    if (this.load.inFlight === 0 || !this.claims.sendsAhead || this.#parked.size > 0) return false;
    return !this.#some((item) => item.pinned || this.hasBegun(item));
  }

  /** Whether all of them may run on another worker. */
  get canMove(): boolean {
    if (this.#parked.size > 0) return false;
    return !this.#some((item) => item.moved || item.pinned || this.hasBegun(item));
  }

  /**
   * Whether one of those that have a slot is meant, the youngest asked first. Slots go round, so they lie
   * close together, and the look ends with the last of them: it costs what there is, not what could be.
   */
  #some(which: (item: WorkItem) => unknown): boolean {
    const items = this.#items;
    for (let back = 1, left = this.#used; left > 0 && back <= this.slots; back++) {
      const item = items[(this.#head - back + this.slots) % this.slots];
      if (item === undefined) continue;
      left--;
      if (typeof item === "object" && which(item) === true) return true;
    }
    return false;
  }

  /** The async context in which the task in a slot was submitted, where it runs in it. */
  contextOf(slot: number): AsyncContext | undefined {
    const item = slot >= PARKED ? this.#parked.get(slot) : this.#items[slot];
    return typeof item === "object" ? item.control?.context : undefined;
  }

  // --- sending ---

  /**
   * Gives an item the next free slot. Slots go round, so that tasks sent together have slots in a
   * row; one that is still occupied by a task that lasts is passed by.
   */
  assign(item: WorkItem): void {
    const items = this.#items;
    let slot = this.#head;
    while (items[slot] !== undefined) slot = (slot + 1) % this.slots;
    this.#head = (slot + 1) % this.slots;
    this.#used++;
    items[slot] = item;
    this.claims.open(slot);
    item.worker = this.#worker;
    item.slot = slot;
    this.load.add(item);
  }

  /**
   * Items are about to be sent. Getters of their arguments run meanwhile, and may cancel or terminate what
   * they like: nothing is taken back until `endSending`.
   *
   * @returns What `endSending` is to be given: one may happen within another.
   */
  beginSending(): boolean {
    const before = this.#isSending;
    this.#isSending = true;
    return before;
  }

  endSending(before: boolean): void {
    this.#isSending = before;
  }

  // --- what the worker says ---

  /**
   * The item in a slot of which the worker says that it runs. `undefined` if it is not waited for any
   * more.
   *
   * @throws {Breach} If no task in that slot can be running.
   */
  running(said: unknown): WorkItem | undefined {
    if (this.#parked.size > 0) {
      const parked = this.#parked.get(said as number);
      if (parked !== undefined) return parked;
    }
    if (this.#inThread && said as number >= PARKED) return undefined;
    const slot = this.#slotOf(said);
    const item = this.#items[slot];
    if (typeof item === "object") {
      if (this.claims.mayHaveBegun(slot)) return item;
      throw new Breach(`the task in slot ${slot} has not begun`);
    }
    if (this.#inThread || item === TOLD) return undefined;
    throw new Breach(`no task runs in slot ${slot}`);
  }

  /**
   * The item in a slot of which the worker says that it begins. `undefined` as with `running`.
   *
   * @throws {Breach} If nobody asked for that, or it has been said before.
   */
  begins(said: unknown): WorkItem | undefined {
    const item = this.running(said);
    if (item === undefined) return undefined;
    if (item.slot >= PARKED) throw new Breach("a task begins that has submitted others");
    if (!item.notifies) throw new Breach("a task begins whose begin nobody asked for");
    if (this.#announced.has(item.slot)) throw new Breach("a task begins a second time");
    this.#announced.add(item.slot);
    return item;
  }

  #slotOf(said: unknown): number {
    return integer(said, 0, this.slots - 1, "a slot");
  }

  /** The worker tells how a task has ended that is not waited for any more: its slot is free. */
  pass(slot: number): void {
    if (this.#items[slot] === TOLD) this.release(slot);
  }

  /** Takes the item out of a slot: it is settled. */
  release(slot: number): WorkItem | undefined {
    if (slot >= PARKED) {
      const parked = this.#parked.get(slot);
      this.#parked.delete(slot);
      if (parked !== undefined) this.#letGo(parked);
      return parked;
    }
    const item = this.#items[slot];
    if (item === undefined) return undefined;
    this.#items[slot] = undefined;
    this.#used--;
    if (typeof item !== "object") return undefined;
    this.#close(slot);
    this.#letGo(item);
    return item;
  }

  /**
   * The worker has passed these slots, whose tasks were taken back.
   *
   * @throws {Breach} If one of them was not.
   */
  skipped(said: unknown, count: number): void {
    const slot = this.#slotOf(said);
    integer(slot + count, 0, this.slots, "the end of a row of slots");
    for (let i = 0; i < count; i++) {
      if (this.#items[slot + i] !== REVOKED) {
        throw new Breach(`it passed slot ${slot + i}, whose task was not taken back`);
      }
      this.release(slot + i);
    }
  }

  /** The slots that follow in the message: those of the tasks that the worker has, as it says. */
  heldSlots(message: readonly unknown[]): Set<number> {
    // A slot stands there twice if what was in it was given back and is not passed yet.
    integer(message.length, 1, 1 + 3 * this.slots, "the length of a message");
    const held = new Set<number>();
    for (let at = 1; at < message.length; at++) {
      const slot = message[at];
      if (!this.#parked.has(slot as number)) held.add(this.#slotOf(slot));
      else held.add(slot as number);
    }
    return held;
  }

  /**
   * Takes the tasks that have ended, and whose outcome the worker has left for whoever looks. Their slots
   * are free when it tells of them.
   */
  takeEnded(): { readonly item: WorkItem; readonly ended: EndedTask }[] {
    const taken: { item: WorkItem; ended: EndedTask }[] = [];
    this.#some((item) => {
      const ended = item.chunk === 0 ? this.claims.outcome(item.slot) : undefined;
      if (ended === undefined) return;
      this.#replace(item, TOLD);
      taken.push({ item, ended });
    });
    return taken.sort((a, b) => a.item.sequence - b.item.sequence);
  }

  // --- taking back ---

  /** Takes a task back if the worker has not begun it. Its slot is free when the worker has passed it. */
  revoke(item: WorkItem): boolean {
    if (item.pinned || this.#isSending || item.slot >= PARKED || !this.claims.revoke(item.slot)) {
      return false;
    }
    this.#replace(item, REVOKED);
    this.load.giveBack();
    return true;
  }

  /**
   * Takes a task back that has never arrived; its slot stays occupied. False if it has begun all the
   * same, as far as can be known.
   */
  lose(item: WorkItem): boolean {
    if (item.slot >= PARKED) return false;
    if (!this.claims.revoke(item.slot) && this.isKnownToHaveBegun(item)) return false;
    this.#replace(item, REVOKED);
    return true;
  }

  /**
   * Takes back up to `most` tasks that the worker has not begun, the last ones first.
   *
   * @param which Those that are meant. @default {those that can run elsewhere}
   */
  revokeLast(most: number, which: (item: WorkItem) => boolean = canMove): WorkItem[] {
    const taken: WorkItem[] = [];
    this.#some((item) => {
      if (taken.length < most && which(item) && this.revoke(item)) taken.push(item);
      return taken.length >= most;
    });
    return taken;
  }

  /** Whether the worker has not answered yet what it gives back. It gets nothing until then: that is older. */
  get isAsked(): boolean {
    return this.#asked.length > 0;
  }

  /**
   * What the worker is to be asked for: up to `most` tasks that it has not begun, otherwise as `revokeLast`.
   *
   * @returns Their slots.
   */
  ask(most: number, which: (item: WorkItem) => boolean = canMove): number[] {
    const waiting = this.all().filter((item) =>
      !item.pinned && !this.hasBegun(item) && which(item)
    );
    const slots = waiting.slice(-most).map(({ slot }) => slot);
    if (slots.length > 0) this.#asked.push(new Set(slots));
    return slots;
  }

  /**
   * The worker has answered: it gives back what is in the slots that follow in the message.
   *
   * @throws {Breach} If it was not asked for one of them.
   */
  returned(message: readonly unknown[]): WorkItem[] {
    const asked = this.#asked.shift();
    if (asked === undefined) throw new Breach("it gives tasks back that nobody asked for");
    const items: WorkItem[] = [];
    integer(message.length, 1, 1 + asked.size, "the length of a message");
    for (let at = 1; at < message.length; at++) {
      const slot = this.#slotOf(message[at]);
      const item = this.#items[slot];
      // Whether the count says that it has begun does not matter: it counts what it passes by, too, and
      // the count comes by a stream of its own, maybe before this message.
      if (!asked.delete(slot) || typeof item !== "object") {
        throw new Breach(`it cannot give back what is in slot ${slot}`);
      }
      this.release(slot);
      this.load.giveBack();
      items.push(item);
    }
    return items;
  }

  // --- tasks that submit others ---

  /**
   * A running task submits others. It needs its slot no more: how deep a tree may be is not bounded by them.
   *
   * @throws {Breach} If another has that number.
   */
  park(item: WorkItem, parked: number): void {
    const { slot } = item;
    if (slot >= PARKED || this.#parked.has(parked)) {
      throw new Breach("a parked task has the number of another");
    }
    this.#items[slot] = undefined;
    this.#used--;
    this.#close(slot);
    this.#parked.set(parked, item);
    item.slot = parked;
  }

  // --- leaving ---

  #replace(item: WorkItem, mark: typeof REVOKED | typeof TOLD): void {
    const { slot } = item;
    this.#items[slot] = mark;
    this.#close(slot);
    this.#letGo(item);
  }

  #close(slot: number): void {
    if (this.#announced.size > 0) this.#announced.delete(slot);
    this.claims.close(slot);
  }

  #letGo(item: WorkItem): void {
    this.load.remove(item);
    item.worker = undefined;
    item.slot = -1;
    if (item.control?.lane !== undefined && item.done) item.control.lane.done(item);
  }
}

/** Whether a task may run on another worker, when this one has ended. */
function canMove(item: WorkItem): boolean {
  return !item.moved;
}
