import type { RunReport } from "./envelope.ts";
import type { RemoteEvents } from "./remote_events.ts";
import type { RemoteItem } from "./remote_item.ts";

/** What has come of the items so far. */
export interface ItemCounts {
  completed: number;
  failed: number;
  cancelled: number;
}

/** All items that are not settled, and the only place where they settle: each once. */
export class ItemTable {
  readonly #items = new Map<string, RemoteItem>();
  readonly #onEmpty: () => void;
  #begun = 0;
  #changeWaiters: (() => void)[] = [];
  #emptyWaiters: (() => void)[] = [];
  /** Those that have settled. */
  readonly counts: ItemCounts = { completed: 0, failed: 0, cancelled: 0 };

  readonly #events: RemoteEvents;

  /** @param onEmpty Told when the last one has settled. */
  constructor(events: RemoteEvents, onEmpty: () => void) {
    this.#events = events;
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Those that a worker said it began. */
  get begun(): number {
    return this.#begun;
  }

  get pending(): number {
    return this.#items.size - this.#begun;
  }

  /** The oldest first. */
  values(): IterableIterator<RemoteItem> {
    return this.#items.values();
  }

  get(id: string): RemoteItem | undefined {
    return this.#items.get(id);
  }

  add(item: RemoteItem): void {
    this.#items.set(item.id, item);
    this.#events.submitted(item);
  }

  setBegun(item: RemoteItem, worker: string): void {
    if (item.begun || item.done) return;
    item.begun = true;
    this.#begun++;
    this.#events.started(item, worker);
    this.#changed();
  }

  /** @param report What its worker told of its run, if it was asked. */
  succeed(item: RemoteItem, value: unknown, report?: RunReport): void {
    if (!this.#letGo(item)) return;
    this.counts.completed++;
    this.#events.ended(item, "succeeded", undefined, report);
    item.setResult(value);
  }

  /** See {@linkcode ItemTable.succeed}. */
  fail(item: RemoteItem, error: unknown, report?: RunReport): void {
    if (!this.#letGo(item)) return;
    this.counts.failed++;
    this.#events.ended(item, "failed", error, report);
    item.setException(error);
  }

  cancel(item: RemoteItem, reason: unknown): void {
    if (this.takeOut(item)) item.setCancelled(reason);
  }

  /** Counts it as cancelled, which its future is as soon as this has returned true. */
  takeOut(item: RemoteItem): boolean {
    if (!this.#letGo(item)) return false;
    this.counts.cancelled++;
    this.#events.ended(item, "cancelled");
    return true;
  }

  /** Resolves when fewer are pending, or when `wake` is called. */
  whenChanged(): Promise<void> {
    return new Promise((resolve) => this.#changeWaiters.push(resolve));
  }

  /** Wakes those who wait for a change. */
  wake(): void {
    this.#changed();
  }

  async whenEmpty(): Promise<void> {
    while (this.#items.size > 0) {
      await new Promise<void>((resolve) => this.#emptyWaiters.push(resolve));
    }
  }

  #letGo(item: RemoteItem): boolean {
    if (item.done || !this.#items.delete(item.id)) return false;
    if (item.begun) this.#begun--;
    item.args = [];
    for (const release of item.release.splice(0)) release();
    for (const tell of item.onSent.splice(0)) tell();
    this.#changed();
    if (this.#items.size > 0) return true;
    this.#onEmpty();
    for (const resolve of this.#emptyWaiters.splice(0)) resolve();
    return true;
  }

  #changed(): void {
    if (this.#changeWaiters.length === 0) return;
    for (const resolve of this.#changeWaiters.splice(0)) resolve();
  }
}
