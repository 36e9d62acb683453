import { DONE, DONE_HEADER, FAILED, UNCLONEABLE } from "../wire/messages.ts";
import { generatorError } from "./generator_error.ts";
import type { ProgramHost } from "./program_host.ts";

/** Sends what a `DONE` says, of which one result cannot be cloned: the others must not suffer. */
export function sendOneByOne(host: ProgramHost, secret: number, done: readonly unknown[]): void {
  for (let at = 1; at < done.length;) {
    const slot = done[at] as number;
    const count = done[at + 1] as number;
    const nanoseconds = done[at + 2];
    at += DONE_HEADER;
    if (count < 0) host.post([secret + DONE, slot, count, nanoseconds]);
    for (let i = 0; i < count; i++) {
      try {
        host.post([secret + DONE, slot + i, 1, nanoseconds, done[at + i]]);
      } catch (error) {
        host.post([
          secret + FAILED,
          slot + i,
          nanoseconds,
          UNCLONEABLE,
          host.encodeError(generatorError(done[at + i]) ?? error),
        ]);
      }
    }
    if (count > 0) at += count;
  }
}
