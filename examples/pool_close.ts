/**
 * How a pool ends: `close`, `terminate`, `join`, and `await using`.
 *
 * Mirrors the same methods of Python's pools, and `with`. As there, leaving the block terminates the
 * pool; what was outstanding rejects here, where Python's `get()` would hang.
 *
 *     deno run examples/pool_close.ts
 *     bun examples/pool_close.ts
 *     node examples/pool_close.ts
 */

import { type AsyncResult, ThreadPool } from "../mod.ts";

/** Stands for work that takes a while. */
async function work(milliseconds: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return milliseconds;
}

function busy(): void {
  for (;;); // never ends
}

async function tell(title: string, result: AsyncResult<unknown>): Promise<void> {
  try {
    console.log(`  ${title}: ${await result}`);
  } catch (error) {
    console.log(`  ${title}: ${(error as Error).name}`);
  }
}

console.log("close and join: what was issued is finished");
{
  const pool = new ThreadPool(2);
  const results = [30, 20, 10].map((ms) => pool.applyAsync(work, [ms]));
  pool.close();
  pool.close(); // again does no harm
  await pool.join();
  console.log(`  finished: ${results.every((result) => result.successful())}`);
}

console.log("terminate: it ends now, whatever runs");
{
  const pool = new ThreadPool(1);
  await pool.apply(work, [0]); // the worker is there
  const running = pool.applyAsync(busy);
  const waiting = pool.applyAsync(work, [10]);
  await running.wait({ timeout: 200 });
  await pool.terminate();
  await pool.join(); // nothing is left to wait for
  await tell("running", running);
  await tell("waiting", waiting);
}

console.log("await using: take the results inside of the block");
let outstanding: AsyncResult<number>;
{
  await using pool = new ThreadPool(2);
  console.log(`  taken: ${await pool.apply(work, [10])}`);
  outstanding = pool.applyAsync(work, [60_000]);
}
await outstanding.wait();
console.log(`  outstanding: ${outstanding.successful() ? "finished" : "rejected"}`);

console.log("await using, with close and join at its end: as an executor does");
let finished: AsyncResult<number>;
{
  await using pool = new ThreadPool(2);
  finished = pool.applyAsync(work, [10]);
  pool.close();
  await pool.join();
}
await tell("finished", finished);

console.log("await using: an error of the block terminates the pool and goes on");
try {
  await using pool = new ThreadPool(2);
  pool.applyAsync(work, [60_000]);
  throw new Error("The block failed");
} catch (error) {
  console.log(`  ${error}`);
}
