import type { ReturnReason } from "../backend/executor_events.ts";
import { clock } from "../futures/clock.ts";
import type { Settlement } from "./settlement.ts";
import type { SilenceWatch } from "./silence_watch.ts";
import type { TaskQueue } from "./task_queue.ts";
import type { Watch } from "./watch.ts";
import { ItemControl } from "./work_item.ts";
import type { WorkItem, WorkItemOwner } from "./work_item.ts";
import type { WorkerList } from "./worker_list.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/**
 * Silence of a worker, in milliseconds, after which what was sent ahead to it is run elsewhere
 * before younger tasks. Less would take back what is about to run whenever the machine is busy,
 * more delays what waits behind a long task.
 */
const STALLED_AFTER = 10;

/** Takes back what was sent ahead: to cancel it, or because another worker can run it earlier. */
export class TakeBack implements WorkItemOwner {
  readonly notifiesStarts: boolean;
  /** A worker has ended a task, and told nobody. Set right after construction. */
  onEnded!: (worker: WorkerSlot) => void;
  readonly #places: number;
  readonly #queue: TaskQueue;
  readonly #room: WorkerList;
  readonly #settlement: Settlement;
  readonly #silence: SilenceWatch;
  readonly #watch: Watch;
  /** The lowest priority that may be among the tasks sent ahead. */
  #aheadPriority = Infinity;
  /** When it was last looked at who is silent. */
  #lookedAt = 0;
  /** Workers that have tasks which are no longer wanted. */
  readonly #asking = new Set<WorkerSlot>();

  /**
   * @param places How many tasks run in a worker at once.
   * @param notifiesStarts Whether every worker is to say when it begins a task.
   */
  constructor(
    places: number,
    notifiesStarts: boolean,
    queue: TaskQueue,
    room: WorkerList,
    settlement: Settlement,
    silence: SilenceWatch,
    watch: Watch,
  ) {
    this.#places = places;
    this.notifiesStarts = notifiesStarts;
    this.#queue = queue;
    this.#room = room;
    this.#settlement = settlement;
    this.#silence = silence;
    this.#watch = watch;
  }

  /** The item is about to be sent to a worker. */
  assigned(worker: WorkerSlot, item: WorkItem): void {
    if (worker.load.inFlight > this.#places) {
      this.#aheadPriority = Math.min(this.#aheadPriority, item.priority);
    }
  }

  // --- of one task ---

  revokeItem(item: WorkItem): boolean {
    const worker = item.worker;
    if (worker === undefined) {
      // It is nowhere while it fails to be sent; its arguments may ask for it meanwhile.
      return !item.pinned && this.#queue.remove(item);
    }
    if (!worker.revoke(item)) return false;
    this.#room.update(worker as WorkerSlot);
    this.#queue.lanes.roomIn(worker as WorkerSlot);
    return true;
  }

  itemEnded(item: WorkItem): void {
    this.onEnded(item.worker as WorkerSlot);
  }

  itemCancelled(item: WorkItem): void {
    this.#settlement.itemCancelled(item);
  }

  cancelLater(item: WorkItem): void {
    const worker = item.worker as WorkerSlot | undefined;
    if (worker === undefined || !worker.sent.claims.asksBack || item.pinned) return;
    (item.control ??= new ItemControl()).unwanted = true;
    if (this.#asking.add(worker).size > 1) return;
    // Many are cancelled at once, with the rest of a `map`: one question for all.
    clock.queueMicrotask(() => {
      for (const asked of this.#asking) {
        this.#askBack(asked, Infinity, "recalled", isUnwanted);
        this.#silence.asked(asked);
      }
      this.#asking.clear();
    });
  }

  // --- of many ---

  /** All that a worker has not begun goes back into the queue, or is given back when it answers. */
  all(worker: WorkerSlot): void {
    const { sent, load } = worker;
    this.#restore(sent.revokeLast(load.inFlight, () => true), "recalled");
    if (sent.claims.asksBack) { for (const item of sent.all()) this.cancelLater(item); }
    this.#room.update(worker);
  }

  /**
   * Half of what the most loaded worker has not begun, for one that has nothing to do. Where the worker
   * must be asked, it goes back into the queue when the answer comes.
   */
  steal(thief: WorkerSlot): WorkItem[] {
    if (this.#settlement.outstanding < 2) return [];
    // What is sent beyond the places of a worker waits there for sure; with several places, what
    // is sent within them waits only if a task blocks the thread, which only an idle thief asks.
    const settled = thief.load.inFlight === 0 ? 1 : this.#places;
    let victim: WorkerSlot | undefined;
    let most = settled;
    const room = this.#room;
    for (const worker of settled === 1 ? room.loaded : room.ahead) {
      if (worker.load.inFlight > most && worker !== thief && worker.state === "live") {
        victim = worker;
        most = worker.load.inFlight;
      }
    }
    if (victim === undefined) return [];
    const ahead = victim.load.inFlight - settled;
    const wanted = Math.min(Math.ceil(ahead / 2), thief.load.remaining);
    if (victim.sent.claims.asksBack) {
      if (!victim.sent.isAsked) this.#askBack(victim, wanted, "stolen", isFree);
      return [];
    }
    const taken = victim.sent.revokeLast(wanted, isFree).reverse();
    if (taken.length === 0) return taken;
    this.#room.update(victim);
    this.#watch.events?.returned(taken, "stolen");
    return taken;
  }

  /**
   * What waits behind a long task of another worker is older than the queue: it goes first. Once
   * for each silence: what was taken back in error must not wander between the workers.
   */
  recallStalled(fed: WorkerSlot): void {
    if (this.#aheadPriority === Infinity) return;
    const { ahead } = this.#room;
    // With nothing ahead anywhere, as with long tasks, the next reply need not look.
    if (ahead.size === 0) this.#aheadPriority = Infinity;
    const now = fed.lastMessageAt;
    // However many replies come: silence is counted in milliseconds.
    if (now - this.#lookedAt < 1) return;
    this.#lookedAt = now;
    const before = now - STALLED_AFTER;
    for (const worker of [...ahead]) {
      if (worker === fed || worker.isRecalled || worker.lastMessageAt > before) continue;
      worker.recall();
      this.#recall(worker, "recalled", isFree);
    }
  }

  /** Tasks sent ahead make way for a task of higher priority. */
  makeWayForPriority(): void {
    const priority = this.#queue.first?.priority;
    if (priority === undefined || priority <= this.#aheadPriority) return;
    this.#aheadPriority = Infinity;
    for (const worker of [...this.#room.ahead]) {
      this.#recall(worker, "priority", (item) => item.priority < priority && !item.moved);
    }
  }

  /** All that a worker has not begun, and that can run elsewhere, goes back into the queue. */
  unstarted(worker: WorkerSlot): void {
    if (worker.load.inFlight > 0) this.#fetch(worker, "recalled");
  }

  #recall(worker: WorkerSlot, reason: ReturnReason, which?: (item: WorkItem) => boolean): void {
    if (worker.load.inFlight > this.#places) this.#fetch(worker, reason, which);
  }

  #fetch(worker: WorkerSlot, reason: ReturnReason, which?: (item: WorkItem) => boolean): void {
    const { sent, load: { inFlight } } = worker;
    if (sent.claims.asksBack) return this.#askBack(worker, inFlight, reason, which);
    this.#restore(sent.revokeLast(inFlight, which), reason);
    this.#room.update(worker);
  }

  /** What was sent and taken back goes to its place in the queue. */
  #restore(items: readonly WorkItem[], reason: ReturnReason): void {
    this.#watch.events?.returned(items, reason);
    for (const item of items) this.#queue.restore(item);
  }

  /** Where the worker must be asked: what comes back goes to its place in the queue. */
  #askBack(
    worker: WorkerSlot,
    most: number,
    reason: ReturnReason,
    which?: (item: WorkItem) => boolean,
  ): void {
    this.#watch.events?.asked(worker, reason);
    worker.askBack(most, which);
    this.#room.update(worker);
  }
}

/** Whether any other worker may run a task now. */
function isFree(item: WorkItem): boolean {
  return !item.moved && item.control?.lane === undefined;
}

/** Whether the item is to be cancelled when its worker gives it back. */
export function isUnwanted(item: WorkItem): boolean {
  return item.control?.unwanted ?? false;
}
