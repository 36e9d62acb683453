import { clock } from "../futures/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { WorkerList } from "./worker_list.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/**
 * Silence of a worker, in milliseconds, after which its owner looks for itself what has ended there. Less
 * would look where a message is about to come, more delays results behind a long task.
 */
const SILENT_AFTER = 2;

/** Looks rest so many times as long as they take: workers may have a hundred thousand tasks. */
const REST = 10;

/** Looks what has ended at workers that are too busy to tell it, while they have more than one task. */
export class EndedWatch {
  readonly #workers: WorkerList;
  readonly #runtime: Runtime;
  readonly #look: (worker: WorkerSlot) => void;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(
    workers: WorkerList,
    runtime: Runtime,
    look: (worker: WorkerSlot) => void,
  ) {
    this.#workers = workers;
    this.#runtime = runtime;
    this.#look = look;
  }

  /** Something was sent to a worker. */
  sent(worker: WorkerSlot): void {
    if (this.#timer === undefined && worker.load.inFlight > 1 && worker.sent.claims.sendsAhead) {
      this.#start();
    }
  }

  /** Nothing is pending any more. */
  stop(): void {
    if (this.#timer === undefined) return;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(delay = SILENT_AFTER): void {
    this.#timer = this.#runtime.timer(() => {
      this.#timer = undefined;
      const now = clock.now();
      let more = false;
      for (const worker of [...this.#workers.loaded]) {
        if (worker.load.inFlight <= 1) continue;
        if (worker.lastMessageAt <= now - SILENT_AFTER) this.#look(worker);
        more ||= worker.load.inFlight > 1;
      }
      if (more) this.#start(Math.max(SILENT_AFTER, REST * (clock.now() - now)));
    }, delay);
  }
}
