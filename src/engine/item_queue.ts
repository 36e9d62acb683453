import type { TaskEntry } from "./task_registry.ts";
import { TaskRow } from "./task_row.ts";
import type { TaskRowOwner } from "./task_row.ts";
import type { WorkItem, WorkItemOwner } from "./work_item.ts";

/**
 * From so many on tasks wait in rows. Where fewer wait, what is made of them is made at once. An object, so
 * that the library's own tests can have them earlier.
 */
export const rows = { from: 128 };

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
export class ItemQueue implements TaskRowOwner {
  /** How many items wait. */
  length = 0;
  #levels: Level[] = [];

  /** The item that is next, without taking it. */
  get first(): WorkItem | undefined {
    const level = this.#levels[0];
    const first = level?.first;
    return first instanceof TaskRow ? this.#unroll(level!, first) : first;
  }

  /** Whether so many wait that tasks are added in rows. */
  get isDeep(): boolean {
    return this.length >= rows.from;
  }

  /** Adds a task without a work item, of no priority, with this place in submit order, as the last of a row. */
  pushRow(
    owner: WorkItemOwner,
    task: TaskEntry,
    args: readonly unknown[],
    sequence: number,
  ): TaskRow {
    const level = this.#level(0, 0);
    const { last } = level;
    let row: TaskRow;
    if (last instanceof TaskRow && last.follows(sequence)) row = last;
    else level.insertAfter(row = new TaskRow(owner, task, this, sequence), last);
    this.length++;
    row.add(task, args);
    return row;
  }

  leftRow(row: TaskRow): void {
    this.length--;
    if (row.size === 0) this.#unlink(this.#level(0, 0), row);
  }

  /** Takes the first task out of a row, and puts it in front of that. */
  #unroll(level: Level, row: TaskRow): WorkItem {
    const item = row.take();
    level.insertAfter(item, undefined);
    if (row.size === 0) level.unlink(row);
    return item;
  }

  /** Adds an item behind those of its priority. */
  push(item: WorkItem): void {
    const level = this.#level(item.priority, item.depth);
    level.insertAfter(item, level.last);
    this.length++;
  }

  /**
   * Puts an item that was taken out back to its place in submit order. Such items are older than
   * almost all that wait, so the search from the front is short.
   */
  restore(item: WorkItem): void {
    const level = this.#level(item.priority, item.depth);
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
    const item = this.first;
    if (item === undefined) return undefined;
    this.#unlink(this.#levels[0]!, item);
    this.length--;
    return item;
  }

  /** Takes one item out. False if it does not wait here. */
  remove(item: WorkItem): boolean {
    const level = this.#levels[this.#find(item.priority, item.depth)];
    if (level?.priority !== item.priority || level.depth !== item.depth) return false;
    if (item.previous === undefined && level.first !== item) return false;
    this.#unlink(level, item);
    this.length--;
    return true;
  }

  /** Takes an entry out. An empty level goes, so that `first` need not look for one with items. */
  #unlink(level: Level, item: WorkItem): void {
    level.unlink(item);
    if (level.first === undefined) this.#levels.splice(this.#levels.indexOf(level), 1);
  }

  #level(priority: number, depth: number): Level {
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
