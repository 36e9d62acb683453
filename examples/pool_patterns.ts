/**
 * Five patterns: how to issue work and how to take what comes of it.
 *
 * Mirrors the usual programs with Python's `ThreadPool`: `map` and iterate; `apply_async` and forget;
 * `map_async` and forget; `imap_unordered` as completed; `imap_unordered` for the first result, then
 * `terminate`.
 *
 *     deno run examples/pool_patterns.ts
 *     bun examples/pool_patterns.ts
 *     node examples/pool_patterns.ts
 */

import { ThreadPool } from "../mod.ts";

/** Stands for work that takes a while. */
async function work(milliseconds: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return milliseconds;
}

/** Leaves a mark in memory that all workers share, in place of a result. */
function mark(shared: SharedArrayBuffer, amount: number): void {
  Atomics.add(new Int32Array(shared), 0, amount);
}

console.log("1. map, and iterate over the results");
{
  await using pool = new ThreadPool(2);
  for (const ms of await pool.map(work, [30, 20, 10])) console.log(`  ${ms} ms`);
}

console.log("2. applyAsync, and forget: close and join wait for the work");
{
  const shared = new SharedArrayBuffer(4);
  const pool = new ThreadPool(2);
  for (let i = 1; i <= 10; i++) pool.applyAsync(mark, [shared, i]);
  pool.close();
  await pool.join();
  console.log(`  sum of the marks: ${new Int32Array(shared)[0]}`);
}

console.log("3. mapAsync, and forget");
{
  const pool = new ThreadPool(2);
  pool.mapAsync(work, [30, 20, 10], {
    callback: (all) => console.log(`  callback: ${all.length} results`),
    errorCallback: (error) => console.log(`  errorCallback: ${error}`), // else nobody would know
  });
  pool.close();
  await pool.join();
}

console.log("4. imapUnordered, and take the results as they come");
{
  await using pool = new ThreadPool(2);
  for await (const ms of pool.imapUnordered(work, [300, 0])) console.log(`  ${ms} ms`);
}

console.log("5. imapUnordered, take the first result, and terminate the rest");
{
  const pool = new ThreadPool(2);
  const started = performance.now();
  const first = await pool.imapUnordered(work, [60_000, 0, 60_000, 60_000]).next();
  await pool.terminate();
  console.log(`  first: ${first.value} ms`);
  console.log(`  waited for the others: ${performance.now() - started > 50_000}`);
}
