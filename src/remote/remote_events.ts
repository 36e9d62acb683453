import type { ExecutorEvent, Observer, TaskInfo, TaskOutcome } from "../backend/executor_events.ts";
import { TaskTools } from "../backend/task_tools.ts";
import { callBack } from "../futures/callback.ts";
import { clock } from "../futures/clock.ts";
import { TimeoutError } from "../futures/errors.ts";
import { Observers } from "../futures/observers.ts";
import type { TaskTrace } from "../runtime/runtime.ts";
import { taskChannel } from "../runtime/task_channel.ts";
import { WorkerLostError } from "./errors.ts";
import type { RemoteItem } from "./remote_item.ts";

/** What observers know of an item. */
interface Record {
  readonly task: TaskInfo;
  readonly submittedAt: number;
  startedAt: number | undefined;
  /** What tools are told, if there are any. */
  readonly trace: TaskTrace | undefined;
}

/** Tells observers what happens. Which worker has a task, only the engine knows: it stands in the worker's place. */
export class RemoteEvents {
  readonly name: string;
  readonly #engine: string;
  readonly #observers: Observers<ExecutorEvent>;
  readonly #records = new WeakMap<RemoteItem, Record>();
  readonly tools: TaskTools = new TaskTools(taskChannel);
  #untold: (ExecutorEvent | (() => void))[] = [];
  #nextId = 0;

  constructor(name: string, engine: string) {
    this.name = name;
    this.#engine = engine;
    this.#observers = new Observers(name, () => {});
  }

  observe(observer: Observer): () => void {
    this.#tell(); // what was before is not told
    const remove = this.#observers.add(observer);
    return () => {
      this.#tell();
      remove();
    };
  }

  /** Submits an item by a callback: if tools listen, in the stores that they have bound. */
  submit<R>(item: RemoteItem, submit: () => R): R {
    const { tools } = this;
    if (!tools.hasSubscribers) return submit();
    return tools.submit(this.#record(item, true).trace!, submit);
  }

  submitted(item: RemoteItem): void {
    if (this.#observers.isEmpty) return;
    const { task, submittedAt: at } = this.#records.get(item) ?? this.#record(item, false);
    this.#emit({ type: "submitted", at, executor: this.name, task });
  }

  #record(item: RemoteItem, isTraced: boolean): Record {
    const { id: messageId, task: { name }, items: chunk, limits: { priority = 0 } } = item;
    const task = { id: this.#nextId++, name, priority, chunk };
    const [executor, engine] = [this.name, this.#engine];
    const trace = isTraced ? { executor, id: task.id, name, engine, messageId } : undefined;
    const record = { task, submittedAt: clock.now(), startedAt: undefined, trace };
    this.#records.set(item, record);
    return record;
  }

  /** An item is about to be sent: what is to travel with it. */
  sending(item: RemoteItem): TaskTrace["carrier"] {
    const trace = this.#records.get(item)?.trace;
    if (trace !== undefined) this.tools.sending(trace);
    return trace?.carrier;
  }

  sent(item: RemoteItem): void {
    const record = this.#records.get(item);
    if (record === undefined || item.done) return;
    const { task } = record;
    const [executor, worker] = [this.name, this.#engine];
    this.#emit({ type: "sent", at: clock.now(), executor, task, worker, ahead: 0 });
  }

  started(item: RemoteItem): void {
    const record = this.#records.get(item);
    if (record === undefined) return;
    const { task } = record;
    const at = record.startedAt = clock.now();
    this.#emit({ type: "started", at, executor: this.name, task, worker: this.#engine });
  }

  ended(item: RemoteItem, outcome: "succeeded" | "failed" | "cancelled", error?: unknown): void {
    const record = this.#records.get(item);
    if (record === undefined) return;
    this.#records.delete(item);
    const { task, submittedAt, startedAt, trace } = record;
    const at = clock.now();
    const told = {
      worker: item.handed ? this.#engine : undefined,
      outcome: outcome === "failed" ? kindOf(error) : outcome,
      waited: (startedAt ?? at) - submittedAt,
      ran: startedAt === undefined ? 0 : at - startedAt,
      ...(outcome === "failed" ? { error } : {}),
    };
    if (trace !== undefined) {
      Object.assign(trace, told);
      this.#later(() => this.tools.settled(trace));
    }
    this.#emit({ type: "ended", at, executor: this.name, task, ...told });
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
