import { ItemQueue, Level } from "./item_queue.ts";
import type { WorkItem, WorkItemLane } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/**
 * In how many groups keys are put. A group belongs to one worker, and nothing is remembered of a key that
 * has no tasks: a million keys cost this many words. Fewer would put keys together on one worker while
 * another has none.
 */
const GROUPS = 4096;

/** The tasks of one key that are not done, in order. */
class Lane implements WorkItemLane {
  readonly key: unknown;
  readonly group: number;
  /** Those that may not be sent yet. */
  readonly waiting: Level = new Level(0, 0);
  /** How many others there are: in the queue of their worker, or with it. */
  out = 0;
  /** Of what priority these are. */
  priority = 0;
  readonly #lanes: Lanes;

  constructor(lanes: Lanes, key: unknown, group: number) {
    this.#lanes = lanes;
    this.key = key;
    this.group = group;
  }

  done(item: WorkItem): void {
    this.#lanes.done(this, item);
  }
}

/**
 * Tasks with an affinity: those of one key run on one worker, in order, one after the other. A key
 * belongs to a group, and a group to a worker as long as that lives. A worker that runs one task at a
 * time may be sent several of one key ahead; otherwise the next is sent when the one before has left.
 */
export class Lanes {
  /** Tasks that no worker has. */
  length = 0;
  /** Called when a task may be sent. Set right after construction. */
  onReady!: () => void;
  readonly #serial: boolean;
  readonly #lanes = new Map<unknown, Lane>();
  /** The worker of each group that has one. */
  readonly #homes: (WorkerSlot | undefined)[] = [];
  /** Workers that may be able to take one of their own: only these are tried. */
  #ready = new Set<WorkerSlot>();
  /** Tasks that could be sent, of groups without a worker. */
  readonly #homeless = new ItemQueue();

  /** @param serial Whether a worker runs one task at a time. */
  constructor(serial: boolean) {
    this.#serial = serial;
  }

  /** How many keys have tasks. */
  get size(): number {
    return this.#lanes.size;
  }

  push(item: WorkItem): void {
    const control = item.control!;
    const key = control.affinity;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(this, key, groupOf(key));
      this.#lanes.set(key, lane);
    }
    control.lane = lane;
    lane.waiting.insertAfter(item, lane.waiting.last);
    this.length++;
    this.#advance(lane);
  }

  /** Puts back what was sent and taken back. */
  restore(item: WorkItem): void {
    const lane = laneOf(item);
    this.#queueOf(lane).restore(item);
    this.length++;
    this.#isReady(lane);
  }

  /** Takes one out. False if it is not here. */
  remove(item: WorkItem): boolean {
    const lane = laneOf(item);
    if (!item.control!.released) lane.waiting.unlink(item);
    else if (!this.#queueOf(lane).remove(item)) return false;
    this.length--;
    return true;
  }

  /** Takes any one out. */
  shift(): WorkItem | undefined {
    for (const lane of this.#lanes.values()) {
      const item = lane.waiting.last ?? this.#queueOf(lane).first;
      if (item !== undefined && this.remove(item)) return item;
    }
    return undefined;
  }

  /** A worker may have room for one of its own. */
  roomIn(worker: WorkerSlot): void {
    if (worker.own?.first !== undefined) this.#ready.add(worker);
  }

  /** The workers that may be able to take one of their own, each told once. */
  takeReady(): Iterable<WorkerSlot> {
    const ready = this.#ready;
    if (ready.size > 0) this.#ready = new Set();
    return ready;
  }

  /** Takes out what this worker is to be sent next. */
  take(worker: WorkerSlot): void {
    worker.own!.shift();
    this.length--;
  }

  done(lane: Lane, item: WorkItem): void {
    const control = item.control!;
    control.lane = undefined;
    if (control.released) lane.out--;
    if (lane.out === 0 && lane.waiting.first === undefined) this.#lanes.delete(lane.key);
    else this.#advance(lane);
  }

  /**
   * Finds a worker for each group that has tasks and none.
   *
   * @param choose Gives the worker that is to have one group more, if there is any.
   */
  settle(choose: () => WorkerSlot | undefined): void {
    if (this.#homeless.length === 0) return;
    const items: WorkItem[] = [];
    for (let item = this.#homeless.shift(); item !== undefined; item = this.#homeless.shift()) {
      items.push(item);
    }
    for (const item of items) {
      const { group } = laneOf(item);
      let home = this.#homes[group];
      if (home === undefined) {
        home = this.#homes[group] = choose();
        if (home !== undefined) home.addGroup();
      }
      this.#queueOf(laneOf(item)).push(item);
      if (home !== undefined) this.#ready.add(home);
    }
  }

  /** The worker has ended: its groups go to others. */
  died(worker: WorkerSlot): void {
    if (worker.groups === 0) return;
    for (let group = 0; group < this.#homes.length; group++) {
      if (this.#homes[group] === worker) this.#homes[group] = undefined;
    }
    worker.dropGroups();
    this.#ready.delete(worker);
    const { own } = worker;
    for (let item = own?.shift(); item !== undefined; item = own!.shift()) {
      this.#homeless.restore(item);
    }
  }

  #queueOf(lane: Lane): ItemQueue {
    const home = this.#homes[lane.group];
    return home === undefined ? this.#homeless : home.ownQueue();
  }

  /** A task of this key may be sent. */
  #isReady(lane: Lane): void {
    const home = this.#homes[lane.group];
    if (home !== undefined) this.#ready.add(home);
    this.onReady();
  }

  /** Lets those go on that may be sent. */
  #advance(lane: Lane): void {
    const { waiting } = lane;
    for (let item = waiting.first; item !== undefined; item = waiting.first) {
      if (lane.out > 0 && !(this.#serial && item.priority === lane.priority)) return;
      waiting.unlink(item);
      item.control!.released = true;
      lane.out++;
      lane.priority = item.priority;
      this.#queueOf(lane).push(item);
      this.#isReady(lane);
    }
  }
}

function laneOf(item: WorkItem): Lane {
  return item.control!.lane as Lane;
}

/** Objects as keys are numbered as they come. */
const numbers = new WeakMap<object, number>();
let count = 0;

/** The group of a key: a hash of it. */
function groupOf(key: unknown): number {
  if (typeof key === "object" && key !== null) {
    let number = numbers.get(key);
    if (number === undefined) {
      number = count++;
      numbers.set(key, number);
    }
    return number % GROUPS;
  }
  const text = `${typeof key} ${key as string}`;
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  return (hash >>> 0) % GROUPS;
}
