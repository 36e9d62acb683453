import { clock } from "../futures/clock.ts";

const { floor, random } = Math; // as they were before anybody could replace them

/**
 * A random integer below a power of two, 2 ** 32 at the most, that a worker's tasks cannot guess. Not by
 * `crypto`, which Node takes 5 ms to load before it starts the first worker: the generator of this thread
 * is no worker's, and who finds out its state, by numbers that tasks are given, lacks the nanosecond.
 */
export function unguessable(below: number): number {
  return ((floor(random() * 2 ** 32) ^ floor(clock.now() * 1e6)) >>> 0) % below;
}
