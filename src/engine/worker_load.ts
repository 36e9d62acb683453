import type { WorkItem } from "./work_item.ts";

/** How much one worker has, and how much more it may be sent. */
export class WorkerLoad {
  #inFlight = 0;
  #longTasks = 0;
  #lent = 0;
  #remaining: number;

  /** @param remaining How many tasks may be sent before the worker is replaced. */
  constructor(remaining: number) {
    this.#remaining = remaining;
  }

  /** Tasks sent and not settled, those taken back not counted. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Of these, how many are long or unknown. */
  get longTasks(): number {
    return this.#longTasks;
  }

  /** Whether it has tasks whose place is lent: they wait for those which they have submitted. */
  get lends(): boolean {
    return this.#lent > 0;
  }

  /** How many more tasks may be sent before the worker is replaced. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Whether it has tasks, those included that wait for others. */
  get isBusy(): boolean {
    return this.#inFlight > 0 || this.#lent > 0;
  }

  /** It may be sent no more: the worker is to be replaced when it has done what it has. */
  close(): void {
    this.#remaining = -Infinity;
  }

  /** A task is about to be sent. */
  add(item: WorkItem): void {
    this.#inFlight++;
    if (item.long) this.#longTasks++;
    this.#remaining--;
  }

  /** A task is the worker's no more. */
  remove(item: WorkItem): void {
    if (item.control?.lends) this.#lent--;
    else {
      this.#inFlight--;
      if (item.long) this.#longTasks--;
    }
  }

  /** A task was taken back, or given back: as if it had not been sent. */
  giveBack(): void {
    this.#remaining++;
  }

  /** The task waits for others: its place is free. */
  lend(item: WorkItem): void {
    const control = item.control!;
    if (control.lends) return;
    control.lends = true;
    this.#lent++;
    this.#inFlight--;
    if (item.long) this.#longTasks--;
  }

  /** It waits no more. */
  unlend(item: WorkItem): void {
    const control = item.control!;
    if (!control.lends) return;
    control.lends = false;
    this.#lent--;
    this.#inFlight++;
    if (item.long) this.#longTasks++;
  }
}
