/**
 * What it is worth that `await` and `Promise.all` get no promise of a future (`src/futures/awaiter.ts`): 100,000
 * tasks under one `Promise.all`, which passes a promise's own functions to `then`, and once with others.
 *
 *     node bench/await.ts
 *
 * @module
 */

import { type Future, ThreadPoolExecutor } from "../mod.ts";

const TASKS = 100_000;
const ROUNDS = 15;

const ways: Record<string, (future: Future<number>) => PromiseLike<number>> = {
  direct: (future) => future,
  ordinary: (future) => ({
    then: (resolve, reject) => future.then((value) => resolve!(value), (error) => reject!(error)),
  } as PromiseLike<number>),
};
const times: Record<string, number[]> = { direct: [], ordinary: [] };
const identity = (x: number): number => x;

await using executor = new ThreadPoolExecutor({ maxWorkers: 1 });
for (let round = 0; round < ROUNDS; round++) {
  const names = Object.keys(ways);
  for (const name of round % 2 === 0 ? names : names.reverse()) {
    const start = performance.now();
    const futures = Array.from(
      { length: TASKS },
      (_, i) => executor.submit(identity, i),
    );
    await Promise.all(futures.map(ways[name]!));
    times[name]!.push(performance.now() - start);
  }
}
const median = (name: string): number => times[name]!.sort((a, b) => a - b)[ROUNDS >> 1]!;
const [direct, ordinary] = [median("direct"), median("ordinary")];
console.log(
  `${direct.toFixed(1)} ms; the ordinary way ${(ordinary / direct).toFixed(2)} times as long`,
);
