/**
 * Callbacks: the result comes to you. A call gives one value; a map gives one list, or one error.
 *
 * Mirrors `callback` and `error_callback` of Python's `apply_async`, `map_async` and `starmap_async`.
 * Callbacks run on your own thread, so they see your variables.
 *
 *     deno run examples/pool_callbacks.ts
 *     bun examples/pool_callbacks.ts
 *     node examples/pool_callbacks.ts
 */

import { ThreadPool } from "../mod.ts";

function half(n: number): number {
  if (n % 2 !== 0) throw new RangeError(`${n} is odd`);
  return n / 2;
}

const callbacks = {
  callback: (value: unknown) => console.log("  callback:", JSON.stringify(value)),
  errorCallback: (error: unknown) => console.log(`  errorCallback: ${error}`),
};

await using pool = new ThreadPool(2);

console.log("one call");
await pool.applyAsync(half, [8], callbacks);

console.log("one call that fails");
await pool.applyAsync(half, [3], callbacks).wait();

console.log("a map");
await pool.mapAsync(half, [2, 4, 6], callbacks);

console.log("a map with items that fail: the error of the first of them");
await pool.mapAsync(half, [2, 5, 6, 7], callbacks).wait();

console.log("a map over nothing");
await pool.mapAsync(half, [], callbacks);

console.log("a callback that issues more work");
const ten = Promise.withResolvers<number>();
pool.applyAsync(half, [40], {
  callback: (twenty) => {
    callbacks.callback(twenty);
    pool.applyAsync(half, [twenty], { callback: ten.resolve, errorCallback: ten.reject });
  },
});
callbacks.callback(await ten.promise);
