import { ItemQueue } from "./item_queue.ts";
import { Lanes } from "./lanes.ts";
import { WaitingItems } from "./waiting_items.ts";
import type { WorkItem } from "./work_item.ts";

/** The work items that no worker has. Those that any worker may take are in the queue itself. */
export class TaskQueue extends ItemQueue {
  /** Those that cannot begin yet. */
  readonly waiting: WaitingItems = new WaitingItems();
  /** Those that a certain worker has to take. */
  readonly lanes: Lanes;
  /** How many went back into it so far. */
  restored = 0;

  /** @param serial Whether a worker runs one task at a time. */
  constructor(serial: boolean) {
    super();
    this.lanes = new Lanes(serial);
  }

  /** How many items could be sent to some worker. */
  get sendable(): number {
    return this.length + this.lanes.length;
  }

  /** How many there are, of all kinds. */
  get pending(): number {
    return this.length + this.lanes.length + this.waiting.size;
  }

  override push(item: WorkItem): void {
    if (item.control?.affinity === undefined) super.push(item);
    else this.lanes.push(item);
  }

  override restore(item: WorkItem): void {
    this.restored++;
    if (item.control?.lane === undefined) super.restore(item);
    else this.lanes.restore(item);
  }

  override remove(item: WorkItem): boolean {
    if (item.control?.lane !== undefined) return this.lanes.remove(item);
    return super.remove(item) || this.waiting.remove(item);
  }

  /** Takes any item out, those that can begin first. */
  shiftAny(): WorkItem | undefined {
    return this.shift() ?? this.lanes.shift() ?? this.waiting.shift();
  }
}
