import type { ExecutorMetrics, TimeSummary } from "../backend/executor_events.ts";
import type { TaskRecord } from "./task_record.ts";

/** Buckets for each doubling of a time: one is 4.4 % wide. */
const PER_DOUBLING = 16;
/** The least time that is told from zero: 2 ** -20 ms, a nanosecond. */
const LEAST = -20;
/** Up to 2 ** 32 ms, seven weeks. */
const BUCKETS = (32 - LEAST) * PER_DOUBLING;

/** Counts times in buckets whose width grows with the time. */
export class Histogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  add(milliseconds: number): void {
    this.#count++;
    this.#sum += milliseconds;
    if (milliseconds < this.#min) this.#min = milliseconds;
    if (milliseconds > this.#max) this.#max = milliseconds;
    const at = Math.floor((Math.log2(milliseconds) - LEAST) * PER_DOUBLING);
    this.#buckets[at > 0 ? Math.min(at, BUCKETS - 1) : 0]!++;
  }

  /** The time that a part of them, 0 to 1, did not exceed. */
  quantile(part: number): number {
    let left = Math.ceil(part * this.#count);
    for (let at = 0; at < BUCKETS; at++) {
      left -= this.#buckets[at]!;
      if (left > 0) continue;
      const middle = 2 ** (LEAST + (at + 0.5) / PER_DOUBLING);
      return Math.min(Math.max(middle, this.#min), this.#max);
    }
    return this.#max;
  }

  summary(): TimeSummary {
    const count = this.#count;
    if (count === 0) return { count, min: 0, max: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0 };
    return {
      count,
      min: this.#min,
      max: this.#max,
      mean: this.#sum / count,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
    };
  }
}

/** Milliseconds of one place of the last second. */
const PLACE = 50;
const PLACES = 20;

/** Counts what happened within the last second. */
export class LastSecond {
  readonly #counts = new Uint32Array(PLACES);
  #place = 0;

  add(at: number): void {
    this.#forget(at);
    this.#counts[this.#place % PLACES]!++;
  }

  count(at: number): number {
    this.#forget(at);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  #forget(at: number): void {
    const place = Math.floor(at / PLACE);
    if (place <= this.#place) return;
    for (let i = Math.max(this.#place + 1, place - PLACES + 1); i <= place; i++) {
      this.#counts[i % PLACES] = 0;
    }
    this.#place = place;
  }
}

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

  /** A task is known to run. */
  started(worker: string, record: TaskRecord): void {
    this.#workers.get(worker)?.running.add(record);
  }

  /** A task has run. */
  ran(worker: string, waited: number, ran: number, record?: TaskRecord): void {
    this.#waitTime.add(waited);
    this.#runTime.add(ran);
    const life = this.#workers.get(worker);
    if (life === undefined) return;
    life.busy += ran;
    if (record !== undefined) life.running.delete(record);
  }

  /** A task has ended, whether it ran or not. */
  ended(at: number): void {
    this.#lastSecond.add(at);
  }

  workerStarted(worker: string, at: number): void {
    this.#workers.set(worker, { since: at, busy: 0, running: new Set() });
  }

  workerEnded(worker: string): void {
    this.#workers.delete(worker);
  }

  /** @param places Tasks that one worker runs at once. */
  summary(at: number, queueLength: number, places: number): ExecutorMetrics {
    const utilization: Record<string, number> = {};
    for (const [worker, { since, busy, running }] of this.#workers) {
      let sum = busy;
      for (const { startedAt = at } of running) sum += at - startedAt;
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
