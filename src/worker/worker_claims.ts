import {
  CLAIM_ENDED,
  CLAIM_PENDING,
  CLAIM_RUNNING,
  FLAG_CLAIMED,
  PARKED,
} from "../wire/messages.ts";
import type { OutcomeTable, WorkerSetup } from "../wire/messages.ts";
import { compareExchange, SafeMap, SafeSet, storeAtomic } from "../wire/originals.ts";
import { writeOutcome, writeTime } from "../wire/outcome_table.ts";
import type { TaskCounter, TaskTime } from "../wire/process_port.ts";
import type { ProgramHost } from "./program_host.ts";

/** What the owner can see of tasks without a message: which have begun, which have ended, and with what. */
export class WorkerClaims {
  readonly #counter: TaskCounter | undefined;
  #claims: Int32Array | undefined = undefined;
  #outcomes: OutcomeTable | undefined = undefined;
  /** The slots of tasks that have said something by messages of their own. */
  readonly #said = new SafeSet<number>();
  /** How many tasks have begun, and which number is that of the task in a slot, if they are counted. */
  #begun = 0;
  /** Of the task that ends now, where a message tells it. */
  #time: TaskTime | undefined = undefined;
  #numbers = new SafeMap<number, number>();

  constructor(host: ProgramHost) {
    this.#counter = host.counter;
  }

  setUp({ claims, outcomes }: WorkerSetup): void {
    this.#claims = claims;
    this.#outcomes = outcomes;
  }

  /** Whether the owner decides in shared memory what begins. */
  get isShared(): boolean {
    return this.#claims !== undefined;
  }

  /** Where memory is shared: whether the task in a slot is this worker's to run. */
  claim(slot: number, flags: number): boolean {
    const claims = this.#claims!;
    if ((flags & FLAG_CLAIMED) === 0) {
      return compareExchange(claims, slot, CLAIM_PENDING, CLAIM_RUNNING) === CLAIM_PENDING;
    }
    storeAtomic(claims, slot, CLAIM_RUNNING);
    return true;
  }

  /** Where it is not: the task in a slot begins, or is passed by. */
  count(slot: number): void {
    if (this.#counter === undefined) return;
    this.#numbers.set(slot, ++this.#begun);
    this.#counter.begins();
  }

  /** The task in a slot has said something by a message of its own: nobody shall see its end before. */
  said(slot: number): void {
    this.#said.add(slot);
  }

  /**
   * How long the task in a slot ran that ends now, while somebody looks.
   *
   * @returns Whether the owner can see it whenever it is told of the end.
   */
  timed(slot: number, startedAt: number, ran: number): boolean {
    if (slot >= PARKED) return false;
    if (this.#outcomes !== undefined) {
      writeTime(this.#outcomes, slot, startedAt, ran);
      return true;
    }
    if (this.#counter !== undefined) this.#time = { startedAt, ran };
    return false;
  }

  /**
   * The task in a slot has ended.
   *
   * @returns Whether the owner can see its value, however busy this thread is.
   */
  ended(slot: number, value: unknown): boolean {
    const claims = this.#claims;
    if (this.#said.size > 0 && this.#said.has(slot)) {
      this.endedUntold(slot);
      return false;
    }
    if (slot >= PARKED) return false; // it has no slot any more
    if (claims === undefined) return this.#tell(slot, true, value);
    const outcomes = this.#outcomes;
    if (outcomes === undefined) {
      storeAtomic(claims, slot, CLAIM_ENDED);
      return true; // it is the owner's own thread
    }
    const claim = writeOutcome(outcomes, slot, value);
    storeAtomic(claims, slot, claim);
    return claim !== CLAIM_ENDED;
  }

  /** The task in a slot has ended with an outcome that only a message can tell. */
  endedUntold(slot: number): void {
    if (this.#said.size > 0) this.#said.delete(slot);
    if (slot >= PARKED) return;
    if (this.#claims !== undefined) storeAtomic(this.#claims, slot, CLAIM_ENDED);
    else this.#tell(slot, false, undefined);
  }

  #tell(slot: number, isTold: boolean, value: unknown): boolean {
    if (this.#counter === undefined) return false;
    const time = this.#time;
    this.#time = undefined;
    const number = this.#numbers.get(slot);
    if (number === undefined) return false;
    this.#numbers.delete(slot);
    return this.#counter.ended(slot, number, isTold, value, time);
  }
}
