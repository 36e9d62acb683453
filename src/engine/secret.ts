import { KINDS, MAX_SECRET } from "../wire/messages.ts";
import { unguessable } from "../wire/unguessable.ts";

/** What only a worker's program and its owner know. */
export function newSecret(): number {
  return unguessable(MAX_SECRET / KINDS) * KINDS;
}
