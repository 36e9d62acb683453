import { clock } from "../futures/clock.ts";
import { CancelledError, SerializationError } from "../futures/errors.ts";
import { observe, outcome } from "../futures/future.ts";
import type { FutureObserver } from "../futures/future.ts";
import { messageOf } from "../futures/show.ts";
import { encodeError } from "../wire/error_codec.ts";
import {
  CHILD_CANCELLED,
  CHILD_DONE,
  CHILD_FAILED,
  CHILDREN,
  UnclonedError,
} from "../wire/messages.ts";
import type { WireTask } from "../wire/messages.ts";
import type { ChildReplies } from "./child_replies.ts";
import type { Feeder, FeederParts } from "./feeder.ts";
import type { TaskEntry, TaskRegistry } from "./task_registry.ts";
import { ItemControl, WorkItem } from "./work_item.ts";
import type { ItemFamily } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** A worker that takes no tasks any more cannot lend places: what its tasks wait for might never run. */
export const MISSED_MESSAGE =
  "A message to the worker could not be read, and its tasks wait for others";

/** One of the tasks that a running task has submitted. */
class Child implements FutureObserver {
  readonly family: Family;
  readonly item: WorkItem;
  /** Its number in the worker of the parent. */
  readonly number: number;

  constructor(family: Family, item: WorkItem, number: number) {
    this.family = family;
    this.item = item;
    this.number = number;
  }

  futureDone(): void {
    this.family.childDone(this);
  }
}

/** The tasks that one running task has submitted and that are not done. */
class Family implements ItemFamily {
  readonly #families: Families;
  readonly worker: WorkerSlot;
  readonly parent: WorkItem;
  readonly open: Set<Child> = new Set();
  /** The parent has ended: nobody is to be told. */
  isOver = false;

  constructor(families: Families, worker: WorkerSlot, parent: WorkItem) {
    this.#families = families;
    this.worker = worker;
    this.parent = parent;
  }

  abort(reason: unknown): void {
    this.#families.abort(this, reason);
  }

  childDone(child: Child): void {
    this.#families.childDone(child);
  }

  parentEnded(): void {
    this.isOver = true;
    if (this.open.size === 0) return;
    this.#families.abort(this, new CancelledError("The task that submitted it has ended"));
  }
}

/**
 * Tasks that tasks submit. The parent lends its place while any of them is open: its worker has room for
 * another task then, a child first, so that however few workers there are, one can run what the others wait for.
 */
export class Families implements ChildReplies {
  readonly #parts: FeederParts;
  readonly #feeder: Feeder;
  readonly #tasks: TaskRegistry;
  /** What is to be told to workers, of each child three elements. */
  #outcomes = new Map<WorkerSlot, unknown[]>();
  /** Families to be aborted. A list, since trees may be deep, and the stack is short. */
  #aborting: (readonly [family: Family, reason: unknown])[] | undefined = undefined;

  constructor(parts: FeederParts, feeder: Feeder, tasks: TaskRegistry) {
    this.#parts = parts;
    this.#feeder = feeder;
    this.#tasks = tasks;
  }

  childEntry(wire: WireTask): TaskEntry {
    return this.#tasks.childEntry(wire);
  }

  childSubmitted(
    worker: WorkerSlot,
    parent: WorkItem,
    number: number,
    entry: TaskEntry,
    args: readonly unknown[],
  ): void {
    const { takeBack, settlement, queue, watch, supervisor } = this.#parts;
    const control = parent.control ??= new ItemControl();
    const family = (control.family ??= new Family(this, worker, parent)) as Family;
    const item = new WorkItem(takeBack, entry, args);
    const own = item.control = new ItemControl();
    own.priority = control.priority;
    own.depth = control.depth + 1;
    own.context = control.context;
    settlement.add(item);
    watch.events?.submitted(item);
    const child = new Child(family, item, number);
    family.open.add(child);
    worker.lend(parent);
    observe(item.future, child);
    // What ends it was done before it came.
    if (parent.aborted !== undefined) settlement.cancel(item, parent.aborted.reason);
    else if (parent.done) settlement.cancel(item);
    else if (supervisor.broken !== undefined) settlement.fail(item, supervisor.brokenError());
    else queue.push(item);
  }

  childrenSubmitted(worker: WorkerSlot): void {
    if (worker.hasMissedMessage) {
      this.#parts.supervisor.workerFailed(worker, new Error(MISSED_MESSAGE));
    }
    this.#feeder.schedule();
  }

  /** Aborts what a task has submitted, and what that has. */
  abort(family: Family, reason: unknown): void {
    if (this.#aborting !== undefined) {
      this.#aborting.push([family, reason]);
      return;
    }
    const list = this.#aborting = [[family, reason] as const];
    try {
      for (const [next, why] of list) {
        for (const { item } of [...next.open]) this.#parts.limits.abort(item, why);
      }
    } finally {
      this.#aborting = undefined;
    }
  }

  childDone(child: Child): void {
    const { family, item, number } = child;
    if (!family.open.delete(child) || family.isOver) return;
    const { worker, parent } = family;
    if (family.open.size === 0) {
      worker.unlend(parent);
      this.#parts.room.update(worker);
    }
    if (worker.state === "dead") return;
    const encode = (reason: unknown): unknown =>
      worker.handle.passesObjects
        ? new UnclonedError(reason)
        : encodeError(reason, worker.handle.check);
    const came = outcome(item.future);
    const kind = came.status === "fulfilled"
      ? CHILD_DONE
      : item.future.cancelled()
      ? CHILD_CANCELLED
      : CHILD_FAILED;
    const value = came.status === "fulfilled" ? came.value : encode(came.reason);
    if (this.#outcomes.size === 0) clock.queueMicrotask(() => this.#tell());
    const outcomes = this.#outcomes.get(worker);
    if (outcomes === undefined) this.#outcomes.set(worker, [number, kind, value]);
    else outcomes.push(number, kind, value);
  }

  #tell(): void {
    const all = this.#outcomes;
    this.#outcomes = new Map();
    for (const [worker, outcomes] of all) {
      if (worker.state === "dead") continue;
      try {
        worker.handle.post([worker.secret + CHILDREN, ...outcomes]);
      } catch {
        for (let i = 0; i < outcomes.length; i += 3) {
          tellOne(worker, outcomes[i], outcomes[i + 1], outcomes[i + 2]);
        }
      }
    }
  }
}

/** Tells of one child. A result that came here may not go on: a port, for one, which can only move. */
function tellOne(worker: WorkerSlot, number: unknown, kind: unknown, value: unknown): void {
  const kindHere = worker.secret + CHILDREN;
  try {
    worker.handle.post([kindHere, number, kind, value]);
  } catch (cause) {
    const error = new SerializationError(
      `Cannot send the result of a task to the one that submitted it: ${messageOf(cause)}`,
      { cause },
    );
    worker.tell([kindHere, number, CHILD_FAILED, encodeError(error, worker.handle.check)]);
  }
}
