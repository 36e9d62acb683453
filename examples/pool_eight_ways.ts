/**
 * The eight ways to issue work to a pool, and what its constructor takes.
 *
 * Mirrors Python's `multiprocessing.pool.ThreadPool`: `apply`, `apply_async`, `map`, `map_async`,
 * `imap`, `imap_unordered`, `starmap` and `starmap_async`; `processes`, `initializer`, `initargs` and
 * `chunksize`. `Pool` has the same methods, over processes.
 *
 *     deno run examples/pool_eight_ways.ts
 *     bun examples/pool_eight_ways.ts
 *     node examples/pool_eight_ways.ts
 */

import { ThreadPool } from "../mod.ts";

/** Runs once in each worker, before its first task. What it leaves on `globalThis` stays there. */
function setUp(currency: string): void {
  Object.assign(globalThis, { currency });
}

function price(amount: number): string {
  return `${amount} ${(globalThis as { currency?: string }).currency}`;
}

function power(base: number, exponent: number): number {
  return base ** exponent;
}

/** Stands for work that takes a while. */
async function work(milliseconds: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return milliseconds;
}

await using pool = new ThreadPool({ processes: 2, initializer: setUp, initargs: ["EUR"] });

// One call: wait for its result, or go on and take the result later.
console.log("apply:", await pool.apply(price, [5]));
const one = pool.applyAsync(power, [2, 10]);
console.log("applyAsync:", await one.get());

// A call for each item: all results at once, in input order. Two items travel as one task.
const prices = await pool.map(price, [1, 2, 3], 2);
console.log("map:", prices.join(", "));
const many = pool.mapAsync(price, [4, 5, 6], { chunkSize: 2 });
console.log("mapAsync:", (await many.get()).join(", "));

// The same with several arguments for each call.
const powers = await pool.starmap(power, [[2, 1], [2, 2], [2, 3]]);
console.log("starmap:", powers.join(", "));
const more = pool.starmapAsync(power, [[3, 1], [3, 2], [3, 3]]);
console.log("starmapAsync:", (await more.get()).join(", "));

// A call for each item: results one by one, in input order or as they come.
for await (const ms of pool.imap(work, [250, 0])) console.log("imap:", ms);
for await (const ms of pool.imapUnordered(work, [250, 0])) console.log("imapUnordered:", ms);
