import {
  CLAIM_ENDED,
  CLAIM_PENDING,
  CLAIM_REVOKED,
  CLAIM_RUNNING,
  WAITS_BACK,
} from "../wire/messages.ts";
import type { EndedTask } from "../runtime/runtime.ts";
import type { OutcomeTable } from "../wire/messages.ts";
import { clearTime, newOutcomeTable, readOutcome, readTime } from "../wire/outcome_table.ts";
import type { Claims } from "./claims.ts";

/**
 * Claims in a table that the worker sees, too: one Int32 per slot. Owner and worker both `compareExchange`
 * from PENDING; whoever wins, wins, and no message is needed to know it. The worker then says in it that
 * the task has ended.
 *
 * Two more words stand at the end: whether the worker waits for a message with nothing else than its thread,
 * and, the worker's alone, how many messages it has sent.
 */
class TableClaims implements Claims {
  readonly table: Int32Array;
  readonly outcomes?: OutcomeTable;
  readonly sendsAhead = true;
  readonly asksBack = false;
  readonly presumed = 0;

  constructor(table: Int32Array, outcomes?: OutcomeTable) {
    this.table = table;
    if (outcomes !== undefined) this.outcomes = outcomes;
  }

  get messages(): number {
    return Atomics.load(this.table, this.table.length - 1);
  }

  /** No one else looks at the slot until the message has arrived, and that orders the two: a plain store is enough. */
  open(slot: number): void {
    this.table[slot] = CLAIM_PENDING;
    if (this.outcomes !== undefined) clearTime(this.outcomes, slot);
  }

  posted(): void {}

  ring(): void {
    const at = this.table.length - WAITS_BACK;
    if (Atomics.exchange(this.table, at, 0) !== 0) Atomics.notify(this.table, at);
  }

  close(): void {}

  revoke(slot: number): boolean {
    return Atomics.compareExchange(this.table, slot, CLAIM_PENDING, CLAIM_REVOKED) ===
      CLAIM_PENDING;
  }

  numberOf(): number {
    return 0;
  }

  mayHaveBegun(slot: number): boolean {
    return this.hasBegun(slot);
  }

  /** What is no claim was written by a liar. */
  hasBegun(slot: number): boolean {
    const claim = Atomics.load(this.table, slot);
    return claim !== CLAIM_PENDING && claim !== CLAIM_REVOKED;
  }

  isRunning(slot: number): boolean {
    return Atomics.load(this.table, slot) === CLAIM_RUNNING;
  }

  hasEnded(slot: number): boolean {
    return Atomics.load(this.table, slot) >= CLAIM_ENDED;
  }

  outcome(slot: number): EndedTask | undefined {
    if (this.outcomes === undefined) return undefined;
    // This load orders what follows after all that the worker wrote before its store.
    const outcome = readOutcome(this.outcomes, slot, Atomics.load(this.table, slot));
    return outcome && { value: outcome.value, time: readTime(this.outcomes, slot) };
  }

  ended(): void {}
}

/** Claims in memory that owner and worker share. */
export function sharedClaims(slots: number): Claims {
  const memory = new SharedArrayBuffer((slots + WAITS_BACK) * Int32Array.BYTES_PER_ELEMENT);
  return new TableClaims(new Int32Array(memory), newOutcomeTable(slots));
}

/** Claims of a worker on the owner's own thread, which can see no outcome earlier than its message. */
export function localClaims(slots: number): Claims {
  return new TableClaims(new Int32Array(slots + WAITS_BACK));
}
