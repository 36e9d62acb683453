import type { ExecutorEvent, Observer, TaskInfo, TaskOutcome } from "../backend/executor_events.ts";
import { clock } from "../futures/clock.ts";
import { TimeoutError } from "../futures/errors.ts";
import { Observers } from "../futures/observers.ts";
import { WorkerLostError } from "./errors.ts";
import type { RemoteItem } from "./remote_item.ts";

/** What observers know of an item. */
interface Record {
  readonly task: TaskInfo;
  readonly submittedAt: number;
  startedAt: number | undefined;
}

/** Tells observers what happens. Which worker has a task, only the engine knows: it stands in the worker's place. */
export class RemoteEvents {
  readonly name: string;
  readonly #engine: string;
  readonly #observers: Observers<ExecutorEvent>;
  readonly #records = new WeakMap<RemoteItem, Record>();
  #untold: ExecutorEvent[] = [];
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

  submitted(item: RemoteItem): void {
    if (this.#observers.isEmpty) return;
    const at = clock.now();
    const { task: { name }, items: chunk, limits: { priority = 0 } } = item;
    const task = { id: this.#nextId++, name, priority, chunk };
    this.#records.set(item, { task, submittedAt: at, startedAt: undefined });
    this.#emit({ type: "submitted", at, executor: this.name, task });
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
    const { task, submittedAt, startedAt } = record;
    const at = clock.now();
    this.#emit({
      ...{ type: "ended", at, executor: this.name, task },
      worker: item.handed ? this.#engine : undefined,
      outcome: outcome === "failed" ? kindOf(error) : outcome,
      waited: (startedAt ?? at) - submittedAt,
      ran: startedAt === undefined ? 0 : at - startedAt,
      ...(outcome === "failed" ? { error } : {}),
    });
  }

  #emit(event: ExecutorEvent): void {
    if (this.#untold.push(event) === 1) clock.queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    for (const event of this.#untold.splice(0)) this.#observers.tell(event);
  }
}

function kindOf(error: unknown): TaskOutcome {
  if (error instanceof TimeoutError) return "timedOut";
  return error instanceof WorkerLostError ? "crashed" : "failed";
}
