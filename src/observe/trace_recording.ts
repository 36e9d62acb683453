import type {
  ExecutorEvent,
  TaskEndedEvent,
  TaskReturnedEvent,
} from "../backend/executor_events.ts";
import type { Executor } from "../executor/executor.ts";
import { checkCount, checkOptions } from "../executor/options.ts";
import { writeText } from "../runtime/write_text.ts";
import type { TraceEvent, TraceFile } from "./trace_events.ts";
import { TraceRows } from "./trace_rows.ts";

/** Options of {@linkcode recordTrace}. */
export interface TraceOptions {
  /**
   * How many events the trace has at the most; the oldest go first. A task is one, and the counters
   * are one for each millisecond in which something changed.
   *
   * @default {100_000}
   */
  limit?: number | undefined;
}

/** Milliseconds between two events of a counter. */
const COUNTER_INTERVAL = 1;

let recorded = 0;

/**
 * A trace that is being recorded, or was: what {@linkcode recordTrace} gives.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor } from "@concurrent/futures";
 * import { recordTrace } from "@concurrent/futures/trace";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new InlineExecutor({ name: "mine" });
 * const recording = recordTrace(executor);
 * recording.stop();
 * assertEquals(recording.toJSON().traceEvents[0]?.args, { name: "mine" });
 * ```
 */
export class TraceRecording implements Disposable {
  readonly #pid = ++recorded;
  readonly #limit: number;
  readonly #rows: TraceRows;
  readonly #watch: Disposable;
  #events: TraceEvent[] = [];
  /** Arrows: where tasks were taken from that have not run yet, by their number. */
  readonly #taken = new Map<number, TraceEvent>();
  readonly #startedAt = new Map<number, number>();
  #flows = 0;
  #waiting = 0;
  #running = 0;
  #workers = 0;
  #countedAt = -Infinity;
  /** The counters have changed since they were last told. */
  #uncounted: number | undefined = undefined;

  /** See {@linkcode recordTrace}. */
  constructor(executor: Executor, options: TraceOptions = {}) {
    checkOptions("recordTrace", options, ["limit"]);
    this.#limit = checkCount("limit", options.limit) ?? 100_000;
    this.#rows = new TraceRows(this.#pid, executor.name);
    this.#workers = executor.stats().workers;
    this.#watch = executor.observe((event) => this.#record(event));
  }

  /** Records no more. */
  stop(): void {
    this.#watch[Symbol.dispose]();
  }

  /** Records no more: what was recorded stays. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /** What was recorded so far, in the Trace Event Format. */
  toJSON(): TraceFile {
    const kept = this.#kept();
    if (this.#uncounted !== undefined) kept.push(...this.#counters(this.#uncounted));
    kept.sort((a, b) => a.ts - b.ts);
    return { traceEvents: [...this.#rows.names, ...withoutHalves(kept)], displayTimeUnit: "ms" };
  }

  /**
   * Writes what was recorded so far into a file, which https://ui.perfetto.dev and `chrome://tracing` open.
   *
   * @param path Where to. Deno asks for the permission to write there.
   * @throws {UnsupportedError} If this runtime has no files.
   */
  async write(path: string | URL): Promise<void> {
    const { traceEvents, displayTimeUnit } = this.toJSON();
    const lines = traceEvents.map((event) => JSON.stringify(event)).join(",\n");
    await writeText(
      path,
      `{"displayTimeUnit":"${displayTimeUnit}","traceEvents":[\n${lines}\n]}\n`,
    );
  }

  #record(event: ExecutorEvent): void {
    switch (event.type) {
      case "submitted":
        this.#waiting++;
        break;
      case "started":
        this.#waiting--;
        this.#running++;
        this.#startedAt.set(event.task.id, event.at);
        break;
      case "returned":
        this.#returned(event);
        break;
      case "ended":
        this.#ended(event);
        break;
      case "workerStarted":
        this.#workers++;
        this.#instant(event.worker, "t", "worker", "starts", event.at, { took: event.took });
        break;
      case "workerEnded": {
        this.#workers--;
        const { reason, exitCode } = event;
        const args = exitCode === undefined ? { reason } : { reason, exitCode };
        const isCrash = reason === "crashed";
        const name = isCrash ? "worker crashed" : `ends: ${reason}`;
        this.#instant(event.worker, isCrash ? "p" : "t", "worker", name, event.at, args);
      }
    }
    this.#count(event.at);
  }

  #returned({ task, worker, reason, at }: TaskReturnedEvent): void {
    this.#instant(worker, "t", "scheduling", reason, at, { task: task.name, id: task.id });
    if (reason !== "stolen") return;
    this.#taken.set(task.id, {
      name: "stolen",
      cat: "scheduling",
      ph: "s",
      id: this.#pid * 2 ** 32 + ++this.#flows,
      pid: this.#pid,
      tid: this.#rows.of(worker),
      ts: at * 1000,
    });
  }

  #ended(event: TaskEndedEvent): void {
    const { task, worker, outcome, at } = event;
    const startedAt = this.#startedAt.get(task.id);
    const taken = this.#taken.get(task.id);
    this.#startedAt.delete(task.id);
    this.#taken.delete(task.id);
    if (startedAt === undefined || worker === undefined) this.#waiting--;
    else {
      this.#running--;
      this.#slice(event, worker, startedAt, taken);
    }
    if (outcome === "succeeded" || outcome === "failed") return;
    const args = { task: task.name, id: task.id };
    this.#instant(worker, worker === undefined ? "p" : "t", "task", outcome, at, args);
  }

  #slice(
    { task, at, outcome, waited, ran }: TaskEndedEvent,
    worker: string,
    startedAt: number,
    taken: TraceEvent | undefined,
  ): void {
    // That it began may have been told late; how long it ran is right.
    const end = Math.min(startedAt + ran, at) * 1000;
    const { tid, from } = this.#rows.place(worker, end - ran * 1000, end);
    const slice = { pid: this.#pid, tid, ts: from };
    const { id, name, priority, chunk } = task;
    this.#push({
      ...slice,
      name: name || "(anonymous)",
      cat: "task",
      ph: "X",
      dur: Math.max(0, end - from),
      args: { id, outcome, waited, priority, items: chunk },
    });
    if (taken === undefined) return;
    this.#push(taken);
    this.#push({ ...taken, ...slice, ph: "f", bp: "e" });
  }

  #instant(
    worker: string | undefined,
    s: "t" | "p",
    cat: string,
    name: string,
    at: number,
    args: Record<string, string | number>,
  ): void {
    const tid = worker === undefined ? 0 : this.#rows.of(worker);
    this.#push({ name, cat, ph: "i", s, pid: this.#pid, tid, ts: at * 1000, args });
  }

  #count(at: number): void {
    if (at - this.#countedAt < COUNTER_INTERVAL) {
      this.#uncounted = at;
      return;
    }
    this.#countedAt = at;
    this.#uncounted = undefined;
    for (const counter of this.#counters(at)) this.#push(counter);
  }

  #counters(at: number): TraceEvent[] {
    const base = { ph: "C", pid: this.#pid, tid: 0, ts: at * 1000 } as const;
    const waiting = Math.max(0, this.#waiting);
    const utilization = this.#workers > 0 ? Math.min(1, this.#running / this.#workers) : 0;
    return [
      { ...base, name: "tasks", args: { waiting, running: this.#running } },
      { ...base, name: "utilization", args: { percent: Math.round(100 * utilization) } },
    ];
  }

  #push(event: TraceEvent): void {
    this.#events.push(event);
    if (this.#events.length >= 2 * this.#limit) this.#events = this.#kept();
  }

  /** The newest, as many as may be. */
  #kept(): TraceEvent[] {
    return this.#events.slice(-this.#limit);
  }
}

/** Leaves arrows out of which one end is too old. */
function withoutHalves(events: readonly TraceEvent[]): TraceEvent[] {
  const ends = new Map<number | undefined, number>();
  for (const { id } of events) ends.set(id, (ends.get(id) ?? 0) + 1);
  return events.filter(({ id }) => id === undefined || ends.get(id) === 2);
}
