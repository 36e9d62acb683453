/** The tasks of the benchmarks: plain JavaScript, so that the workers of every pool can load them. */

export function identity(x) {
  return x;
}

/** What the public poolifier/benchmark computes. */
export function factorial(n) {
  let result = 1n;
  for (let i = 2n; i <= BigInt(n); i++) result *= i;
  return result;
}

/** Work that cannot be optimised away; returns how many milliseconds it took. */
export function burn(units) {
  const startedAt = performance.now();
  let x = units | 1;
  for (let i = 0; i < units * 1000; i++) {
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + i | 0;
  }
  const took = performance.now() - startedAt;
  return x === 0.5 ? -1 : took;
}

/** Waits without working; returns its argument. */
export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(() => resolve(milliseconds), milliseconds));
}

export function root(x) {
  return Math.sqrt(x);
}

/** The square roots of a block of numbers. */
export function roots(block) {
  const result = new Float64Array(block.length);
  for (let i = 0; i < block.length; i++) result[i] = Math.sqrt(block[i]);
  return result;
}

/** Takes a thread for so many milliseconds. */
export function spin(milliseconds) {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
  return milliseconds;
}

/** The numbers below `count`, one by one. */
export function* numbers(count) {
  for (let i = 0; i < count; i++) yield i;
}

/** The bytes of what was sent: a buffer, a view, or an object with one. */
export function lengthOf(value) {
  return (value.bytes ?? value).byteLength;
}
