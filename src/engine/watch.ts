import type { ExecutorMetrics, Observer } from "../backend/executor_events.ts";
import { TaskTools } from "../backend/task_tools.ts";
import { clock } from "../futures/clock.ts";
import { Metrics } from "./metrics.ts";
import type { Future } from "../futures/future.ts";
import type { TaskChannel } from "../runtime/runtime.ts";
import { TaskEvents } from "./task_events.ts";
import type { WorkItem } from "./work_item.ts";
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
  /** The tools that are told of each task; the channel, by which others listen, comes first. */
  readonly tools: TaskTools;
  #isTraced = false;

  /**
   * @param name What the executor is called in events.
   * @param findChannel See `SchedulerOptions.taskChannel`.
   */
  constructor(
    name: string,
    keepsMetrics: boolean,
    findChannel: (() => TaskChannel | undefined) | undefined,
  ) {
    this.tools = new TaskTools(findChannel);
    this.#metrics = keepsMetrics ? new Metrics() : undefined;
    this.#all = new TaskEvents(name, this.#metrics, this.tools, () => this.#unwatched());
    if (keepsMetrics) this.events = this.#all;
  }

  /** Tells what happens from now on; what it returns ends that. */
  observe(observer: Observer): () => void {
    this.#watched();
    return this.#all.observe(observer);
  }

  /** Looks whether tools listen to the channel: once for each submit. */
  lookForTools(): boolean {
    const isTraced = this.tools.hasSubscribers;
    if (isTraced !== this.#isTraced) {
      this.#isTraced = isTraced;
      if (isTraced) this.#watched();
      else if (!this.#all.isObserved) this.#unwatched();
    }
    return isTraced;
  }

  /** Submits a task while tools listen: in the stores that they have bound. */
  submit(item: WorkItem, submit: () => Future<unknown>): Future<unknown> {
    return this.tools.submit(this.#all.traced(item), submit);
  }

  /** Tells a tool of each task that is submitted from now on; what it returns ends that. */
  addTool(tool: TaskChannel): () => void {
    return this.tools.add(tool);
  }

  #watched(): void {
    if (this.events !== undefined) return;
    this.events = this.#all;
    for (const worker of this.workers) worker.observe(true);
  }

  #unwatched(): void {
    if (this.#metrics !== undefined || this.#isTraced || this.events === undefined) return;
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
