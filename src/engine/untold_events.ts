import type { ExecutorEvent, Observer, TaskInfo } from "../backend/executor_events.ts";
import { Observers } from "../backend/observers.ts";
import { callBack } from "../futures/callback.ts";
import { clock } from "../futures/clock.ts";
import { TaskRecord } from "./task_record.ts";
import type { TaskRow } from "./task_row.ts";

/** Tasks of a row that were submitted one right after the other. */
class RowSubmits {
  readonly row: TaskRow;
  readonly from: number;
  to: number;

  constructor(row: TaskRow) {
    this.row = row;
    this.to = row.end;
    this.from = this.to - 1;
  }
}

/** What is to be told: a record stands for the submit of its task, a function for what a tool is told. */
type Untold = ExecutorEvent | TaskRecord | RowSubmits | (() => void);

/**
 * What is told as soon as the engine has done what it does: who hears it may do whatever it likes. Of
 * submits there may be a hundred thousand in one turn: their events are made when they are told.
 */
export class UntoldEvents {
  readonly #name: string;
  readonly #observers: Observers<ExecutorEvent>;
  #untold: Untold[] = [];

  /**
   * @param name What the executor is called in events.
   * @param onEmpty Called when there is no observer any more.
   */
  constructor(name: string, onEmpty: () => void) {
    this.#name = name;
    this.#observers = new Observers(name, onEmpty);
  }

  /** Tells an observer what happens from now on; what it returns ends that. */
  add(observer: Observer): () => void {
    this.#tell(); // what was before is not told
    const remove = this.#observers.add(observer);
    return () => {
      this.#tell();
      remove();
    };
  }

  push(what: ExecutorEvent | TaskRecord | (() => void)): void {
    this.#push(what);
  }

  /** The last task of a row was submitted. */
  pushLastOf(row: TaskRow): void {
    const last = this.#untold.at(-1);
    if (last instanceof RowSubmits && last.row === row && last.to === row.end - 1) last.to++;
    else this.#push(new RowSubmits(row));
  }

  #push(what: Untold): void {
    if (this.#untold.push(what) === 1) clock.queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    const untold = this.#untold;
    if (untold.length === 0) return;
    this.#untold = [];
    for (const what of untold) {
      if (typeof what === "function") callBack(what, "a subscriber of concurrent-futures.task");
      else if (what instanceof TaskRecord) this.#tellSubmit(what.submittedAt, what.info!);
      else if (what instanceof RowSubmits) {
        const { row, from, to } = what;
        for (let at = from; at < to; at++) this.#tellSubmit(row.submittedAt(at), row.infoAt(at)!);
      } else this.#observers.tell(what);
    }
  }

  #tellSubmit(at: number, task: TaskInfo): void {
    this.#observers.tell({ type: "submitted", at, executor: this.#name, task });
  }
}
