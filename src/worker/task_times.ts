import { clock } from "../futures/clock.ts";
import { append } from "../wire/originals.ts";
import type { WorkerClaims } from "./worker_claims.ts";
import { packNumbers } from "../wire/packed_numbers.ts";

/** When tasks began and how long they ran, while somebody looks. */
export class TaskTimes {
  readonly #claims: WorkerClaims;
  /** Whether tasks are timed. */
  isOn = false;
  /** Slot, start and milliseconds of each task whose outcome is gathered, if the owner cannot see them. */
  #times: number[] = [];
  /** Whether a task has ended since the owner was told the time. */
  #hasEnded = false;
  /** When the last task ended, if the next one begins right after it; else 0. */
  #endedAt = 0;

  /** @param claims Where the owner looks, if it shares memory. */
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
    this.#endedAt = clock.now();
    this.#hasEnded = true;
    const ran = this.#endedAt - startedAt;
    if (this.#claims.timed(slot, startedAt, ran)) return;
    append(this.#times, slot);
    append(this.#times, startedAt);
    append(this.#times, ran);
  }

  /** What comes next does not begin right after the last task. */
  pause(): void {
    this.#endedAt = 0;
  }

  /** Takes what is gathered, as a message of this kind; `undefined` if that is nothing. */
  take(kind: number): unknown[] | undefined {
    if (!this.#hasEnded) return undefined;
    this.#hasEnded = false;
    const times = this.#times;
    this.#times = [];
    return [kind, clock.now(), packNumbers(times) ?? times];
  }
}
