/**
 * A parallel quicksort: each part is a task that submits two, in memory that all workers share. A
 * task that waits for its parts lends its place, so it works on one worker, too; Python deadlocks there.
 *
 *     left = executor.submit(sort, numbers, begin, middle)    # Python, in a task: a deadlock
 *     left.result()
 *
 * To run it:
 *
 *     deno run examples/quicksort.ts
 *     bun examples/quicksort.ts
 *     node examples/quicksort.ts 8000000
 */

import process from "node:process";
import { type TaskContext, ThreadPoolExecutor } from "../mod.ts";

/** What is global in each worker. */
interface WorkerScope {
  numbers: Float64Array;
}

/** Gives a worker the memory, once: to send it with each task costs each time, in Bun a collection of garbage. */
function share(memory: SharedArrayBuffer): void {
  (globalThis as unknown as WorkerScope).numbers = new Float64Array(memory);
}

/** Sorts the numbers from `begin` to `end`. */
async function sort(this: TaskContext, begin: number, end: number): Promise<void> {
  const { numbers } = globalThis as unknown as WorkerScope;
  if (end - begin < 100_000) {
    numbers.subarray(begin, end).sort();
    return;
  }
  // The median of nine parts the numbers in two.
  const step = (end - begin - 1) / 8;
  const some = Float64Array.from({ length: 9 }, (_, i) => numbers[Math.floor(begin + i * step)]!);
  const pivot = some.sort()[4]!;
  let left = begin;
  let right = end - 1;
  while (left <= right) {
    while (numbers[left]! < pivot) left++;
    while (numbers[right]! > pivot) right--;
    if (left > right) break;
    const number = numbers[left]!;
    numbers[left++] = numbers[right]!;
    numbers[right--] = number;
  }
  await Promise.all([
    this.submit(sort, begin, right + 1),
    this.submit(sort, left, end),
  ]);
}

const count = Number(process.argv[2] ?? 4_000_000);
const times: number[] = [];
for (const workers of [1, 2]) {
  const memory = new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT);
  await using executor = new ThreadPoolExecutor({
    maxWorkers: workers,
    initializer: share,
    initargs: [memory],
  });
  await executor.warmUp();
  const numbers = new Float64Array(memory);
  let best = Infinity;
  for (let round = 0; round < 3; round++) { // the first one is slower: the code is new to the worker
    for (let i = 0; i < count; i++) numbers[i] = Math.random();
    const startedAt = performance.now();
    await executor.submit(sort, 0, count);
    best = Math.min(best, performance.now() - startedAt);
  }
  times.push(best);
  const isSorted = numbers.every((number, i) => i === 0 || numbers[i - 1]! <= number);
  console.log(`${workers} worker${workers > 1 ? "s" : ""}: sorted ${isSorted}`);
}
console.log(`two are ${(times[0]! / times[1]!).toFixed(1)} times as fast as one`);
