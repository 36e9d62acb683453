import type { ExecutorMetrics, Observer } from "../backend/executor_events.ts";
import { clock } from "../futures/clock.ts";
import { Metrics } from "./metrics.ts";
import { TaskEvents } from "./task_events.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/**
 * Whether anybody looks at an engine. While nobody does, its parts pay one look at a field for each of
 * their steps, and workers time nothing of one task.
 */
export class Watch {
  /** Where the parts of the engine tell what happens, while somebody looks. */
  events: TaskEvents | undefined = undefined;
  /** Set right after construction. */
  workers!: ReadonlySet<WorkerSlot>;
  readonly #all: TaskEvents;
  readonly #metrics: Metrics | undefined;

  /** @param name What the executor is called in events. */
  constructor(name: string, keepsMetrics: boolean) {
    this.#metrics = keepsMetrics ? new Metrics() : undefined;
    this.#all = new TaskEvents(name, this.#metrics, () => this.#unwatched());
    if (keepsMetrics) this.events = this.#all;
  }

  /** Tells what happens from now on; what it returns ends that. */
  observe(observer: Observer): () => void {
    if (this.events === undefined) {
      this.events = this.#all;
      for (const worker of this.workers) worker.observe(true);
    }
    return this.#all.observe(observer);
  }

  #unwatched(): void {
    if (this.#metrics !== undefined || this.events === undefined) return;
    this.events = undefined;
    for (const worker of this.workers) worker.observe(false);
  }

  /** @throws {TypeError} If no metrics are kept. */
  summary(executorName: string, queueLength: number, places: number): ExecutorMetrics {
    if (this.#metrics !== undefined) return this.#metrics.summary(clock.now(), queueLength, places);
    throw new TypeError(
      `Cannot tell the metrics of ${executorName}: none are kept; make it with { metrics: true }`,
    );
  }
}
