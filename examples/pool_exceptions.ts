/**
 * Where errors come out: in the initializer, in a task, in each way to issue work, in a callback.
 *
 * Mirrors what Python programs do with exceptions in a `ThreadPool`. Two places hang in Python and do
 * not here: an initializer that fails, and a callback that throws.
 *
 *     deno run examples/pool_exceptions.ts
 *     bun examples/pool_exceptions.ts
 *     node examples/pool_exceptions.ts
 */

import { ThreadPool } from "../mod.ts";

/** The third of four items fails. */
function root(n: number): number {
  if (n < 0) throw new RangeError(`No root of ${n}`);
  return Math.sqrt(n);
}

function rootOrZero(n: number): number {
  try {
    if (n < 0) throw new RangeError(`No root of ${n}`);
    return Math.sqrt(n);
  } catch {
    return 0;
  }
}

const NUMBERS = [1, 4, -9, 16];

console.log("in the initializer: the pool is broken at once");
{
  await using pool = new ThreadPool({
    processes: 2,
    initializer: () => {
      throw new Error("No database");
    },
  });
  try {
    await pool.apply(root, [4]);
  } catch (error) {
    console.log(`  ${error}`);
    console.log(`  cause: ${(error as Error).cause}`);
  }
}

await using pool = new ThreadPool(2);

console.log("in a task, handled by the task");
console.log(`  ${await pool.apply(rootOrZero, [-9])}`);

console.log("in a task, handled at get()");
const result = pool.applyAsync(root, [-9]);
try {
  await result.get();
} catch (error) {
  console.log(`  ${error}`);
}

console.log("in a task, seen by successful()");
console.log(`  ${result.successful()}`);

console.log("in map: the error of the first item that failed, when all have ended");
try {
  await pool.map(root, NUMBERS);
} catch (error) {
  console.log(`  ${error}`);
}

console.log("in mapAsync: the same, at get()");
const roots = pool.mapAsync(root, NUMBERS);
try {
  await roots.get();
} catch (error) {
  console.log(`  ${error}`);
}

console.log("in imap: at its place; the items after it are still there");
const iterator = pool.imap(root, NUMBERS);
for (;;) {
  try {
    const { done, value } = await iterator.next();
    if (done) break;
    console.log(`  ${value}`);
  } catch (error) {
    console.log(`  ${error}`);
  }
}

console.log("in a callback: it is reported, and the result is there all the same");
const { error: report } = console;
console.error = (text: string, error: unknown) => console.log(`  ${text} ${error}`); // to be seen here
const called = pool.applyAsync(root, [4], {
  callback: () => {
    throw new Error("The callback failed");
  },
});
await called.wait();
console.error = report;
console.log(`  result: ${await called}`);
console.log(`  next call: ${await pool.apply(root, [9])}`);
