import type { Runtime, TaskClaims } from "../runtime/runtime.ts";
import type { OutcomeTable } from "../wire/messages.ts";

/**
 * Who may run what was sent to one worker. There are three ways, by what owner and worker share: a table in
 * memory (`table_claims.ts`), nothing (`exclusive_claims.ts`), or what the runtime has: processes count what
 * they begin (`runtime/process/counted_claims.ts`). Whoever makes the scheduler chooses.
 */
export interface Claims extends TaskClaims {
  /** The table that the worker is given, if there is one. */
  readonly table?: Int32Array;
  /** Where the worker leaves small outcomes, for the owner to find while it is busy with the next task. */
  readonly outcomes?: OutcomeTable;
}

/** Makes the claims of one worker: see `Runtime.claims`. */
export type NewClaims = (...args: Parameters<NonNullable<Runtime["claims"]>>) => Claims;
