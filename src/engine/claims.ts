import { CLAIM_ENDED, CLAIM_PENDING, CLAIM_REVOKED, CLAIM_RUNNING } from "../wire/messages.ts";
import type { OutcomeTable } from "../wire/messages.ts";
import { newOutcomeTable, readOutcome } from "../wire/outcome_table.ts";

/**
 * The claim table of one worker: one Int32 per slot, shared with the worker, which decides who may
 * run a task that was sent ahead. Owner and worker both `compareExchange` from PENDING; whoever
 * wins, wins, and no message is needed to know it. The worker then says in it that the task has ended.
 *
 * Without shared memory nothing is sent ahead: a task that was sent is running.
 *
 * One more word, the last, is the worker's alone: how many messages it has sent.
 */
export class Claims {
  /** The table as the worker gets it; `undefined` where memory cannot be shared. */
  readonly table: Int32Array | undefined;
  /** Where the worker leaves small outcomes, for the owner to find while it is busy with the next task. */
  readonly outcomes: OutcomeTable | undefined;

  constructor(slots: number, memory: "shared" | "local" | "none") {
    const bytes = (slots + 1) * Int32Array.BYTES_PER_ELEMENT;
    this.table = memory === "shared"
      ? new Int32Array(new SharedArrayBuffer(bytes))
      : memory === "local"
      ? new Int32Array(slots + 1)
      : undefined;
    this.outcomes = memory === "shared" ? newOutcomeTable(slots) : undefined;
  }

  /**
   * Opens a slot for a task that is about to be sent. No one else looks at the slot until the message
   * has arrived, and that orders the two, so a plain store is enough.
   */
  open(slot: number): void {
    if (this.table !== undefined) this.table[slot] = CLAIM_PENDING;
  }

  /** Takes a sent-ahead task back. True if its worker has not begun it, and now never will. */
  revoke(slot: number): boolean {
    if (this.table === undefined) return false;
    return Atomics.compareExchange(this.table, slot, CLAIM_PENDING, CLAIM_REVOKED) ===
      CLAIM_PENDING;
  }

  /** Whether the worker executes the task. */
  isRunning(slot: number): boolean {
    return this.table === undefined || Atomics.load(this.table, slot) === CLAIM_RUNNING;
  }

  /** How many messages the worker has sent, as it says; 0 where it cannot. */
  get sent(): number {
    return this.table === undefined ? 0 : Atomics.load(this.table, this.table.length - 1);
  }

  /** Whether the worker has begun the task; it may have ended. What is no claim was written by a liar. */
  hasBegun(slot: number): boolean {
    if (this.table === undefined) return true;
    const claim = Atomics.load(this.table, slot);
    return claim !== CLAIM_PENDING && claim !== CLAIM_REVOKED;
  }

  /** Whether the worker has ended the task, as the claim says. */
  hasEnded(slot: number): boolean {
    return this.table !== undefined && Atomics.load(this.table, slot) >= CLAIM_ENDED;
  }

  /** What the task returned, if it has ended and its value is small. */
  outcome(slot: number): { readonly value: unknown } | undefined {
    if (this.table === undefined || this.outcomes === undefined) return undefined;
    // This load orders what follows after all that the worker wrote before its store.
    return readOutcome(this.outcomes, slot, Atomics.load(this.table, slot));
  }
}
