import type { ExecutorMetrics } from "../backend/executor_events.ts";
import { Histogram, LastSecond } from "../backend/time_counts.ts";
import type { RemoteRecord } from "./remote_item.ts";

/** Workers of which something is kept at the most: fleets come and go, and only `workers()` tells who is gone. */
const MAX_WORKERS = 1_000;

/** What is known of one worker. */
interface WorkerLife {
  /** When it began the first task of this client. */
  readonly since: number;
  places: number;
  /** Milliseconds in which it ran tasks of this client that have ended. */
  busy: number;
  readonly running: Set<RemoteRecord>;
}

/** What is measured of a distributed executor that was made with `metrics`. */
export class RemoteMetrics {
  readonly #waitTime = new Histogram();
  readonly #runTime = new Histogram();
  readonly #lastSecond = new LastSecond();
  readonly #workers = new Map<string, WorkerLife>();

  /** A worker told that it began a task. */
  started(worker: string, record: RemoteRecord, at: number): void {
    this.#life(worker, at).running.add(record);
  }

  /** A worker told how long it ran a task, and how many it runs at once. */
  ran(worker: string, record: RemoteRecord, startedAt: number, ran: number, places: number): void {
    this.#waitTime.add(startedAt - record.submittedAt);
    this.#runTime.add(ran);
    const life = this.#life(worker, startedAt);
    life.busy += ran;
    life.places = Math.max(1, places);
  }

  /** A task has ended, whether it ran or not. */
  ended(record: RemoteRecord, at: number): void {
    this.#lastSecond.add(at);
    if (record.worker !== undefined) this.#workers.get(record.worker)?.running.delete(record);
  }

  /** Only these live. */
  alive(workers: ReadonlySet<string>): void {
    for (const name of this.#workers.keys()) if (!workers.has(name)) this.#workers.delete(name);
  }

  #life(worker: string, at: number): WorkerLife {
    let life = this.#workers.get(worker);
    if (life !== undefined) return life;
    life = { since: at, places: 1, busy: 0, running: new Set() };
    this.#workers.set(worker, life);
    if (this.#workers.size > MAX_WORKERS) {
      const [oldest] = this.#workers.keys();
      this.#workers.delete(oldest!);
    }
    return life;
  }

  summary(at: number, queueLength: number): ExecutorMetrics {
    const utilization: [string, number][] = [];
    for (const [worker, { since, places, busy, running }] of this.#workers) {
      let sum = busy;
      for (const { startedAt = at } of running) sum += at - startedAt;
      utilization.push([worker, at > since ? Math.min(1, sum / (at - since) / places) : 0]);
    }
    return {
      waitTime: this.#waitTime.summary(),
      runTime: this.#runTime.summary(),
      utilization: Object.fromEntries(utilization), // names of workers are not ours
      throughput: this.#lastSecond.count(at),
      queueLength,
    };
  }
}
