import { show } from "../futures/show.ts";
import type { WorkerEnd, WorkerLife } from "./worker_life.ts";

/** Deaths of one storm that break the executor. */
export const CRASH_BUDGET = 3;

/**
 * Counts the deaths of a storm: workers that only die, one after the other. A storm is over when any
 * task is done. So these do not count:
 *
 * - a worker that has done a task: what killed it costs the tasks that it ran, and no more;
 * - one that had nothing to do when it died;
 * - one that was started before the last death that counted: they died at one moment, not in a row;
 * - one that lived, and died of something else than the one before: that begins a new storm.
 */
export class CrashBudget {
  /** How many deaths have counted so far. A worker that is started remembers it. */
  deaths = 0;
  #inRow = 0;
  #cause = "";

  /** A task was done. */
  reset(): void {
    this.#inRow = 0;
  }

  /** A worker has died before its time. True if that was one too many. */
  spend(worker: WorkerLife, end: WorkerEnd): boolean {
    const { stateBeforeStop, isProven, wasBusy, startedAfter, error } = worker;
    const lived = stateBeforeStop === "live";
    if (isProven || (lived && !wasBusy) || startedAfter < this.deaths) return false;
    // Messages differ from death to death, by numbers and times; kinds do not. What never lived has
    // done nothing that could have killed it: there any cause is the same.
    const cause = lived ? `${end.signal ?? end.exitCode} ${show(error?.reason)}` : this.#cause;
    this.#inRow = cause === this.#cause ? this.#inRow + 1 : 1;
    this.#cause = cause;
    this.deaths++;
    return this.#inRow >= CRASH_BUDGET;
  }
}
