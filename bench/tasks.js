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

/** Submits so many tasks, and adds up what they give. */
export async function sumOfTasks(count) {
  const items = Array.from({ length: count }, (_, i) => i);
  let sum = 0;
  for (const x of await Promise.all(this.map((x) => x, items))) sum += x;
  return sum;
}

/** How many nodes a tree has: a task for each. */
export async function countNodes(depth, fan) {
  if (depth === 0) return 1;
  const below = Array.from({ length: fan }, () => this.submit(countNodes, depth - 1, fan));
  return (await Promise.all(below)).reduce((a, b) => a + b, 1);
}

/** Gives a worker the numbers that `quicksort` sorts. */
export function shareNumbers(memory) {
  globalThis.numbers = new Float64Array(memory);
}

/** Sorts the numbers from `begin` to `end`, in memory that is shared: each part is a task. */
export async function quicksort(begin, end) {
  const { numbers } = globalThis;
  if (end - begin < 50_000) {
    numbers.subarray(begin, end).sort();
    return;
  }
  // The median of nine parts the numbers in two.
  const some = new Float64Array(9);
  for (let i = 0; i < 9; i++) some[i] = numbers[begin + Math.floor((end - begin - 1) * i / 8)];
  const pivot = some.sort()[4];
  let left = begin;
  let right = end - 1;
  while (left <= right) {
    while (numbers[left] < pivot) left++;
    while (numbers[right] > pivot) right--;
    if (left > right) break;
    const number = numbers[left];
    numbers[left++] = numbers[right];
    numbers[right--] = number;
  }
  await Promise.all([
    this.submit(quicksort, begin, right + 1),
    this.submit(quicksort, left, end),
  ]);
}
