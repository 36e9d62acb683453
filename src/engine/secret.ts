import { clock } from "../futures/clock.ts";
import { KINDS, MAX_SECRET } from "../wire/messages.ts";

const { floor, random } = Math; // as they were before anybody could replace them

/**
 * What only a worker's program and its owner know. Not by `crypto`, which Node takes 5 ms to load before it
 * starts the first worker: the generator of this thread is no worker's, and its numbers are mixed with the
 * time. It keeps apart who speaks; what holds against a liar is that all he says is checked.
 */
export function newSecret(): number {
  const bits = (floor(random() * 2 ** 32) ^ floor(clock.now() * 1e6)) >>> 0;
  return bits % (MAX_SECRET / KINDS) * KINDS;
}
