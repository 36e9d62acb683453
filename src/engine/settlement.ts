import type { ChunkSupply } from "./chunk_supply.ts";
import type { Watch } from "./watch.ts";
import { letGo } from "./work_item.ts";
import type { WorkItem } from "./work_item.ts";

/** Told of what others wait for. */
export interface SettlementListener {
  /** Nothing is pending or running any more. */
  allSettled(): void;
  /** A task has its outcome, maybe before its begin was told: there may be room for another. */
  itemSettled(): void;
}

/** Counts the tasks that have no outcome yet, and gives each its outcome, once. */
export class Settlement {
  /** Tasks without an outcome. */
  outstanding = 0;
  completed = 0;
  failed = 0;
  cancelled = 0;
  /** Set right after construction. */
  listener!: SettlementListener;

  readonly #watch: Watch;
  readonly #waitUntil: ((promise: Promise<unknown>) => void) | undefined;
  /** Settles what `waitUntil` was given. */
  #resolveAll: (() => void) | undefined = undefined;
  #sequence = 0;
  #chunks = 0;

  /** @param waitUntil Given one promise for each busy period. */
  constructor(waitUntil: ((promise: Promise<unknown>) => void) | undefined, watch: Watch) {
    this.#watch = watch;
    this.#waitUntil = waitUntil;
  }

  /** How many tasks and chunks came so far, at the most: one that is renewed counts twice. */
  get came(): number {
    return this.#sequence + this.#chunks;
  }

  /** A new task, with its place in the order of submits. */
  add(item: WorkItem): void {
    item.sequence = this.addTask();
  }

  /** A new task. What it returns is its place in the order of submits. */
  addTask(): number {
    if (this.outstanding === 0) {
      this.#waitUntil?.(new Promise<void>((resolve) => this.#resolveAll = resolve));
    }
    this.outstanding++;
    return this.#sequence++;
  }

  /** A task can begin only now: among equals it stands behind those that could before. */
  renew(item: WorkItem): void {
    item.sequence = this.#sequence++;
  }

  /** A chunk of a `map`, which has the place of its `map`. */
  addChunk(): void {
    this.#chunks++;
    this.outstanding++;
  }

  /** All chunks of a `map` are cut. */
  supplyEnded(supply: ChunkSupply): void {
    this.#remove(supply);
    supply.setResult(undefined);
  }

  succeed(item: WorkItem, value: unknown): void {
    if (item.aborted !== undefined) return this.fail(item, item.aborted.reason);
    if (item.done) return;
    this.completed++;
    this.#watch.events?.ended(item, "succeeded");
    this.#remove(item);
    item.setResult(value);
  }

  /** Fails an item, unless it is done. One that was aborted fails with the reason of that. */
  fail(item: WorkItem, error: unknown): void {
    if (item.done) return item.control?.stopTimer?.();
    this.failed++;
    const reason = item.aborted === undefined ? error : item.aborted.reason;
    this.#watch.events?.ended(item, "failed", reason);
    this.#remove(item);
    item.setException(reason);
  }

  /** Cancels an item that has left its place, unless it is done. */
  cancel(item: WorkItem, reason?: unknown): void {
    if (item.done) return;
    this.itemCancelled(item);
    item.setCancelled(reason);
  }

  /** The item is cancelled: by itself, when its future is. */
  itemCancelled(item: WorkItem): void {
    this.cancelled++;
    this.#watch.events?.ended(item, "cancelled");
    this.#remove(item);
  }

  #remove(item: WorkItem): void {
    letGo(item);
    this.listener.itemSettled();
    if (--this.outstanding > 0) return;
    this.listener.allSettled();
    this.#resolveAll?.();
  }
}
