/**
 * The seven usual mistakes, and what their errors say.
 *
 * Most of them do nothing in Python, or hang. TypeScript finds the first three before the program runs.
 *
 *     deno run examples/pool_mistakes.ts
 *     bun examples/pool_mistakes.ts
 *     node examples/pool_mistakes.ts
 */

import { ThreadPool } from "../mod.ts";

function double(n: number): number {
  if (n < 0) throw new RangeError(`${n} is negative`);
  return 2 * n;
}

/** Does it, and tells the error, be it thrown at once or later. */
async function attempt(mistake: string, action: () => unknown): Promise<void> {
  console.log(mistake);
  try {
    await action();
    console.log("  no error");
  } catch (error) {
    console.log(`  ${error}`);
  }
}

const pool = new ThreadPool(1);

await attempt("1. applyAsync with a call in place of the function", () => {
  // @ts-expect-error: a number is no task
  return pool.applyAsync(double(21));
});

await attempt("2. map with a call in place of the function", () => {
  // @ts-expect-error: a number is no task
  return pool.map(double(21), [1, 2, 3]);
});

await attempt("3. map without the items", () => {
  // @ts-expect-error: an argument is missing
  return pool.map(double);
});

await attempt("4. a callback without a parameter: no mistake in JavaScript", () => {
  const callback = () => console.log("  callback was called");
  return pool.applyAsync(double, [1], { callback }).wait();
});

await attempt("5. nobody looks at a call that fails: it is silent, as in Python", async () => {
  const forgotten = pool.applyAsync(double, [-1]);
  await forgotten.wait();
  console.log(`  successful: ${forgotten.successful()}`);
  await forgotten; // so look: await it, or give it an errorCallback
});

await attempt("6. join before close", () => pool.join());

pool.close();
await attempt("7. a call to a closed pool", () => pool.apply(double, [1]));

await pool.join();
