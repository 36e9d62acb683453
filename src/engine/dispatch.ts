import { SerializationError } from "../futures/errors.ts";
import { findIn, localWords, localWordsIn } from "../futures/local_object.ts";
import { messageOf } from "../futures/show.ts";
import type { WorkerHandle } from "../runtime/runtime.ts";
import { cloneError } from "../wire/clone_error.ts";
import { lostKind } from "../wire/value_loss.ts";
import { unwrapTransfers } from "../wire/transfer.ts";
import { isList, ItemControl } from "./work_item.ts";
import type { WorkItem } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** Told of an item that cannot be sent; its slot is free again. */
export type OnUnsendable = (item: WorkItem, error: SerializationError | TypeError) => void;

/**
 * Sends items that have their slots to their worker: all in one message, but for those that move
 * buffers, which go alone, so that the failure of one leaves the buffers of the others alone, and
 * for those of a message that could not be read.
 */
export function dispatch(
  worker: WorkerSlot,
  items: readonly WorkItem[],
  onUnsendable: OnUnsendable,
): void {
  // Getters of arguments run while they are cloned, and may cancel or terminate whatever they like.
  const before = worker.sent.beginSending();
  try {
    send(worker, items, onUnsendable);
  } finally {
    worker.sent.endSending(before);
  }
}

function send(worker: WorkerSlot, items: readonly WorkItem[], onUnsendable: OnUnsendable): void {
  let together: WorkItem[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    const unwrapped = movedBy(item);
    const isLocal = holdsLocal(item, worker.handle);
    if (unwrapped === undefined && !item.control?.alone && !isLocal) {
      together?.push(item);
      continue;
    }
    together ??= items.slice(0, i);
    if (together.length > 0) postAll(worker, together, onUnsendable);
    together = [];
    if (isLocal) {
      refuse(worker, item, onUnsendable);
      continue;
    }
    if (unwrapped !== undefined) item.args = unwrapped.values;
    postOne(worker, item, onUnsendable, unwrapped?.transfer);
  }
  together ??= items as WorkItem[];
  if (together.length > 0) postAll(worker, together, onUnsendable);
}

/** Whether sending the item moves buffers: then it cannot be sent a second time. */
export function moves(item: WorkItem): boolean {
  return movedBy(item) !== undefined;
}

/** What moves with an item, if anything. Nothing does for almost all, so it makes nothing for them. */
function movedBy(item: WorkItem): ReturnType<typeof unwrapTransfers> {
  const { args } = item;
  return isList(args) && !ArrayBuffer.isView(args) ? unwrapTransfers(args) : undefined;
}

/** Whether something is among the arguments that would arrive as an empty object: a future, a `URL` in Deno. */
function holdsLocal(item: WorkItem, handle: WorkerHandle): boolean {
  const { args } = item;
  if (handle.passesObjects || !isList(args) || ArrayBuffer.isView(args)) return false;
  const look = handle.check === undefined ? wordsOrLost : localWords;
  for (let i = 0; i < args.length; i++) {
    if (typeof args[i] === "object" && findIn(args[i], look) !== undefined) return true;
  }
  return false;
}

function wordsOrLost(value: object): string | undefined {
  return localWords(value) ?? lostKind(value);
}

/** Sends an item without those of its arguments that are of use only here, if it has any others. */
function refuse(worker: WorkerSlot, item: WorkItem, onUnsendable: OnUnsendable): void {
  if (item.chunk > 1 && dropUnsendableItems(item, worker)) {
    return postOne(worker, item, onUnsendable);
  }
  worker.sent.release(item.slot);
  const { argumentList } = item;
  onUnsendable(
    item,
    localError(item, argumentList) ?? describe(item, argumentList, undefined, worker.handle),
  );
}

/** The error that names such an argument, if there is one. */
function localError(item: WorkItem, args: readonly unknown[]): TypeError | undefined {
  const at = args.findIndex((arg) => localWordsIn(arg) !== undefined);
  if (at < 0) return undefined;
  return new TypeError(
    `Cannot send argument ${at + 1} of task "${item.task.name}": ` +
      `${localWords(args[at]) === undefined ? "it holds" : "it is"} ${localWordsIn(args[at])}`,
  );
}

function postAll(worker: WorkerSlot, items: readonly WorkItem[], onUnsendable: OnUnsendable): void {
  try {
    worker.post(items);
  } catch {
    // Something in it cannot be cloned, and nothing was sent: find out whose it is.
    for (const item of items) postOne(worker, item, onUnsendable);
  }
}

function postOne(
  worker: WorkerSlot,
  item: WorkItem,
  onUnsendable: OnUnsendable,
  transfer?: readonly Transferable[],
): void {
  try {
    // Deno sends what it cannot read; its structuredClone() reads, too.
    const unreadable = item.control?.alone ? cloneError(item.args, worker.handle.check) : undefined;
    if (unreadable !== undefined) throw unreadable.reason;
    worker.post([item], transfer);
    if (transfer !== undefined) (item.control ??= new ItemControl()).moved = true;
    return;
  } catch (error) {
    if (item.chunk > 1 && transfer === undefined && dropUnsendableItems(item, worker)) {
      return postOne(worker, item, onUnsendable);
    }
    const args = transfer === undefined && item.args !== undefined ? item.argumentList : [];
    const described = describe(item, args, error, worker.handle); // asks the arguments again
    worker.sent.release(item.slot);
    onUnsendable(item, described);
  }
}

/** Leaves out the items of a chunk that cannot be sent, if there are any and not all. */
function dropUnsendableItems(item: WorkItem, { handle }: WorkerSlot): boolean {
  if (item.unsent !== undefined) return false;
  const { argumentList } = item;
  const arity = argumentList.length / item.chunk;
  const unsent = new Map<number, SerializationError | TypeError>();
  const args: unknown[] = [];
  for (let index = 0; index < item.chunk; index++) {
    const own = argumentList.slice(index * arity, (index + 1) * arity);
    const local = handle.passesObjects ? undefined : localError(item, own);
    if (local !== undefined) {
      unsent.set(index, local);
      continue;
    }
    const error = cloneError(own, handle.check);
    if (error === undefined) args.push(...own);
    else unsent.set(index, describe(item, own, error.reason, handle));
  }
  if (unsent.size === 0 || unsent.size === item.chunk) return false;
  item.control ??= new ItemControl();
  item.control.unsent = unsent;
  item.args = args;
  return true;
}

/** Names the argument that cannot be cloned. */
function describe(
  item: WorkItem,
  args: readonly unknown[],
  error: unknown,
  { check }: WorkerHandle,
): SerializationError {
  let what = "the arguments";
  let reason = error;
  for (let i = 0; i < args.length; i++) {
    const failure = cloneError(args[i], check);
    if (failure === undefined) continue;
    what = `argument ${i + 1}`;
    reason = failure.reason;
    break;
  }
  return new SerializationError(
    `Cannot send ${what} of task "${item.task.name}": ${messageOf(reason)}; ` +
      `pass plain data, and functions by importTasks`,
    { cause: reason },
  );
}
