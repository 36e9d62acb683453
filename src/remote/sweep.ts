import { clock } from "../futures/clock.ts";
import type { EngineLink } from "./engine_link.ts";
import type { RemoteItem } from "./remote_item.ts";
import type { Lookup } from "./transport.ts";

/** When the engine is asked: in milliseconds. One object, so that the library's own tests can put theirs into it. */
export const sweepTimes: SweepTimes = { interval: 1_000, overdue: 2_000 };

/** See {@linkcode sweepTimes}. */
export interface SweepTimes {
  /** Between two sweeps. */
  interval: number;
  /** After that the engine is asked for an item that nobody told of. */
  overdue: number;
}

/** Ids in one call of the engine. */
const BATCH = 500;

/** Who has the items and is told of them. */
export interface SweepOwner {
  /** All that are not settled, the oldest first. */
  readonly items: Iterable<RemoteItem>;
  /** What the engine says of an item; whether that settled it. */
  lookedUp(item: RemoteItem, found: Lookup): Promise<boolean>;
}

/** Asks the engine for what is overdue, again and again, as long as there is anything: replies are hints, this is the truth. */
export class Sweep {
  readonly #link: EngineLink;
  readonly #owner: SweepOwner;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  /** Whether a reply came since the engine was asked last. */
  #heard = false;

  constructor(link: EngineLink, owner: SweepOwner) {
    this.#link = link;
    this.#owner = owner;
  }

  /** A reply has come. */
  heard(): void {
    this.#heard = true;
  }

  /** There is an item. */
  begin(): void {
    if (this.#timer !== undefined || this.#ended) return;
    this.#timer = clock.setTimeout(() => void this.#sweep(), sweepTimes.interval);
  }

  /** There is none. */
  rest(): void {
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Sweeps no more. */
  end(): void {
    this.#ended = true;
    this.rest();
  }

  /** Looks for one item now. */
  async look(item: RemoteItem): Promise<void> {
    await this.#ask([item]);
  }

  async #sweep(): Promise<void> {
    const timer = this.#timer;
    // What is lost is lost in crowds: while outcomes are found, there are more. Unless replies come: then those
    // of most that is found are on their way, and to ask for all would only hold them up.
    for (let found = true; found;) {
      const items = this.#overdue();
      if (items.length === 0) break;
      this.#heard = false;
      found = await this.#ask(items) && items.length === BATCH && !this.#heard;
    }
    if (this.#timer !== timer) return; // it rested
    this.#timer = undefined;
    for (const _ of this.#owner.items) return this.begin();
  }

  #overdue(): RemoteItem[] {
    const now = clock.now();
    const items: RemoteItem[] = [];
    for (const item of this.#owner.items) {
      if (!item.sent || item.done) continue;
      const urgent = item.shared || item.missing > 0 || now >= item.expiresAt;
      if (now - item.looked < (urgent ? sweepTimes.interval / 2 : sweepTimes.overdue)) continue;
      items.push(item);
      if (items.length === BATCH) break;
    }
    return items;
  }

  /** Whether one of them is settled now. */
  async #ask(items: readonly RemoteItem[]): Promise<boolean> {
    let settled = false;
    try {
      const found = await this.#link.ask((transport) => transport.lookup(items.map(idOf)));
      const now = clock.now();
      for (let i = 0; i < items.length; i++) {
        const item = items[i]!;
        item.looked = now;
        if (item.done) continue;
        if (await this.#owner.lookedUp(item, found[i] ?? "missing")) settled = true;
      }
    } catch {
      for (const item of items) item.looked = clock.now(); // the next sweep asks again
    }
    return settled;
  }
}

function idOf(item: RemoteItem): string {
  return item.id;
}
