import type { ExecutorMetrics } from "../backend/executor_events.ts";
import { Histogram, LastSecond } from "../backend/time_counts.ts";
import type { TaskRecord } from "./task_record.ts";

/** What is measured of one worker. */
interface WorkerLife {
  readonly since: number;
  /** Milliseconds in which it ran tasks that have ended. */
  busy: number;
  /** The tasks that it is known to run. */
  readonly running: Set<TaskRecord>;
}

/** What is measured of an executor that was made with `metrics`. */
export class Metrics {
  readonly #waitTime = new Histogram();
  readonly #runTime = new Histogram();
  readonly #lastSecond = new LastSecond();
  readonly #workers = new Map<string, WorkerLife>();
  /** The worker of the last task: that of the next is mostly the same. */
  #last: string | undefined = undefined;
  #lastLife: WorkerLife | undefined = undefined;

  #lifeOf(worker: string): WorkerLife | undefined {
    if (worker !== this.#last) {
      this.#last = worker;
      this.#lastLife = this.#workers.get(worker);
    }
    return this.#lastLife;
  }

  /** A task is known to run. */
  started(worker: string, task: TaskRecord): void {
    this.#lifeOf(worker)?.running.add(task);
  }

  /** A task has run; it is given if it was known to. */
  ran(worker: string, waited: number, ran: number, task?: TaskRecord): void {
    this.#waitTime.add(waited);
    this.#runTime.add(ran);
    const life = this.#lifeOf(worker);
    if (life === undefined) return;
    life.busy += ran;
    if (task !== undefined) life.running.delete(task);
  }

  /** A task has ended, whether it ran or not. */
  ended(at: number): void {
    this.#lastSecond.add(at);
  }

  workerStarted(worker: string, at: number): void {
    this.#workers.set(worker, { since: at, busy: 0, running: new Set() });
    this.#last = undefined;
  }

  workerEnded(worker: string): void {
    this.#workers.delete(worker);
    this.#last = undefined;
  }

  /** @param places Tasks that one worker runs at once. */
  summary(at: number, queueLength: number, places: number): ExecutorMetrics {
    const utilization: Record<string, number> = {};
    for (const [worker, { since, busy, running }] of this.#workers) {
      let sum = busy;
      for (const { startedAt } of running) sum += at - startedAt;
      utilization[worker] = at > since ? Math.min(1, sum / (at - since) / places) : 0;
    }
    return {
      waitTime: this.#waitTime.summary(),
      runTime: this.#runTime.summary(),
      utilization,
      throughput: this.#lastSecond.count(at),
      queueLength,
    };
  }
}
