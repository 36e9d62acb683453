// Length: every kind of reply, read and checked in one place.

/**
 * Reads what workers say. Nothing of it is believed: each entry is held, in constant time, against what
 * the owner knows of the worker, of the slot, and of its task. README.md, "A worker that lies", argues why
 * that is enough.
 *
 * @module
 */

import type { ChunkOutcome } from "../backend/task_backend.ts";
import { decodeError } from "../wire/error_codec.ts";
import {
  CHILD_TASK,
  CHUNK_DONE,
  DONE,
  DONE_HEADER,
  EXITING,
  FAILED,
  FULL,
  HELLO,
  INITIALIZED,
  INITIALIZER_FAILED,
  KINDS,
  MAX_NANOSECONDS,
  PROGRESS,
  READY,
  RETURNED,
  SPAWN,
  STARTED,
  THROWN,
  TIMES,
  UNCAUGHT,
  UNCLONEABLE,
  UnclonedError,
  UNREADABLE,
  UNRESOLVED,
  VALUES,
} from "../wire/messages.ts";
import type { FailureKind } from "../wire/messages.ts";
import { SerializationError } from "../futures/errors.ts";
import { messageOf } from "../futures/show.ts";
import { transfer } from "../wire/transfer.ts";
import { Breach, integer } from "./breach.ts";
import { readChildTask, readSpawn, readValues } from "./child_replies.ts";
import type { ChildReplies } from "./child_replies.ts";
import type { TaskEvents } from "./task_events.ts";
import type { TaskEntry } from "./task_registry.ts";
import type { WorkItem } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** For those whose Content-Security-Policy holds for their own worker, too. */
const NO_CODE_ADVICE =
  "; where no code may be made of text, use importTasks(), or serve() and namedTasks()";

/** Who acts upon what a worker says of itself. */
export interface WorkerReplies {
  workerReady(worker: WorkerSlot, protocol: unknown): void;
  workerInitialized(worker: WorkerSlot): void;
  initializerFailed(worker: WorkerSlot, error: unknown): void;
  workerFailed(worker: WorkerSlot, error: unknown): void;
  workerExiting(worker: WorkerSlot): void;
}

/** Who acts upon what a worker says of its tasks. */
export interface TaskReplies {
  /** @param startedAt When, by the clock of the worker, which is not to be trusted. */
  taskStarted(item: WorkItem, startedAt: unknown): void;
  taskReported(item: WorkItem, value: unknown): void;
  /** Who observes the tasks, if anybody does. */
  readonly events: TaskEvents | undefined;
  /** Who takes what tasks submit. */
  readonly children: ChildReplies;
  taskSucceeded(worker: WorkerSlot, item: WorkItem, value: unknown): void;
  taskFailed(worker: WorkerSlot, item: WorkItem, error: unknown): void;
  /** The worker has more memory than it may. */
  workerFull(worker: WorkerSlot): void;
  /** The worker gave tasks back that it had not begun. */
  tasksReturned(items: readonly WorkItem[]): void;
  /** A message to the worker was lost: it has no other tasks than those in these slots. */
  messageLost(worker: WorkerSlot, held: ReadonlySet<number>): void;
}

/** Whether a message is the program's own, and not one that other code in the worker has posted. */
export function isReply(worker: WorkerSlot, message: unknown): message is readonly unknown[] {
  if (!Array.isArray(message)) return false;
  const first: unknown = message[0];
  if (first === HELLO) return true;
  const kind = typeof first === "number" ? first - worker.secret : NaN;
  return kind >= 0 && kind < KINDS;
}

/**
 * Takes one message of a worker apart and tells what it says, slot by slot.
 *
 * @throws {Breach} If it says what cannot be. What it had said before that holds.
 */
export function readReply(
  worker: WorkerSlot,
  message: readonly unknown[],
  tasks: TaskReplies,
  workers: WorkerReplies,
): void {
  if (message[0] === HELLO) return readHello(worker, message, tasks, workers);
  switch ((message[0] as number) - worker.secret) {
    case DONE:
      return readDone(worker, message, tasks);
    case FAILED:
      return readFailed(worker, message, tasks);
    case CHUNK_DONE:
      return readChunkDone(worker, message, tasks);
    case STARTED: {
      const item = worker.sent.begins(message[1]);
      if (item === undefined) return;
      if (message.length > 3) readStart(worker, item, message[3], tasks.events);
      tasks.taskStarted(item, message[2]);
      return;
    }
    case PROGRESS: {
      const item = worker.sent.running(message[1]);
      if (item !== undefined) tasks.taskReported(item, message[2]);
      return;
    }
    case TIMES:
      return readTimes(worker, message, tasks);
    case FULL:
      return tasks.workerFull(worker);
    case VALUES:
      return readValues(worker, message);
    case CHILD_TASK:
      return readChildTask(worker, message, tasks.children);
    case SPAWN:
      return readSpawn(worker, message, tasks.children, transfer);
    case RETURNED:
      return tasks.tasksReturned(worker.returned(message));
    case UNREADABLE:
      return tasks.messageLost(worker, worker.sent.heldSlots(message));
    case INITIALIZED:
      if (initializes(worker)) workers.workerInitialized(worker);
      return;
    case INITIALIZER_FAILED:
      if (initializes(worker)) workers.initializerFailed(worker, decodeFailure(message[1]));
      return;
    case UNCAUGHT:
    case EXITING:
      return readEnd(worker, (message[0] as number) - worker.secret, message[1], workers);
  }
  throw new Breach("a message is of no kind");
}

/** What a worker says before it was told its secret; anybody in it can say so, and ends only it. */
function readHello(
  worker: WorkerSlot,
  message: readonly unknown[],
  tasks: TaskReplies,
  workers: WorkerReplies,
): void {
  // What it could not read can only be what it was to be set up with.
  if (message[1] === UNREADABLE && worker.state === "initializing") {
    tasks.messageLost(worker, new Set());
  } else if (message[1] === READY) workers.workerReady(worker, message[2]);
  else if (message[1] === UNCAUGHT || message[1] === EXITING) {
    readEnd(worker, message[1], message[2], workers);
  }
}

function readEnd(
  worker: WorkerSlot,
  kind: number,
  value: unknown,
  workers: WorkerReplies,
): void {
  if (kind === UNCAUGHT) return workers.workerFailed(worker, decodeFailure(value));
  worker.life.announceExit(value);
  workers.workerExiting(worker);
}

/** Whether the worker runs an initializer, of which it may tell; if it is being stopped, it does not matter. */
function initializes(worker: WorkerSlot): boolean {
  if (worker.state === "stopping") return false;
  if (worker.state === "initializing") return true;
  throw new Breach("an initializer ends that does not run");
}

function readDone(worker: WorkerSlot, message: readonly unknown[], tasks: TaskReplies): void {
  const { length } = message;
  const { events } = tasks;
  for (let at = 1; at < length;) {
    const slot = message[at];
    const count = integer(message[at + 1], -worker.sent.slots, length, "a count");
    const nanoseconds = timeOf(message[at + 2]);
    at += DONE_HEADER;
    if (count < 0) {
      worker.sent.skipped(slot, -count);
      continue;
    }
    if (count === 0 || at + count > length) throw new Breach("results are missing");
    // An item leaves its slot only when all is checked: it must be settled then.
    const first = worker.sent.running(slot);
    if (first !== undefined) {
      if (first.chunk > 0 && count !== first.sentItems) {
        throw new Breach("a chunk has another number of results");
      }
      release(worker, first, events);
      observe(first, nanoseconds);
      if (first.chunk > 0) {
        tasks.taskSucceeded(worker, first, chunkOutcome(first, message.slice(at, at + count)));
        at += count;
        continue;
      }
      tasks.taskSucceeded(worker, first, message[at]);
    } else worker.sent.pass(slot as number);
    for (let i = 1; i < count; i++) {
      const item = worker.sent.running(slot as number + i);
      if (item === undefined) {
        worker.sent.pass(slot as number + i);
        continue;
      }
      if (item.chunk > 0) throw new Breach("a chunk has one result");
      release(worker, item, events);
      tasks.taskSucceeded(worker, item, message[at + i]);
    }
    at += count;
  }
}

/** An item leaves its slot, where its worker may have left how long it ran. */
function release(worker: WorkerSlot, item: WorkItem, events: TaskEvents | undefined): void {
  events?.ends(worker, item);
  worker.sent.release(item.slot);
}

/** One that has submitted others has waited for them: that says nothing of what it takes. */
function observe(item: WorkItem, nanoseconds: number): void {
  if (item.control?.family === undefined) item.task.observe(nanoseconds);
}

function readFailed(worker: WorkerSlot, message: readonly unknown[], tasks: TaskReplies): void {
  for (let at = 1; at < message.length; at += 4) {
    const nanoseconds = timeOf(message[at + 1]);
    const kind = kindOf(message[at + 2]);
    const item = worker.sent.running(message[at]);
    if (item === undefined) {
      worker.sent.pass(message[at] as number);
      continue;
    }
    const error = failure(item.task, kind, message[at + 3]);
    release(worker, item, tasks.events);
    observe(item, nanoseconds);
    tasks.taskFailed(worker, item, error);
  }
}

function readChunkDone(worker: WorkerSlot, message: readonly unknown[], tasks: TaskReplies): void {
  const nanoseconds = timeOf(message[2]);
  const item = worker.sent.running(message[1]);
  if (item === undefined) return;
  const values = message[3] as ArrayLike<unknown>;
  // Clones may be of another realm, as in edge-runtime: there `instanceof` says no.
  if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
    throw new Breach("a chunk has no results");
  }
  if (item.chunk <= 0 || values.length !== item.sentItems) {
    throw new Breach("a chunk has another number of results");
  }
  const failures = message.length === 4 ? undefined : new Map<number, unknown>();
  // An item is told of twice at the most: it may be left out as well.
  integer(message.length, 4, 4 + 6 * values.length, "the length of a message");
  for (let at = 4; at < message.length; at += 3) {
    const index = integer(message[at], 0, values.length - 1, "the place of a failure");
    failures!.set(index, failure(item.task, kindOf(message[at + 1]), message[at + 2]));
  }
  const outcome = chunkOutcome(item, values, failures);
  release(worker, item, tasks.events);
  observe(item, nanoseconds);
  tasks.taskSucceeded(worker, item, outcome);
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

/** What it says of times is brought between those that are known here: see `TaskEvents.started`. */
function readTimes(worker: WorkerSlot, message: readonly unknown[], tasks: TaskReplies): void {
  // If nobody looks any more, the outcomes that come with them matter all the same.
  if (tasks.events !== undefined) tellTimes(worker, message, tasks.events);
  if (message.length <= 3) return;
  const done = message[3];
  if (!Array.isArray(done)) throw new Breach("there are no outcomes");
  readDone(worker, done, tasks);
}

function tellTimes(worker: WorkerSlot, message: readonly unknown[], events: TaskEvents): void {
  const offset = events.clockOf(worker, millisecondsOf(message[1]));
  const times = message[2] as ArrayLike<unknown>;
  if (!Array.isArray(times) && !ArrayBuffer.isView(times)) throw new Breach("there are no times");
  for (let at = 0; at < times.length; at += 3) {
    const item = worker.sent.running(times[at]);
    const startedAt = millisecondsOf(times[at + 1]) + offset;
    const ran = Math.max(0, millisecondsOf(times[at + 2]));
    if (item !== undefined) events.timed(worker, item, startedAt, ran);
  }
}

/** A task begins, at this time of the worker's clock. */
function readStart(
  worker: WorkerSlot,
  item: WorkItem,
  now: unknown,
  events: TaskEvents | undefined,
): void {
  const at = millisecondsOf(now);
  events?.started(item, at + events.clockOf(worker, at));
}

/** A task may have broken the clock: that is no breach, as in {@linkcode timeOf}. */
function millisecondsOf(value: unknown): number {
  if (typeof value !== "number") throw new Breach("a time is no number");
  return Number.isFinite(value) ? value : 0;
}

/** A time that a task took, or -1. A clock that tells none is no breach: a task may have broken it. */
function timeOf(value: unknown): number {
  if (typeof value !== "number") throw new Breach("a time is no number");
  return value >= 0 && value <= MAX_NANOSECONDS ? value : -1;
}

function kindOf(value: unknown): FailureKind {
  if (value === THROWN || value === UNCLONEABLE || value === UNRESOLVED) return value;
  throw new Breach("a failure is of no kind");
}

function failure(task: TaskEntry, kind: FailureKind, record: unknown): unknown {
  const reason = decodeFailure(record);
  if (kind === THROWN) return reason;
  const why = messageOf(reason);
  if (kind === UNCLONEABLE) {
    const what = task.isStream ? "a value of stream" : "the result of task";
    return new SerializationError(`Cannot send ${what} "${task.name}": ${why}`, {
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
