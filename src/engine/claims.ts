import { CLAIM_PENDING, CLAIM_REVOKED, CLAIM_RUNNING } from "../wire/messages.ts";

/**
 * The claim table of one worker: one Int32 per slot, shared with the worker, which decides who may
 * run a task that was sent ahead. Owner and worker both `compareExchange` from PENDING; whoever
 * wins, wins, and no message is needed to know it.
 *
 * Without shared memory nothing is sent ahead: a task that was sent is running.
 *
 * One more word, the last, is the worker's alone: how many messages it has sent.
 */
export class Claims {
  /** The table as the worker gets it; `undefined` where memory cannot be shared. */
  readonly table: Int32Array | undefined;

  constructor(slots: number, memory: "shared" | "local" | "none") {
    const bytes = (slots + 1) * Int32Array.BYTES_PER_ELEMENT;
    this.table = memory === "shared"
      ? new Int32Array(new SharedArrayBuffer(bytes))
      : memory === "local"
      ? new Int32Array(slots + 1)
      : undefined;
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

  /** Whether the worker has begun the task. */
  isRunning(slot: number): boolean {
    return this.table === undefined || Atomics.load(this.table, slot) === CLAIM_RUNNING;
  }

  /** How many messages the worker has sent, as it says; 0 where it cannot. */
  get sent(): number {
    return this.table === undefined ? 0 : Atomics.load(this.table, this.table.length - 1);
  }
}
