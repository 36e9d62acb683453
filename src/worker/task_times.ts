import { clock } from "../futures/clock.ts";
import { append } from "../wire/originals.ts";
import type { WorkerClaims } from "./worker_claims.ts";
import { packNumbers } from "../wire/packed_numbers.ts";

/** When tasks began and how long they ran, while somebody looks. */
export class TaskTimes {
  readonly #claims: WorkerClaims;
  /** Whether tasks are timed. */
  isOn = false;
  /** Slot, start and milliseconds of each task whose outcome is gathered. */
  #times: number[] = [];
  /** When the last task ended, if the next one begins right after it; else 0. */
  #endedAt = 0;

  /** @param claims Where an owner looks that sees the end before it is told. */
  constructor(claims: WorkerClaims) {
    this.#claims = claims;
  }

  /** The time now, if tasks are timed; else 0. In a row of tasks each begins when the one before it ends. */
  start(): number {
    if (!this.isOn) return 0;
    return this.#endedAt > 0 ? this.#endedAt : clock.now();
  }

  /** A task ends that began at this time. */
  end(slot: number, startedAt: number): void {
    if (!this.isOn || startedAt === 0) return;
    append(this.#times, slot);
    append(this.#times, startedAt);
    this.#endedAt = clock.now();
    const ran = this.#endedAt - startedAt;
    append(this.#times, ran);
    this.#claims.timed(slot, startedAt, ran);
  }

  /** What comes next does not begin right after the last task. */
  pause(): void {
    this.#endedAt = 0;
  }

  /** Takes what is gathered, as a message of this kind; `undefined` if that is nothing. */
  take(kind: number): unknown[] | undefined {
    const times = this.#times;
    if (times.length === 0) return undefined;
    this.#times = [];
    return [kind, clock.now(), packNumbers(times) ?? times];
  }
}
