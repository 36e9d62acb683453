/** Tasks of a module: they may import what they like. */
export { primesBelow } from "./primes.js";

export function refuse(reason) {
  throw new RangeError(`refused: ${reason}`);
}
