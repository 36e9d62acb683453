import type { TraceEvent } from "./trace_events.ts";

/** What overlaps by less than this is two clocks that differ, in microseconds, and not two tasks at once. */
const CLOCK_ERROR = 200;

/** One row of a trace: slices on it do not overlap. */
interface Row {
  readonly tid: number;
  /** Where its last slice ends. */
  end: number;
}

/**
 * The rows of a trace: one for each worker, and for a worker that runs several tasks at once as many as
 * it runs, since slices of one row must not overlap.
 */
export class TraceRows {
  readonly #pid: number;
  readonly #rows = new Map<string, Row[]>();
  readonly #names: TraceEvent[] = [];
  #next = 1;

  constructor(pid: number, executor: string) {
    this.#pid = pid;
    this.#name("process_name", 0, { name: executor });
    this.#name("thread_name", 0, { name: "executor" });
    this.#name("thread_sort_index", 0, { sort_index: 0 });
  }

  /** The names of all rows. */
  get names(): readonly TraceEvent[] {
    return this.#names;
  }

  /** The first row of a worker. */
  of(worker: string): number {
    return this.#lanes(worker)[0]!.tid;
  }

  /** The row for a slice, and where it can begin there. */
  place(worker: string, from: number, to: number): { readonly tid: number; readonly from: number } {
    const lanes = this.#lanes(worker);
    let lane = lanes.find(({ end }) => end <= from) ??
      lanes.find(({ end }) => end <= Math.min(from + CLOCK_ERROR, to));
    if (lane === undefined) {
      lane = this.#add(`${worker} (${lanes.length + 1})`);
      lanes.push(lane);
    }
    const start = Math.max(from, lane.end);
    lane.end = to;
    return { tid: lane.tid, from: start };
  }

  #lanes(worker: string): Row[] {
    let lanes = this.#rows.get(worker);
    if (lanes === undefined) this.#rows.set(worker, lanes = [this.#add(worker)]);
    return lanes;
  }

  #add(name: string): Row {
    const tid = this.#next++;
    this.#name("thread_name", tid, { name });
    this.#name("thread_sort_index", tid, { sort_index: tid });
    return { tid, end: -Infinity };
  }

  #name(name: string, tid: number, args: Record<string, string | number>): void {
    this.#names.push({ name, ph: "M", pid: this.#pid, tid, ts: 0, args });
  }
}
