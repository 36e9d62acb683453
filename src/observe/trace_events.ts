/** One event of the Trace Event Format, as far as it is written here. */
export interface TraceEvent {
  /** What it is called; for a slice the task's name. */
  readonly name: string;
  /** Its kind: a slice, an instant, a counter, the ends of an arrow, the name of a row. */
  readonly ph: "X" | "i" | "C" | "s" | "f" | "M";
  /** The executor. */
  readonly pid: number;
  /** The row: a worker, or 0 for the executor itself. */
  readonly tid: number;
  /** When it was, in microseconds of this thread's `performance.now()`. */
  readonly ts: number;
  /** What readers can filter by. */
  readonly cat?: string;
  /** Microseconds that a slice took. */
  readonly dur?: number;
  /** Whether an instant is drawn on its row, or for all of the executor. */
  readonly s?: "t" | "p";
  /** Which arrow it is an end of. */
  readonly id?: number;
  /** An arrow ends at the slice that encloses its end. */
  readonly bp?: "e";
  /** What else is known. */
  readonly args?: Readonly<Record<string, string | number>>;
}

/** A trace as it is written into a file. */
export interface TraceFile {
  /** The names of the rows, then what happened in order of time. */
  readonly traceEvents: readonly TraceEvent[];
  /** How times are shown. */
  readonly displayTimeUnit: "ms";
}
