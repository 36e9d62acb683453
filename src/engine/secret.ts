import { KINDS, MAX_SECRET } from "../wire/messages.ts";

/** What only a worker's program and its owner know: random, because tasks must not guess it. */
export function newSecret(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! % (MAX_SECRET / KINDS) * KINDS;
}
