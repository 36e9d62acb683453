import type {
  ExecutorEvent,
  ExecutorMetrics,
  Observer,
  TaskOutcome,
} from "../backend/executor_events.ts";
import { Observers } from "../backend/observers.ts";
import { TaskTools } from "../backend/task_tools.ts";
import { callBack } from "../futures/callback.ts";
import { clock } from "../futures/clock.ts";
import { TimeoutError } from "../futures/errors.ts";
import type { TaskChannel } from "../runtime/runtime.ts";
import { taskChannel } from "../runtime/task_channel.ts";
import type { RunReport } from "./envelope.ts";
import { WorkerLostError } from "./errors.ts";
import type { RemoteItem, RemoteRecord } from "./remote_item.ts";
import { RemoteMetrics } from "./remote_metrics.ts";

/** What is told of an executor. */
export interface RemoteEventsOptions {
  /** What it is called. */
  readonly name: string;
  /** What stands for the worker of a task that was sent, until one tells that it has it. */
  readonly engine: string;
  readonly keepsMetrics: boolean;
}

/**
 * Tells observers and tools what happens, and measures. Tasks that were submitted before anybody looked have no
 * record, and nothing is told of them; of those with one, workers tell where and how long they ran.
 */
export class RemoteEvents {
  readonly #options: RemoteEventsOptions;
  readonly #observers: Observers<ExecutorEvent>;
  readonly #tools = new TaskTools(taskChannel);
  readonly #metrics: RemoteMetrics | undefined;
  #untold: (ExecutorEvent | (() => void))[] = [];
  #nextId = 0;

  constructor(options: RemoteEventsOptions) {
    this.#options = options;
    this.#observers = new Observers(options.name, () => {});
    this.#metrics = options.keepsMetrics ? new RemoteMetrics() : undefined;
  }

  get name(): string {
    return this.#options.name;
  }

  observe(observer: Observer): () => void {
    this.#tell(); // what was before is not told
    const remove = this.#observers.add(observer);
    return () => {
      this.#tell();
      remove();
    };
  }

  addTool(tool: TaskChannel): () => void {
    return this.#tools.add(tool);
  }

  /** @throws {TypeError} If none are kept. */
  metrics(queueLength: number): ExecutorMetrics {
    if (this.#metrics !== undefined) return this.#metrics.summary(clock.now(), queueLength);
    throw new TypeError(
      "Cannot tell the metrics of DistributedExecutor: none are kept; make it with { metrics: true }",
    );
  }

  /** Only these workers live. */
  alive(workers: ReadonlySet<string>): void {
    this.#metrics?.alive(workers);
  }

  /** Takes an item while tools listen, in the stores that they have bound; while none does, as it is. */
  submit<R>(item: RemoteItem, take: () => R): R {
    if (!this.#tools.hasSubscribers) return take();
    const record = item.record = this.#newRecord(item);
    const { name: executor, engine } = this.#options;
    const { id, name } = record.info;
    record.trace = { executor, id, name, engine, messageId: item.id };
    return this.#tools.submit(record.trace, take);
  }

  submitted(item: RemoteItem): void {
    const isObserved = !this.#observers.isEmpty;
    if (item.record === undefined) {
      if (!isObserved && this.#metrics === undefined) return;
      item.record = this.#newRecord(item);
    }
    const { submittedAt: at, info: task } = item.record;
    this.#emit({ type: "submitted", at, executor: this.name, task });
  }

  #newRecord({ task: { name }, items: chunk, limits: { priority = 0 } }: RemoteItem): RemoteRecord {
    const submittedAt = clock.now();
    return {
      ...{ info: { id: this.#nextId++, name, priority, chunk }, submittedAt, sentAt: submittedAt },
      ...{ startedAt: undefined, worker: undefined, trace: undefined },
    };
  }

  /** An item is about to be sent: what is to travel with it. */
  sending({ record }: RemoteItem): Readonly<Record<string, string>> | undefined {
    if (record?.trace === undefined) return undefined;
    this.#tools.sending(record.trace);
    return record.trace.carrier;
  }

  /** An item is in the engine's hands. */
  sent({ record }: RemoteItem): void {
    if (record === undefined) return;
    const at = record.sentAt = clock.now();
    const { engine: worker, name: executor } = this.#options;
    this.#emit({ type: "sent", at, executor, task: record.info, worker, ahead: 0 });
  }

  /** A worker told that it began an item. */
  started({ record }: RemoteItem, worker: string): void {
    if (record !== undefined && record.startedAt === undefined) {
      this.#started(record, worker, clock.now());
    }
  }

  #started(record: RemoteRecord, worker: string, at: number): void {
    record.startedAt = at;
    record.worker = worker;
    this.#metrics?.started(worker, record, at);
    this.#emit({ type: "started", at, executor: this.name, task: record.info, worker });
  }

  /** @param report What its worker told of its run, if it was asked. */
  ended(
    item: RemoteItem,
    outcome: "succeeded" | "failed" | "cancelled",
    error?: unknown,
    report?: RunReport,
  ): void {
    const { record } = item;
    if (record === undefined) return;
    item.record = undefined;
    const at = clock.now();
    if (report !== undefined) {
      // Its end is known when it comes; its own clock tells no more than how long it ran.
      const startedAt = Math.max(record.sentAt, Math.min(record.startedAt ?? at, at - report.ran));
      if (record.startedAt === undefined) this.#started(record, report.worker, startedAt);
      const ran = Math.min(report.ran, at - startedAt);
      this.#metrics?.ran(report.worker, record, startedAt, ran, report.places);
      record.startedAt = startedAt;
      this.#ended(record, item.handed, at, ran, outcome, error);
    } else {
      const { startedAt = at } = record;
      this.#ended(record, item.handed, at, at - startedAt, outcome, error);
    }
    this.#metrics?.ended(record, at);
  }

  #ended(
    record: RemoteRecord,
    wasHanded: boolean,
    at: number,
    ran: number,
    how: "succeeded" | "failed" | "cancelled",
    error: unknown,
  ): void {
    const { info: task, submittedAt, startedAt, trace } = record;
    const outcome = how === "failed" ? kindOf(error) : how;
    const worker = record.worker ?? (wasHanded ? this.#options.engine : undefined);
    const told = {
      ...{ worker, outcome, ran, waited: (startedAt ?? at) - submittedAt },
      ...how === "failed" ? { error } : {},
    };
    this.#emit({ type: "ended", at, executor: this.name, task, ...told });
    if (trace === undefined) return;
    Object.assign(trace, told);
    this.#later(() => this.#tools.settled(trace));
  }

  #emit(event: ExecutorEvent): void {
    if (!this.#observers.isEmpty) this.#later(event);
  }

  #later(what: ExecutorEvent | (() => void)): void {
    if (this.#untold.push(what) === 1) clock.queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    for (const what of this.#untold.splice(0)) {
      if (typeof what === "function") callBack(what, "a subscriber of concurrent-futures.task");
      else this.#observers.tell(what);
    }
  }
}

function kindOf(error: unknown): TaskOutcome {
  if (error instanceof TimeoutError) return "timedOut";
  return error instanceof WorkerLostError ? "crashed" : "failed";
}
