// Length: all that is known of one worker, and every check of what it says of its slots.

import {
  ABORT,
  CREDIT,
  DEFINE,
  FORGET,
  PARKED,
  REVOKE,
  SETUP,
  STOP,
  TIME,
  TRACED,
  UNDEFINE,
} from "../wire/messages.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import { clock } from "../futures/clock.ts";
import { encodeError } from "../wire/error_codec.ts";
import type { AsyncContext, WorkerHandle } from "../runtime/runtime.ts";
import { Breach, integer } from "./breach.ts";
import { carriersOf, runMessage } from "./run_message.ts";
import { newSecret } from "./secret.ts";
import { Claims } from "./claims.ts";
import { MAX_WINDOW } from "./task_registry.ts";
import type { ItemQueue } from "./item_queue.ts";
import type { TaskEntry } from "./task_registry.ts";
import type { WorkItem, WorkItemHolder } from "./work_item.ts";

/** Slots of one worker: room for a window, for as many that are taken back, and for some that last. */
const MIN_SLOTS = 4 * MAX_WINDOW;

/** More would cost memory for tasks that no thread runs at once. */
const MAX_SLOTS = 2 ** 17;

/** How many task functions a worker knows at once. One that is forgotten and used again is sent again. */
const MAX_DEFINED = 512;

/**
 * The life of a worker, in one direction:
 * starting (program loads) -> initializing -> live -> stopping -> dead.
 */
export type WorkerState = "starting" | "initializing" | "live" | "stopping" | "dead";

/** In a slot whose task was taken back, until the worker says that it has passed it. */
const REVOKED = Symbol("revoked");

/** In a slot whose task is settled by what the worker left there, until the worker tells the same. */
const TOLD = Symbol("told");

/** How a worker ended, as far as the runtime tells. */
export interface WorkerEnd {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly pid?: number | undefined;
}

/** How a worker ended, in words. */
export function describeEnd({ exitCode, signal }: WorkerEnd): string {
  if (signal !== undefined) return `died of ${signal}`;
  return exitCode === undefined ? "died" : `died with exit code ${exitCode}`;
}

/** One worker as the scheduler sees it: its handle, its claims, and what was sent to it. */
export class WorkerSlot implements WorkItemHolder {
  readonly name: string;
  readonly claims: Claims;
  /** What stands with the kind at the head of each message, once the worker was told. */
  readonly secret: number;
  /** How many tasks it can have, those that were taken back and not passed yet included. */
  readonly slots: number;
  /** Set right after the start; a runtime may report events before it returns the handle. */
  handle!: WorkerHandle;
  state: WorkerState = "starting";
  /** Tasks sent and not settled, those taken back not counted. */
  inFlight = 0;
  /** Of these, how many are long or unknown. */
  longTasks = 0;
  /** How many more tasks may be sent before the worker is replaced. */
  remaining: number;
  /** When its start began. */
  readonly startedAt: number = clock.now();
  /** When it last said something, in milliseconds of the scheduler's clock. */
  lastMessageAt = 0;
  /** How many messages came that only the program can have sent. */
  received = 0;
  /** How often it was looked at, one look after the other, and seen to stand still. */
  stillLooks = 0;
  /** Whether what was sent ahead to it was taken back since it was last heard. */
  recalled = false;
  /** What the worker died of, if it said so. */
  error: { readonly reason: unknown } | undefined = undefined;
  /** In which state it was when it got no more work. */
  stateBeforeStop: WorkerState = "starting";
  /** Whether items are being sent to it: until they are, nothing is taken back. */
  sending = false;
  /** Whether a task of it has ended with an outcome: it does not only die. */
  proven = false;
  /** How many deaths had been counted when it was started. */
  startedAfter = 0;
  /** Whether it had tasks when it got no more work. */
  wasBusy = false;
  /** Whether it is being stopped because of a fault of its own. */
  crashed = false;
  /** The last exit code it announced. */
  exitCode: number | undefined = undefined;
  /** Tasks that wait for those which they have submitted. They count among none of the others. */
  lent = 0;
  /** It could not read a message, and takes no tasks any more. */
  missedMessage = false;
  /** The functions that its tasks submit, by their numbers. */
  readonly childTasks: Map<number, TaskEntry> = new Map();
  /** Broadcast tasks that wait until the worker is live. */
  backlog: WorkItem[] = [];
  /** Stops the timer of a question that it has to answer. */
  stopAnswerTimer: (() => void) | undefined = undefined;
  idleTimer: ReturnType<typeof setTimeout> | undefined = undefined;

  /** Tasks that only this worker may take, and have not been sent. */
  own: ItemQueue | undefined = undefined;
  /** Groups of keys whose tasks these are. */
  groups = 0;

  /** Links of the scheduler's list of workers with room. */
  previous: WorkerSlot | undefined = undefined;
  next: WorkerSlot | undefined = undefined;
  listed = false;

  readonly #items: (WorkItem | typeof REVOKED | typeof TOLD | undefined)[];
  /** Tasks that have submitted others: they have no slot. */
  readonly #parked = new Map<number, WorkItem>();
  #head = 0;
  #used = 0;
  /** The slots whose task has been said to begin. */
  readonly #started = new Set<number>();
  /** How many tasks were posted, and for each slot the number of its task, if the worker counts them. */
  #posted = 0;
  #numbers: number[] | undefined = undefined;
  /** What a worker that counts has told of tasks which have ended, by slot, until a message does. */
  readonly #ended = new Map<number, (() => unknown) | undefined>();
  /** The questions for tasks that the worker has not answered, oldest first: the slots of each. */
  #asked: Set<number>[] = [];
  /** Whether it runs on the owner's own thread, which forgets tasks that it may still tell of. */
  readonly #inThread: boolean;
  /** How many tasks run in it at once. */
  readonly #places: number;
  #isSetUp = false;
  #defined = new Set<number>();
  #referenced = false;

  constructor(
    name: string,
    memory: "shared" | "local" | "none",
    tasksPerWorker: number,
    remaining: number,
  ) {
    this.name = name;
    this.slots = Math.min(Math.max(MIN_SLOTS, 2 * tasksPerWorker), MAX_SLOTS);
    this.#items = new Array(this.slots).fill(undefined);
    this.claims = new Claims(this.slots, memory);
    this.#inThread = memory === "local";
    this.#places = tasksPerWorker;
    // Nobody else can post on the owner's own thread; and Cloudflare has no random numbers outside of requests.
    this.secret = this.#inThread ? 0 : newSecret();
    this.remaining = remaining;
  }

  /** Sets the worker up, and tells it the secret. */
  setUp(setup: Omit<WorkerSetup, "secret" | "name" | "claims" | "outcomes">): void {
    const { secret, name, claims: { table, outcomes } } = this;
    this.handle.post([SETUP, { ...setup, secret, name, claims: table, outcomes }]);
    this.#isSetUp = true;
  }

  /** Asks for the times of its tasks, or for none any more. */
  observe(isObserved: boolean): void {
    if (this.state === "live") this.#tell([this.secret + TIME, isObserved]);
  }

  /** Asks the idle worker to end by itself, after its finalizer if that is to run. */
  askToStop(finalizes = false): void {
    this.#tell(this.#isSetUp ? [this.secret + STOP, finalizes] : [STOP]);
  }

  /** Keeps the program alive, or lets it end; only a change reaches the runtime. */
  setReferenced(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (referenced) this.handle.ref();
    else this.handle.unref();
  }

  /** Whether tasks may be sent ahead: it can always be told which of them have begun. */
  get sendsAhead(): boolean {
    return this.claims.table !== undefined || this.counts;
  }

  /** Whether the worker counts what it begins. */
  get counts(): boolean {
    return this.handle.begun !== undefined;
  }

  /** Whether the worker has begun the task, as far as is known; all is known when it has ended. */
  hasBegun({ slot }: WorkItem): boolean {
    if (slot >= PARKED) return true;
    const { begun } = this.handle;
    if (begun === undefined) return this.claims.hasBegun(slot);
    return (this.#numbers?.[slot] ?? Infinity) <= begun;
  }

  /** Whether it has begun any of the tasks that it has, as far as is known. */
  hasBegunAny(): boolean {
    if (this.#parked.size > 0) return true;
    return this.sendsAhead &&
      this.#items.some((item) => typeof item === "object" && this.hasBegun(item));
  }

  /** Whether it has sent more than has arrived, so far. */
  get isMute(): boolean {
    return ((this.claims.sent - this.received) | 0) > 0; // the count goes round
  }

  /**
   * Whether something is wrong if this lasts: it is mute, or was sent tasks and has begun none. Where it
   * cannot be known, false.
   */
  get standsStill(): boolean {
    if (this.isMute) return true;
    if (this.inFlight === 0 || !this.sendsAhead) return false;
    return this.#parked.size === 0 &&
      !this.#items.some((item) => typeof item === "object" && (item.pinned || this.hasBegun(item)));
  }

  /** Whether all that it has may run on another worker. */
  get losesNothing(): boolean {
    return this.#parked.size === 0 &&
      !this.#items.some((item) =>
        typeof item === "object" && (item.moved || item.pinned || this.hasBegun(item))
      );
  }

  /** The async context in which the task in a slot was submitted, where it runs in it. */
  contextOf(slot: number): AsyncContext | undefined {
    const item = slot >= PARKED ? this.#parked.get(slot) : this.#items[slot];
    return typeof item === "object" ? item.control?.context : undefined;
  }

  /** Whether the worker executes the task, as far as is known; where nothing is, whether it was sent. */
  isRunning(item: WorkItem): boolean {
    const { slot } = item;
    if (slot >= PARKED) return true;
    if (!this.counts) return this.claims.isRunning(slot);
    if (this.#ended.has(slot)) return false;
    return this.#started.has(slot) || this.hasBegun(item) || this.#isNext(slot);
  }

  /** Whether a place waits for the task of a worker that counts: what was sent within its places is running. */
  #isNext(slot: number): boolean {
    const numbers = this.#numbers ?? [];
    const number = numbers[slot] ?? Infinity;
    let before = 0;
    for (const item of this.#items) {
      if (typeof item !== "object" || this.#ended.has(item.slot)) continue;
      if ((numbers[item.slot] ?? Infinity) < number && ++before >= this.#places) return false;
    }
    return true;
  }

  /** Whether the worker is known to have ended the task, of which no message has come. */
  hasEnded({ slot }: WorkItem): boolean {
    if (slot >= PARKED) return false;
    return this.#ended.has(slot) || this.claims.hasEnded(slot);
  }

  /** A worker that counts says that a task has ended. What it says of any other is older, or a lie. */
  ended(slot: number, number: number, value: (() => unknown) | undefined): void {
    if (this.#numbers?.[slot] !== number || typeof this.#items[slot] !== "object") return;
    this.#ended.set(slot, value);
  }

  /**
   * Takes the tasks that have ended, and whose outcome the worker has left for whoever looks. Their slots
   * are free when it tells of them.
   */
  takeEnded(): { readonly item: WorkItem; readonly value: unknown }[] {
    const taken: { item: WorkItem; value: unknown }[] = [];
    for (let slot = 0, left = this.inFlight; left > 0 && slot < this.slots; slot++) {
      const item = this.#items[slot];
      if (typeof item !== "object") continue;
      left--;
      if (item.chunk !== 0) continue;
      const given = this.#ended.get(slot);
      const outcome = given === undefined ? this.claims.outcome(slot) : { value: given() };
      if (outcome === undefined) continue;
      this.#items[slot] = TOLD;
      this.#forget(item);
      taken.push({ item, value: outcome.value });
    }
    return taken.sort((a, b) => a.item.sequence - b.item.sequence);
  }

  /** Whether there is a slot for one more task. */
  get hasSlot(): boolean {
    return this.#used < this.slots;
  }

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
    item.worker = this;
    item.slot = slot;
    this.inFlight++;
    if (item.long) this.longTasks++;
    this.remaining--;
  }

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
      if (this.claims.hasBegun(slot)) return item;
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
    if (this.#started.has(item.slot)) throw new Breach("a task begins a second time");
    this.#started.add(item.slot);
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
      if (parked !== undefined) this.#forget(parked);
      return parked;
    }
    const item = this.#items[slot];
    if (item === undefined) return undefined;
    this.#items[slot] = undefined;
    this.#used--;
    if (typeof item !== "object") return undefined;
    this.#forget(item);
    return item;
  }

  /** Takes a task back if the worker has not begun it. Its slot is free when the worker has passed it. */
  revoke(item: WorkItem): boolean {
    if (item.pinned || this.sending || item.slot >= PARKED || !this.claims.revoke(item.slot)) {
      return false;
    }
    this.#items[item.slot] = REVOKED;
    this.#forget(item);
    this.remaining++;
    return true;
  }

  /**
   * Takes a task back that has never arrived; its slot stays occupied. False if it has begun all the
   * same, as far as can be known.
   */
  lose(item: WorkItem): boolean {
    if (item.slot >= PARKED) return false;
    if (!this.claims.revoke(item.slot) && this.sendsAhead && this.hasBegun(item)) return false;
    this.#items[item.slot] = REVOKED;
    this.#forget(item);
    return true;
  }

  /**
   * Takes back up to `most` tasks that the worker has not begun, the last ones first.
   *
   * @param which Those that are meant. @default {those that can run elsewhere}
   */
  revokeLast(most: number, which: (item: WorkItem) => boolean = canMove): WorkItem[] {
    const taken: WorkItem[] = [];
    const items = this.#items;
    let seen = 0;
    const inFlight = this.inFlight;
    for (let back = 1; back <= this.slots && seen < inFlight && taken.length < most; back++) {
      const item = items[(this.#head - back + this.slots) % this.slots];
      if (typeof item !== "object") continue;
      seen++;
      if (!which(item)) continue;
      if (this.revoke(item)) taken.push(item);
    }
    return taken;
  }

  /** Whether it has not answered yet what it gives back. It gets nothing until then: that is older. */
  get isAsked(): boolean {
    return this.#asked.length > 0;
  }

  /** Asks for up to `most` tasks that the worker has not begun; otherwise as `revokeLast`. */
  askBack(most: number, which: (item: WorkItem) => boolean = canMove): void {
    const waiting = this.itemsInFlight().filter((item) =>
      !item.pinned && !this.hasBegun(item) && which(item)
    );
    if (waiting.length === 0) return;
    const slots = waiting.slice(-most).map(({ slot }) => slot);
    this.#asked.push(new Set(slots));
    this.#tell([this.secret + REVOKE, ...slots]);
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
      this.remaining++;
      items.push(item);
    }
    return items;
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

  /** Every task in flight, oldest first; the chunks of one `map` as they were sent. */
  itemsInFlight(): WorkItem[] {
    const found: WorkItem[] = [];
    for (const item of this.#items) if (typeof item === "object") found.push(item);
    for (const item of this.#parked.values()) found.push(item);
    const numbers = this.#numbers ?? [];
    return found.sort((a, b) =>
      a.sequence - b.sequence || (numbers[a.slot] ?? 0) - (numbers[b.slot] ?? 0)
    );
  }

  /** Whether it has tasks, those included that wait for others. */
  get isBusy(): boolean {
    return this.inFlight > 0 || this.lent > 0;
  }

  /**
   * A running task submits others. It needs its slot no more: how deep a tree may be is not bounded by them.
   *
   * @throws {Breach} If another has that number.
   */
  park(item: WorkItem, parked: number): void {
    if (item.slot >= PARKED || this.#parked.has(parked)) {
      throw new Breach("a parked task has the number of another");
    }
    if (this.#started.size > 0) this.#started.delete(item.slot);
    this.#items[item.slot] = undefined;
    this.#used--;
    this.#parked.set(parked, item);
    item.slot = parked;
  }

  /** The task waits for others: its place is free. */
  lend(item: WorkItem): void {
    const control = item.control!;
    if (control.lends || item.worker !== this) return;
    control.lends = true;
    this.lent++;
    this.inFlight--;
    if (item.long) this.longTasks--;
  }

  /** It waits no more. */
  unlend(item: WorkItem): void {
    const control = item.control!;
    if (!control.lends || item.worker !== this) return;
    control.lends = false;
    this.lent--;
    this.inFlight++;
    if (item.long) this.longTasks++;
  }

  /** How many of its tasks the worker has not begun. */
  countUnstarted(): number {
    return this.#count((item) => !item.done && !this.hasEnded(item)) - this.#countBegun();
  }

  /**
   * How many of its tasks have begun and not ended. `running` are those that take its places; the others
   * wait for those which they have submitted, or for their place, when these have ended.
   */
  countRunning(): { begun: number; running: number } {
    const inSlots = this.#countBegun();
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

  /** As if `isRunning` was asked of each, but in linear time. */
  #countBegun(): number {
    if (!this.counts) return this.#count((item) => !item.done && this.claims.isRunning(item.slot));
    let known = 0;
    let left = 0;
    for (const item of this.#items) {
      if (typeof item !== "object" || item.done || this.#ended.has(item.slot)) continue;
      left++;
      if (this.#started.has(item.slot) || this.hasBegun(item)) known++;
    }
    return Math.max(known, Math.min(left, this.#places));
  }

  #count(which: (item: WorkItem) => boolean): number {
    let count = 0;
    for (const item of this.#items) if (typeof item === "object" && which(item)) count++;
    return count;
  }

  #forget(item: WorkItem): void {
    if (this.#started.size > 0) this.#started.delete(item.slot);
    if (this.#ended.size > 0) this.#ended.delete(item.slot);
    if (item.control?.lends) this.lent--;
    else {
      this.inFlight--;
      if (item.long) this.longTasks--;
    }
    item.worker = undefined;
    item.slot = -1;
    if (item.control?.lane !== undefined && item.done) item.control.lane.done(item);
  }

  /**
   * Sends items that have their slots, in one message.
   *
   * @throws What the runtime throws if something in it cannot be cloned; then nothing was sent.
   */
  post(items: readonly WorkItem[], transfer?: readonly Transferable[]): void {
    let last: TaskEntry | undefined;
    for (const { task } of items) {
      if (task === last) continue;
      last = task;
      if (!this.#defined.has(task.id)) this.#define(task);
    }
    const run = runMessage(this.secret, items);
    const carriers = carriersOf(items);
    const message = carriers === undefined ? run : [this.secret + TRACED, carriers, run];
    this.handle.post(message, transfer);
    if (this.#defined.size > MAX_DEFINED) this.#undefine();
    if (!this.counts) return;
    const numbers = this.#numbers ??= new Array<number>(this.slots).fill(Infinity);
    for (const item of items) numbers[item.slot] = ++this.#posted;
  }

  /** Asks a task to end that was sent, or to be given back if it has not begun. */
  abort(item: WorkItem, reason: unknown): void {
    item.control?.stream?.stop();
    this.#tell([this.secret + ABORT, item.slot, encodeError(reason, this.handle.check)]);
    if (this.counts) this.askBack(1, (one) => one === item);
  }

  grant(item: WorkItem, count: number): void {
    this.#tell([this.secret + CREDIT, item.slot, count]);
  }

  /** Tells a worker on the owner's thread that its task is not waited for any more. */
  forget(item: WorkItem): void {
    this.#tell([this.secret + FORGET, item.slot]);
    this.release(item.slot);
  }

  /** See `#tell`. */
  tell(message: readonly unknown[]): void {
    this.#tell(message);
  }

  /** Says what can always be cloned: a worker that throws at that is one that cannot be talked to. */
  #tell(message: readonly unknown[]): void {
    try {
      this.handle.post(message);
    } catch (reason) {
      this.error ??= { reason };
      this.handle.terminate();
    }
  }

  #define(task: TaskEntry): void {
    this.handle.post([this.secret + DEFINE, task.id, task.wire]);
    this.#defined.add(task.id);
  }

  /** Lets the worker forget the half of its functions that it has known for longest. */
  #undefine(): void {
    const oldest = [...this.#defined].slice(0, MAX_DEFINED / 2);
    for (const id of oldest) this.#defined.delete(id);
    this.#tell([this.secret + UNDEFINE, ...oldest]);
  }
}

/** Whether a task may run on another worker, when this one has ended. */
function canMove(item: WorkItem): boolean {
  return !item.moved;
}
