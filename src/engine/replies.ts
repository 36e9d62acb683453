import { decodeError } from "../wire/error_codec.ts";
import {
  CHUNK_DONE,
  DONE,
  DONE_HEADER,
  EXITING,
  FAILED,
  INITIALIZED,
  INITIALIZER_FAILED,
  PROGRESS,
  READY,
  RETURNED,
  STARTED,
  STRAY,
  THROWN,
  UNCLONEABLE,
  UnclonedError,
  UNREADABLE,
} from "../wire/messages.ts";
import type { FailureKind } from "../wire/messages.ts";
import { SerializationError } from "../futures/errors.ts";
import { messageOf } from "../futures/show.ts";
import type { TaskEntry } from "./task_registry.ts";
import type { WorkItem } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** For those whose Content-Security-Policy holds for their own worker, too. */
const NO_CODE_ADVICE =
  "; where no code may be made of text, use importTasks(), or serve() and namedTasks()";

/** What one chunk of `map` comes to: a value per item, and the errors of those that failed. */
export interface ChunkOutcome {
  readonly values: ArrayLike<unknown>;
  readonly failures: Map<number, unknown> | undefined;
}

/** Who acts upon what a worker says of itself. */
export interface WorkerReplies {
  workerReady(worker: WorkerSlot, protocol: unknown): void;
  workerInitialized(worker: WorkerSlot): void;
  initializerFailed(worker: WorkerSlot, error: unknown): void;
  workerStrayed(worker: WorkerSlot, error: unknown): void;
  workerExiting(worker: WorkerSlot): void;
}

/** Who acts upon what a worker says of its tasks. */
export interface TaskReplies {
  taskStarted(item: WorkItem): void;
  taskReported(item: WorkItem, value: unknown): void;
  taskSucceeded(item: WorkItem, value: unknown): void;
  taskFailed(item: WorkItem, error: unknown): void;
  /** The worker gave tasks back that it had not begun. */
  tasksReturned(items: readonly WorkItem[]): void;
  /** A message to the worker was lost: it has no other tasks than those in these slots. */
  messageLost(worker: WorkerSlot, held: ReadonlySet<number>): void;
}

/** Takes one message of a worker apart and tells what it says, slot by slot. */
export function readReply(
  worker: WorkerSlot,
  message: readonly unknown[],
  tasks: TaskReplies,
  workers: WorkerReplies,
): void {
  switch (message[0]) {
    case DONE:
      return readDone(worker, message, tasks);
    case FAILED:
      return readFailed(worker, message, tasks);
    case CHUNK_DONE:
      return readChunkDone(worker, message, tasks);
    case STARTED: {
      const item = worker.at(message[1] as number);
      if (item !== undefined) tasks.taskStarted(item);
      return;
    }
    case PROGRESS: {
      const item = worker.at(message[1] as number);
      if (item !== undefined) tasks.taskReported(item, message[2]);
      return;
    }
    case RETURNED:
      return tasks.tasksReturned(worker.returned(message.slice(1) as number[]));
    case UNREADABLE:
      return tasks.messageLost(worker, new Set(message.slice(1) as number[]));
    case READY:
      return workers.workerReady(worker, message[1]);
    case INITIALIZED:
      return workers.workerInitialized(worker);
    case INITIALIZER_FAILED:
      return workers.initializerFailed(worker, decodeFailure(message[1]));
    case STRAY:
      return workers.workerStrayed(worker, decodeFailure(message[1]));
    case EXITING:
      worker.exitCode = message[1] as number;
      return workers.workerExiting(worker);
  }
  // Anything else is not ours: code in the worker may post messages of its own.
}

function readDone(worker: WorkerSlot, message: readonly unknown[], tasks: TaskReplies): void {
  for (let at = 1; at < message.length;) {
    const slot = message[at] as number;
    const count = message[at + 1] as number;
    const nanoseconds = message[at + 2] as number;
    at += DONE_HEADER;
    if (count < 0) {
      worker.skipped(slot, -count);
      continue;
    }
    const first = worker.release(slot);
    first?.task.observe(nanoseconds);
    if (first !== undefined && first.chunk > 0) {
      tasks.taskSucceeded(first, chunkOutcome(first, message.slice(at, at + count)));
    } else {
      if (first !== undefined) tasks.taskSucceeded(first, message[at]);
      for (let i = 1; i < count; i++) {
        const item = worker.release(slot + i);
        if (item !== undefined) tasks.taskSucceeded(item, message[at + i]);
      }
    }
    at += count;
  }
}

function readFailed(worker: WorkerSlot, message: readonly unknown[], tasks: TaskReplies): void {
  for (let at = 1; at < message.length; at += 4) {
    const item = worker.release(message[at] as number);
    if (item === undefined) continue;
    item.task.observe(message[at + 1] as number);
    tasks.taskFailed(item, failure(item.task, message[at + 2] as FailureKind, message[at + 3]));
  }
}

function readChunkDone(worker: WorkerSlot, message: readonly unknown[], tasks: TaskReplies): void {
  const item = worker.release(message[1] as number);
  if (item === undefined) return;
  item.task.observe(message[2] as number);
  const failures = message.length === 4 ? undefined : new Map<number, unknown>();
  for (let at = 4; at < message.length; at += 3) {
    failures!.set(
      message[at] as number,
      failure(item.task, message[at + 1] as FailureKind, message[at + 2]),
    );
  }
  tasks.taskSucceeded(item, chunkOutcome(item, message[3] as ArrayLike<unknown>, failures));
}

/** Puts the items that could not be sent back to their places. */
function chunkOutcome(
  item: WorkItem,
  values: ArrayLike<unknown>,
  failures?: Map<number, unknown>,
): ChunkOutcome {
  const unsent = item.unsent;
  if (unsent === undefined) return { values, failures };
  const all: unknown[] = [];
  const allFailures = new Map(unsent);
  let sent = 0;
  while (all.length < item.chunk) {
    const index = all.length;
    if (unsent.has(index)) {
      all.push(undefined);
      continue;
    }
    if (failures?.has(sent)) allFailures.set(index, failures.get(sent));
    all.push(values[sent++]);
  }
  return { values: all, failures: allFailures };
}

function failure(task: TaskEntry, kind: FailureKind, record: unknown): unknown {
  const reason = decodeFailure(record);
  if (kind === THROWN) return reason;
  const why = messageOf(reason);
  if (kind === UNCLONEABLE) {
    return new SerializationError(`Cannot send the result of task "${task.name}": ${why}`, {
      cause: reason,
    });
  }
  const forbidden = task.wire.kind === "source" && reason instanceof EvalError;
  const advice = forbidden ? NO_CODE_ADVICE : "";
  const of = task.wire.kind === "module" ? ` of ${task.wire.url}` : "";
  return new TypeError(`Cannot run task "${task.name}"${of}: ${why}${advice}`, { cause: reason });
}

function decodeFailure(record: unknown): unknown {
  return record instanceof UnclonedError ? record.thrown : decodeError(record);
}
