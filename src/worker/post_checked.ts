import { iterable } from "../wire/originals.ts";
import { checkDepth } from "../wire/value_depth.ts";
import type { ProgramHost } from "./program_host.ts";

/**
 * Posts what is not too deep for the other side.
 *
 * @param send `postMessage` as it was before any task could change it.
 */
export function postChecked(
  send: (message: unknown, transfer?: readonly Transferable[]) => void,
): ProgramHost["post"] {
  return (message, transfer) => {
    checkDepth(message);
    if (transfer === undefined || transfer.length === 0) send(message);
    else send(message, iterable(transfer));
  };
}
