import {
  FLAG_CHUNK,
  FLAG_CLAIMED,
  FLAG_NOTIFY,
  FLAG_PACKED,
  FLAG_STREAM,
  RUN,
} from "../wire/messages.ts";
import { packNumbers } from "../wire/packed_numbers.ts";
import type { TaskEntry } from "./task_registry.ts";
import { isList } from "./work_item.ts";
import type { WorkItem } from "./work_item.ts";

/** Lays items out that have their slots: those of one function in a row of slots share a header. */
export function runMessage(secret: number, items: readonly WorkItem[]): unknown[] {
  const message: unknown[] = [secret + RUN];
  let header = 0;
  let task: TaskEntry | undefined;
  let flags = -1;
  let arity = -1;
  let nextSlot = -1;
  for (const item of items) {
    if (item.chunk > 0) {
      addChunk(message, item);
      task = undefined;
      continue;
    }
    if (item.control?.stream !== undefined) {
      addStream(message, item, item.control.stream.start);
      task = undefined;
      continue;
    }
    const itemFlags = flagsOf(item);
    const { args } = item;
    const list = isList(args);
    const itemArity = list ? args.length : 1;
    if (
      item.task === task && itemFlags === flags && itemArity === arity && item.slot === nextSlot
    ) {
      message[header + 4] = message[header + 4] as number + 1;
    } else {
      task = item.task;
      flags = itemFlags;
      arity = itemArity;
      header = message.length;
      message.push(task.id, flags, arity, item.slot, 1);
    }
    nextSlot = item.slot + 1;
    if (!list) message.push(args);
    else for (let i = 0; i < arity; i++) message.push(args[i]);
  }
  return message;
}

function addChunk(message: unknown[], item: WorkItem): void {
  const { task, slot } = item;
  const count = item.sentItems;
  const args = item.argumentList;
  const arity = args.length / count;
  const packed = ArrayBuffer.isView(args) ? args : packNumbers(args);
  const flags = flagsOf(item) | FLAG_CHUNK | (packed === undefined ? 0 : FLAG_PACKED);
  message.push(task.id, flags, arity, slot, count);
  if (packed !== undefined) message.push(packed);
  else for (let i = 0; i < args.length; i++) message.push(args[i]);
}

function addStream(message: unknown[], item: WorkItem, start: unknown): void {
  const { argumentList } = item;
  message.push(item.task.id, flagsOf(item) | FLAG_STREAM, argumentList.length + 1, item.slot, 1);
  for (let i = 0; i < argumentList.length; i++) message.push(argumentList[i]);
  message.push(start);
}

function flagsOf(item: WorkItem): number {
  return (item.notifies ? FLAG_NOTIFY : 0) | (item.pinned ? FLAG_CLAIMED : 0);
}

/** The slots of the items that have a trace context, each with it; nothing if none has. */
export function carriersOf(items: readonly WorkItem[]): unknown[] | undefined {
  let carriers: unknown[] | undefined;
  for (const { record, slot } of items) {
    if (typeof record !== "object") continue;
    const carrier = record.trace?.carrier;
    if (carrier !== undefined) (carriers ??= []).push(slot, carrier);
  }
  return carriers;
}
