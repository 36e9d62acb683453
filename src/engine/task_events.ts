import type { TaskTrace } from "../runtime/runtime.ts";
import { callBack } from "../futures/callback.ts";
import { clock } from "../futures/clock.ts";
import { TimeoutError, WorkerCrashError } from "../futures/errors.ts";
import type {
  ExecutorEvent,
  Observer,
  ReturnReason,
  TaskOutcome,
  WorkerEndReason,
} from "../backend/executor_events.ts";
import type { TaskTools } from "../backend/task_tools.ts";
import { readRan, readStart } from "../wire/outcome_table.ts";
import type { TaskTime } from "../wire/process_port.ts";
import { ChunkSupply } from "./chunk_supply.ts";
import type { Metrics } from "./metrics.ts";
import { TaskRecord } from "./task_record.ts";
import type { TaskRow } from "./task_row.ts";
import type { WorkItem } from "./work_item.ts";
import { UntoldEvents } from "./untold_events.ts";
import { WorkerClocks } from "./worker_clocks.ts";
import type { WorkerEnd } from "./worker_life.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/**
 * Makes events and metrics of what the parts of the engine tell. Tasks that were submitted before
 * anybody looked have no record, and nothing is told of them.
 *
 * With metrics alone a short task has no object of its own: its record is the time of its submit.
 */
export class TaskEvents {
  readonly name: string;
  readonly #metrics: Metrics | undefined;
  readonly #untold: UntoldEvents;
  readonly #tools: TaskTools;
  /** Whether there are observers. */
  isObserved = false;
  #nextId = 0;
  /** When the tasks that are being sent were. */
  #sendingAt = 0;
  /** When the message came that is acted upon: what it tells has one time. */
  #receivedAt: number | undefined = undefined;
  /** What a worker was asked to give tasks back for, last. */
  readonly #asked = new Map<string, ReturnReason>();
  readonly #clocks = new WorkerClocks();

  /** @param onEmpty Called when there is no observer any more. */
  constructor(
    name: string,
    metrics: Metrics | undefined,
    tools: TaskTools,
    onEmpty: () => void,
  ) {
    this.#tools = tools;
    this.name = name;
    this.#metrics = metrics;
    this.#untold = new UntoldEvents(name, () => {
      this.isObserved = false;
      onEmpty();
    });
  }

  observe(observer: Observer): () => void {
    const remove = this.#untold.add(observer);
    this.isObserved = true;
    return remove;
  }

  #emit(event: ExecutorEvent): void {
    if (this.isObserved) this.#untold.push(event);
  }

  #now(): number {
    return this.#receivedAt ?? clock.now();
  }

  // --- messages ---

  /** A message is acted upon, until `undefined` says that it was. */
  received(at: number | undefined): void {
    this.#receivedAt = at;
  }

  /** What to add to times of a worker, of which this one has just come, to have them by this clock. */
  clockOf(worker: WorkerSlot, now: number): number {
    return this.#clocks.told(worker, now, this.#now());
  }

  // --- tasks ---

  /** A task is about to be submitted while tools listen: what they are told of it. */
  traced(item: WorkItem): TaskTrace {
    const record = item.record = this.#newRecord(item);
    return this.#traceOf(record);
  }

  #traceOf(record: TaskRecord, parent?: TaskTrace["parent"]): TaskTrace {
    const { id, name } = record.info!;
    return record.trace = { executor: this.name, id, name, parent };
  }

  #newRecord(item: WorkItem): TaskRecord {
    const { task: { name }, priority, chunk } = item;
    const info = { id: this.#nextId++, name, priority, chunk: Math.max(0, chunk) };
    return new TaskRecord(info, this.#now());
  }

  /** A task was submitted. A whole `map` is not told of, but each of its chunks, when it is cut. */
  submitted(item: WorkItem, parent?: TaskTrace["parent"]): void {
    const isSupply = item.chunk < 0;
    let { record } = item;
    if (typeof record !== "object") {
      const tools = this.#tools;
      const isTraced = !isSupply && tools.hasSubscribers;
      if (!this.isObserved && !isTraced) {
        item.record = this.#now();
        return;
      }
      record = item.record = this.#newRecord(item);
      // A chunk of a `map` is submitted by nobody: there is no context to bind.
      if (isTraced) {
        const trace = this.#traceOf(record, parent);
        callBack(() => tools.submit(trace, () => {}), "a tracing tool");
      }
    }
    if (!isSupply && this.isObserved) this.#untold.push(record);
  }

  /** A task was submitted that waits in a row, and is the last there. */
  submittedInRow(row: TaskRow): void {
    if (!this.isObserved) return row.watchLast(this.#now(), NaN);
    row.watchLast(this.#now(), this.#nextId++);
    this.#untold.pushLastOf(row);
  }

  /** Tasks are about to be sent: long ones are to tell when they begin, short ones do with their end. */
  sending(items: readonly WorkItem[]): void {
    this.#sendingAt = this.#now();
    for (const item of items) {
      const { record } = item;
      if (record === undefined || typeof record === "number" && !item.long) continue;
      const own = item.record = typeof record === "number"
        ? new TaskRecord(undefined, record)
        : record;
      own.notifies = item.long;
      if (own.trace !== undefined) this.#tools.sending(own.trace);
    }
  }

  /** Told when they have left; those that could not be sent have no worker any more. */
  sent(worker: WorkerSlot, items: readonly WorkItem[]): void {
    const { name } = worker;
    const at = this.#sendingAt;
    const sent = { worker: name, at };
    for (const item of items) {
      const { record } = item;
      if (typeof record === "object" && item.worker === worker) record.sent = sent;
    }
    if (!this.isObserved) return;
    const { name: executor } = this;
    let ahead = worker.load.inFlight;
    for (const item of items) if (item.worker === worker) ahead--;
    for (const item of items) {
      if (item.worker !== worker) continue;
      const task = typeof item.record === "object" ? item.record.info : undefined;
      if (task !== undefined) {
        this.#untold.push({ type: "sent", at, executor, task, worker: name, ahead });
      }
      ahead++;
    }
  }

  /** A worker without a claim table is asked to give tasks back. */
  asked(worker: WorkerSlot, reason: ReturnReason): void {
    this.#asked.set(worker.name, reason);
  }

  /** Tasks that had not begun came back from their worker: for what it was asked for, if nothing is given. */
  returned(items: readonly WorkItem[], reason?: ReturnReason): void {
    for (const { record } of items) {
      if (typeof record !== "object" || record.sent === undefined) continue;
      const { worker } = record.sent;
      record.sent = undefined;
      if (record.info === undefined || !this.isObserved) continue;
      this.#emit({
        type: "returned",
        at: this.#now(),
        executor: this.name,
        task: record.info,
        worker,
        reason: reason ?? this.#asked.get(worker) ?? "recalled",
      });
    }
  }

  /** Its worker tells that a task begins, or began; whatever its clock says, after it was sent and before now. */
  started({ record }: WorkItem, startedAt: number): void {
    if (typeof record !== "object" || record.isOver || record.hasBegun) return;
    const { info: task, sent } = record;
    if (sent === undefined) return;
    const at = Math.min(Math.max(startedAt, sent.at), this.#now());
    const { worker } = sent;
    record.startedAt = at;
    this.#metrics?.started(worker, record);
    if (task === undefined || !this.isObserved) return;
    this.#untold.push({ type: "started", at, executor: this.name, task, worker });
  }

  /** Its worker tells when a task began and how long it ran. */
  timed(worker: WorkerSlot, item: WorkItem, startedAt: number, ran: number): void {
    const { record } = item;
    if (record === undefined) return;
    const now = this.#now();
    if (typeof record === "number") {
      const began = Math.max(record, Math.min(startedAt, now - ran));
      this.#metrics?.ran(worker.name, began - record, Math.min(ran, now - began));
      return;
    }
    if (record.isOver) return;
    this.started(item, Math.min(startedAt, now - ran));
    const { sent } = record;
    if (!record.hasBegun || sent === undefined) return;
    // If it was told before, then maybe too late: what it waited and ran is right all the same.
    record.startedAt = Math.max(sent.at, Math.min(record.startedAt, now - ran));
    record.ran = Math.min(ran, now - record.startedAt);
  }

  /** A message tells that a task has ended: where memory is shared, its worker has left its time there. */
  ends(worker: WorkerSlot, item: WorkItem): void {
    if (item.record === undefined) return;
    const { outcomes } = worker.sent.claims;
    const { slot } = item;
    const startedAt = outcomes === undefined ? 0 : readStart(outcomes, slot);
    if (startedAt !== 0) this.#seen(worker, item, startedAt, readRan(outcomes!, slot));
  }

  /** The end of a task is seen before its worker tells it; a worker that did not time it yet knows no time. */
  seen(worker: WorkerSlot, item: WorkItem, time: TaskTime | undefined): void {
    if (time === undefined) this.timed(worker, item, this.#now(), 0);
    else this.#seen(worker, item, time.startedAt, time.ran);
  }

  /** @param itsStart By its worker's clock, which a task may have broken, as both. */
  #seen(worker: WorkerSlot, item: WorkItem, itsStart: number, itsRan: number): void {
    const ran = itsRan > 0 ? itsRan : 0;
    const offset = this.#clocks.offsetOf(worker);
    const startedAt = offset === undefined ? this.#now() - ran : itsStart + offset || 0;
    this.timed(worker, item, startedAt, ran);
  }

  /** A task is settled: with an error, unless it has succeeded or was cancelled. */
  ended(item: WorkItem, outcome: "succeeded" | "failed" | "cancelled", error?: unknown): void {
    const { record } = item;
    if (record === undefined) return;
    // While it has its place, its worker is asked to tell that it begins.
    if (typeof record === "object" && item.worker !== undefined) record.isOver = true;
    else item.record = undefined;
    const at = this.#now();
    this.#metrics?.ended(at);
    if (typeof record === "number") return;
    const { submittedAt, startedAt, hasBegun } = record;
    const worker = record.sent?.worker;
    const ran = !hasBegun ? 0 : Number.isNaN(record.ran) ? at - startedAt : record.ran;
    const waited = (hasBegun ? startedAt : at) - submittedAt;
    if (worker !== undefined && hasBegun) this.#metrics?.ran(worker, waited, ran, record);
    const told = outcome === "failed" ? outcomeOf(item, error) : outcome;
    const { trace } = record;
    if (trace !== undefined) {
      const settled = { worker, waited, ran, outcome: told };
      Object.assign(trace, outcome === "failed" ? { ...settled, error } : settled);
      this.#untold.push(() => this.#tools.settled(trace));
    }
    if (record.info === undefined || !this.isObserved) return;
    const executor = this.name;
    let task = record.info;
    if (item instanceof ChunkSupply) {
      // What was not cut off a `map`: one task, of all the items that are left.
      task = { ...task, chunk: Math.max(1, item.source.remaining) };
      this.#untold.push({ type: "submitted", at: submittedAt, executor, task });
    }
    const event = {
      type: "ended",
      at,
      executor,
      task,
      worker,
      outcome: told,
      waited,
      ran,
    } as const;
    this.#untold.push(outcome === "failed" ? { ...event, error } : event);
  }

  // --- workers ---

  workerStarted(worker: WorkerSlot): void {
    const at = this.#now();
    const { name, life: { startedAt } } = worker;
    this.#metrics?.workerStarted(name, at);
    const took = at - startedAt;
    this.#emit({ type: "workerStarted", at, executor: this.name, worker: name, took });
  }

  workerEnded(worker: WorkerSlot, { exitCode }: WorkerEnd, isEnding: boolean): void {
    const { name } = worker;
    this.#metrics?.workerEnded(name);
    this.#asked.delete(name);
    const reason = endReasonOf(worker, isEnding);
    const at = this.#now();
    this.#emit({ type: "workerEnded", at, executor: this.name, worker: name, reason, exitCode });
  }
}

function outcomeOf(item: WorkItem, error: unknown): TaskOutcome {
  if (error instanceof WorkerCrashError) return "crashed";
  const isOver = error instanceof TimeoutError && item.aborted?.reason === error;
  return isOver ? "timedOut" : "failed";
}

function endReasonOf(worker: WorkerSlot, isEnding: boolean): WorkerEndReason {
  if (worker.life.isCrashed) return "crashed";
  if (worker.life.wasBusy) return "stopped";
  if (worker.load.remaining <= 0) return "recycled";
  return isEnding ? "shutdown" : "idle";
}
