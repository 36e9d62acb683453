import type { WorkItem } from "./work_item.ts";

/** Work items of one priority and depth, first in, first out: a list linked through the items themselves. */
export class Level {
  readonly priority: number;
  readonly depth: number;
  first: WorkItem | undefined;
  last: WorkItem | undefined;

  constructor(priority: number, depth: number) {
    this.priority = priority;
    this.depth = depth;
  }

  insertAfter(item: WorkItem, previous: WorkItem | undefined): void {
    const next = previous === undefined ? this.first : previous.next;
    item.previous = previous;
    item.next = next;
    if (previous === undefined) this.first = item;
    else previous.next = item;
    if (next === undefined) this.last = item;
    else next.previous = item;
  }

  unlink(item: WorkItem): void {
    if (item.previous === undefined) this.first = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) this.last = item.previous;
    else item.next.previous = item.previous;
    item.previous = undefined;
    item.next = undefined;
  }
}

/**
 * Work items: higher priority first; among equal ones those that tasks submitted, the deepest first, so that
 * few wait however large their tree is; then in submit order.
 *
 * `push`, `shift` and `remove` take constant time (and the logarithm of the number of different
 * priorities in use, which is one for almost everybody). A cancelled item leaves at once, with
 * its arguments.
 */
export class ItemQueue {
  /** How many items wait. */
  length = 0;
  #levels: Level[] = [];

  /** The item that is next, without taking it. */
  get first(): WorkItem | undefined {
    return this.#levels[0]?.first;
  }

  /** Adds an item behind those of its priority. */
  push(item: WorkItem): void {
    const level = this.#level(item);
    level.insertAfter(item, level.last);
    this.length++;
  }

  /**
   * Puts an item that was taken out back to its place in submit order. Such items are older than
   * almost all that wait, so the search from the front is short.
   */
  restore(item: WorkItem): void {
    const level = this.#level(item);
    let previous: WorkItem | undefined;
    let next = level.first;
    while (next !== undefined && next.sequence < item.sequence) {
      previous = next;
      next = next.next;
    }
    level.insertAfter(item, previous);
    this.length++;
  }

  /** Takes the item that is next. */
  shift(): WorkItem | undefined {
    const level = this.#levels[0];
    if (level === undefined) return undefined;
    const item = level.first!;
    level.unlink(item);
    this.length--;
    if (level.first === undefined) this.#levels.shift();
    return item;
  }

  /** Takes one item out. False if it does not wait here. */
  remove(item: WorkItem): boolean {
    const level = this.#levels[this.#find(item.priority, item.depth)];
    if (level?.priority !== item.priority || level.depth !== item.depth) return false;
    if (item.previous === undefined && level.first !== item) return false;
    level.unlink(item);
    this.length--;
    // An empty level goes, so that `first` need not look for one with items.
    if (level.first === undefined) this.#levels.splice(this.#levels.indexOf(level), 1);
    return true;
  }

  #level({ priority, depth }: WorkItem): Level {
    const at = this.#find(priority, depth);
    const found = this.#levels[at];
    if (found !== undefined && found.priority === priority && found.depth === depth) return found;
    const level = new Level(priority, depth);
    this.#levels.splice(at, 0, level);
    return level;
  }

  /** Where the level is, or would be. */
  #find(priority: number, depth: number): number {
    const levels = this.#levels;
    let low = 0;
    let high = levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const level = levels[middle]!;
      const isBefore = level.priority === priority
        ? level.depth > depth
        : level.priority > priority;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
