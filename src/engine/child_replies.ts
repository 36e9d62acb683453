/**
 * Reads what workers say of the values of streams, and of the tasks that their tasks submit, and believes nothing of it, as
 * `replies.ts` does.
 *
 * @module
 */

import { CHILD_TASKS, MAX_ROW, PARKED } from "../wire/messages.ts";
import type { WireTask } from "../wire/messages.ts";
import { Breach, integer } from "./breach.ts";
import type { TaskEntry } from "./task_registry.ts";
import type { WorkItem } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** Who acts upon it. */
export interface ChildReplies {
  /** A function of children. */
  childEntry(wire: WireTask): TaskEntry;
  /** A running task has submitted one more. */
  childSubmitted(
    worker: WorkerSlot,
    parent: WorkItem,
    number: number,
    entry: TaskEntry,
    args: readonly unknown[],
  ): void;
  /** That was all of the message. */
  childrenSubmitted(worker: WorkerSlot): void;
}

/** Marks what moves with arguments: it is to move on. */
export type MarkMoved = (value: unknown, moved: readonly Transferable[]) => unknown;

/** `[VALUES, slot, values?, taken?]` */
export function readValues(worker: WorkerSlot, message: readonly unknown[]): void {
  const item = worker.sent.running(message[1]);
  if (item === undefined) return;
  const stream = item.control?.stream;
  if (stream === undefined) throw new Breach("a task gives values that is no stream");
  stream.came(message[2], message[3]);
}

/** `[CHILD_TASK, id, WireTask]` */
export function readChildTask(
  worker: WorkerSlot,
  message: readonly unknown[],
  children: ChildReplies,
): void {
  const id = integer(message[1], 0, CHILD_TASKS - 1, "the number of a function");
  worker.defineChildTask(id, children.childEntry(checkWire(message[2])));
}

function checkWire(value: unknown): WireTask {
  if (typeof value !== "object" || value === null) throw new Breach("a function is no record");
  const { kind, name, source, url, fn } = value as Record<string, unknown>;
  if (typeof name === "string") {
    if (kind === "named") return { kind, name };
    if (kind === "module" && typeof url === "string") return { kind, name, url };
    if (kind === "source" && typeof fn === "function") {
      return { kind, name, source: "", fn: fn as () => unknown };
    }
    if (kind === "source" && typeof source === "string") return { kind, name, source };
  }
  throw new Breach("a function is of no kind");
}

/** `[SPAWN, slot, parked, (child, id, arity, count or what moves, ...arguments)*]` */
export function readSpawn(
  worker: WorkerSlot,
  message: readonly unknown[],
  children: ChildReplies,
  markMoved: MarkMoved,
): void {
  const parent = worker.sent.running(message[1]);
  if (parent === undefined) return;
  const parked = integer(message[2], PARKED, 2 * PARKED - 1, "the number of a parked task");
  if (parent.slot !== parked) worker.sent.park(parent, parked);
  parent.task.submits = true;
  const { length } = message;
  for (let at = 3; at < length;) {
    const number = integer(
      message[at],
      0,
      Number.MAX_SAFE_INTEGER - MAX_ROW,
      "the number of a child",
    );
    const entry = worker.childTask(message[at + 1] as number);
    if (entry === undefined) throw new Breach("a child has no function");
    const arity = integer(message[at + 2], 0, length - at - 4, "a count of arguments");
    const moved = message[at + 3];
    const count = Array.isArray(moved) ? 1 : integer(moved, 1, MAX_ROW, "a count of children");
    at += 4;
    if (at + arity * count > length) throw new Breach("arguments of children are missing");
    for (let i = 0; i < count; i++, at += arity) {
      const args = message.slice(at, at + arity);
      if (Array.isArray(moved) && arity > 0) {
        if (!moved.every((one) => typeof one === "object" && one !== null)) {
          throw new Breach("what moves is no object");
        }
        args[0] = markMoved(args[0], moved as Transferable[]);
      }
      children.childSubmitted(worker, parent, number + i, entry, args);
    }
  }
  children.childrenSubmitted(worker);
}
