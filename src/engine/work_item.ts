import { handOver, makeFuture, settle, sourceOf } from "../futures/future.ts";
import type { Future, Producer } from "../futures/future.ts";
import { CANCELLED, FAILED, SUCCEEDED } from "../futures/future_state.ts";
import type { AsyncContext } from "../runtime/runtime.ts";
import type { TaskRecord } from "./task_record.ts";
import type { TaskEntry } from "./task_registry.ts";

/** What a work item asks of the engine. */
export interface WorkItemOwner {
  /** Whether every task is to be announced when it begins. */
  readonly notifiesStarts: boolean;
  /** The item was cancelled before it began. It has left its queue or its claim is revoked. */
  itemCancelled(item: WorkItem): void;
  /** Takes the item from wherever it waits, if it has not begun. */
  revokeItem(item: WorkItem): boolean;
  /** The item has ended, and its worker has not told it yet: its outcome may be there to be seen. */
  itemEnded(item: WorkItem): void;
  /** The item cannot be taken back now; if it turns out not to have begun, it is to be cancelled. */
  cancelLater(item: WorkItem): void;
}

/** What a work item asks of the worker that it was sent to. */
export interface WorkItemHolder {
  /** Whether the worker really executes the task. */
  isRunning(item: WorkItem): boolean;
  /** Whether the worker has ended the task, and no message has told it. */
  hasEnded(item: WorkItem): boolean;
  /** Takes the task back, if the worker has not begun it. */
  revoke(item: WorkItem): boolean;
  /** Lets a running stream give so many values more. */
  grant(item: WorkItem, count: number): void;
  /** Asks the running task to end. */
  abort(item: WorkItem, reason: unknown): void;
}

/** What is known of a stream. */
export interface ItemStream {
  /** What its worker is told with the task: how many values it may send, or where they go. */
  readonly start: unknown;
  /** Its worker has sent something as its next values. Throws a `Breach` if they are none that it may send. */
  came(values: unknown, taken: unknown): void;
  /** It was aborted: what its worker gives from now on does not count. */
  stop(): void;
}

/** Those of one key that a work item belongs to. */
export interface WorkItemLane {
  /** The item is settled, and no worker has it any more. */
  done(item: WorkItem): void;
}

/** What is known of the tasks that a task has submitted. */
export interface ItemFamily {
  /** The task was aborted, and they are with it. */
  abort(reason: unknown): void;
  /** The task has its outcome. */
  parentEnded(): void;
}

/** What is known of a task beyond its function and its arguments; most tasks have none of it. */
export class ItemControl {
  priority = 0;
  timeout: number | undefined = undefined;
  /** When it was sent, if it has a timeout: milliseconds since 1970. */
  sentAt = 0;
  onProgress: ((value: unknown, future: Future<unknown>) => void) | undefined = undefined;
  /** Removes the listener from the caller's signal. */
  unlisten: (() => void) | undefined = undefined;
  /** Stops the timer of the task's timeout, later of the grace after it. */
  stopTimer: (() => void) | undefined = undefined;
  /** Must run on its worker and no other (`broadcast`). */
  pinned = false;
  /** It was in a message that could not be read: it travels alone. */
  alone = false;
  /** Buffers of its arguments have moved to its worker: it can run nowhere else. */
  moved = false;
  /** The async context of its submit, in which it runs on the caller's own thread. */
  context: AsyncContext | undefined = undefined;
  /** It is cancelled if its worker gives it back. */
  unwanted = false;
  /** How many tasks stand between it and one that was submitted from outside. */
  depth = 0;
  /** The tasks that it has submitted. */
  family: ItemFamily | undefined = undefined;
  /** It waits for those, and its place is lent. */
  lends = false;
  /** It is a stream. */
  stream: ItemStream | undefined = undefined;
  /** The items of a chunk that cannot be cloned, by index. */
  unsent: Map<number, unknown> | undefined = undefined;
  /** The key of those that run on one worker, one after the other. */
  affinity: unknown = undefined;
  /** Its place among these, until it is done. */
  lane: WorkItemLane | undefined = undefined;
  /** It may be sent; others of its lane have to wait. */
  released = false;
  /** What the future rejects with when the task ends, whatever its outcome: it was aborted. */
  aborted: { readonly reason: unknown } | undefined = undefined;
}

/**
 * A task and its future: the producer's side of the future, linked into the queue or into the slot of
 * a worker. Where many wait there are none yet: see `task_row.ts`.
 */
export class WorkItem implements Producer {
  readonly future: Future<unknown>;
  readonly owner: WorkItemOwner;
  readonly task: TaskEntry;
  /**
   * The arguments; for a chunk those of all its items, one after the other. A single primitive
   * stands here itself, without an array around it. Dropped when done.
   */
  args: unknown;
  /** Number of items if this is a chunk of `map`, -1 if it is a supply of chunks, else 0. */
  readonly chunk: number;
  /** Place in submit order. */
  sequence = 0;
  control: ItemControl | undefined = undefined;

  previous: WorkItem | undefined = undefined;
  next: WorkItem | undefined = undefined;

  /** The worker that it was sent to, and its slot there. */
  worker: WorkItemHolder | undefined = undefined;
  slot = -1;
  /** What is known of it for those who look; with metrics alone and a short task, only when it was submitted. */
  record: TaskRecord | number | undefined = undefined;
  /** Counts as a long task of its worker: nothing is sent ahead behind it. */
  long = false;

  /**
   * @param args Those of a task, or those of all items of a chunk.
   * @param chunk See {@linkcode WorkItem.chunk}.
   * @param future That of the task, if it has one already.
   */
  constructor(
    owner: WorkItemOwner,
    task: TaskEntry,
    args: readonly unknown[],
    chunk = 0,
    future?: Future<unknown>,
  ) {
    if (future === undefined) this.future = makeFuture(this);
    else {
      this.future = future;
      handOver(future, this);
    }
    this.owner = owner;
    this.task = task;
    this.chunk = chunk;
    this.args = packed(args);
  }

  /** The results of futures stand in their places. */
  setArguments(args: readonly unknown[]): void {
    this.args = packed(args);
  }

  /** The arguments as an array; for a chunk those of all its items. */
  get argumentList(): readonly unknown[] {
    return isList(this.args) ? this.args : [this.args];
  }

  /** Whether the future is settled. */
  get done(): boolean {
    return this.future.done();
  }

  get priority(): number {
    return this.control === undefined ? 0 : this.control.priority;
  }

  get depth(): number {
    return this.control === undefined ? 0 : this.control.depth;
  }

  get pinned(): boolean {
    return this.control !== undefined && this.control.pinned;
  }

  get aborted(): { readonly reason: unknown } | undefined {
    return this.control?.aborted;
  }

  /** Whether its arguments have left for good with the message to its worker. */
  get moved(): boolean {
    return this.control !== undefined && this.control.moved;
  }

  get unsent(): Map<number, unknown> | undefined {
    return this.control?.unsent;
  }

  /** How many items of a chunk are sent. */
  get sentItems(): number {
    return this.chunk - (this.control?.unsent?.size ?? 0);
  }

  /** Whether its worker must say when it begins. */
  get notifies(): boolean {
    return this.owner.notifiesStarts || this.control?.timeout !== undefined ||
      (typeof this.record === "object" && this.record.notifies);
  }

  setResult(value: unknown): void {
    settle(this.future, SUCCEEDED, value);
  }

  setException(error: unknown): void {
    settle(this.future, FAILED, error);
  }

  setCancelled(reason: unknown): void {
    settle(this.future, CANCELLED, reason);
  }

  revoke(_: Future<unknown>): boolean {
    if (!this.owner.revokeItem(this)) return false;
    this.owner.itemCancelled(this);
    return true;
  }

  started(): boolean {
    const { worker } = this;
    if (worker === undefined) return false;
    if (worker.isRunning(this)) return true;
    if (worker.hasEnded(this)) this.owner.itemEnded(this);
    return false;
  }

  ended(): boolean {
    return this.worker !== undefined && this.worker.hasEnded(this);
  }
}

/**
 * Cancels a task that nobody waits for any more, now or when its worker gives it back: `cancel()` must
 * say at once whether it was, this need not.
 */
export function discard(future: Future<unknown>): void {
  if (future.cancel()) return;
  const item = sourceOf(future);
  if (item instanceof WorkItem) item.owner.cancelLater(item);
}

/** What stands for the arguments of a task: see {@linkcode WorkItem.args}. */
export function packed(args: readonly unknown[]): unknown {
  return args.length === 1 && !isList(args[0]) ? args[0] : args;
}

/** Whether the `args` of an item are an array of arguments, and not one that is a primitive. */
export function isList(args: unknown): args is readonly unknown[] {
  return typeof args === "object" && args !== null;
}

/** Lets go of all that was held for an item: it is settled. */
export function letGo(item: WorkItem): void {
  item.args = undefined;
  const control = item.control;
  if (control === undefined) return;
  control.unlisten?.();
  control.unlisten = undefined;
  control.stopTimer?.();
  control.stopTimer = undefined;
  control.onProgress = undefined;
  control.context = undefined;
  if (item.worker === undefined) control.lane?.done(item);
  const { family } = control;
  control.family = undefined;
  family?.parentEnded();
}
