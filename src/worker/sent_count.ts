import type { WorkerSetup } from "../wire/messages.ts";
import { IntegersOf, lengthOf } from "../wire/originals.ts";
import type { ProgramHost } from "./program_host.ts";

/**
 * Counts what the worker sends in the last word of its claim table, where the owner sees it, should it not
 * arrive: a task may have broken what its runtime sends with.
 */
export class SentCount {
  #table: Int32Array = new IntegersOf(1);
  #last = 0;

  /** A host whose messages are counted. */
  counting(host: ProgramHost): ProgramHost {
    return {
      ...host,
      post: (message, transfer) => {
        host.post(message, transfer);
        this.add();
      },
    };
  }

  /** Where to count is known. */
  open({ claims }: WorkerSetup): void {
    if (claims === undefined) return;
    this.#table = claims;
    this.#last = lengthOf(claims) - 1;
  }

  /** Something was sent, or had to be and could not. */
  add(): void {
    this.#table[this.#last]!++;
  }
}
