/**
 * What can be asked of the result of an asynchronous call, before and after it is ready.
 *
 * Mirrors Python's `multiprocessing.pool.AsyncResult`: `get(timeout)`, `wait(timeout)`, `ready()` and
 * `successful()`. Times are milliseconds. New: `await result` is `await result.get()`.
 *
 *     deno run examples/pool_async_result.ts
 *     bun examples/pool_async_result.ts
 *     node examples/pool_async_result.ts
 */

import { ThreadPool, TimeoutError } from "../mod.ts";

async function slowSum(a: number, b: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  return a + b;
}

function fail(): never {
  throw new RangeError("No such number");
}

await using pool = new ThreadPool(2);

const sum = pool.applyAsync(slowSum, [2, 3]);
console.log("ready:", sum.ready());
try {
  sum.successful(); // nobody knows yet
} catch (error) {
  console.log(`successful: ${error}`);
}

// A wait that is over says nothing: ask ready(). A get() that is over rejects. Neither ends the task.
await sum.wait({ timeout: 20 });
console.log("ready after wait({ timeout: 20 }):", sum.ready());
try {
  await sum.get({ timeout: 20 });
} catch (error) {
  console.log("get({ timeout: 20 }) gives a TimeoutError:", error instanceof TimeoutError);
}

await sum.wait();
console.log("ready after wait():", sum.ready());
console.log("successful:", sum.successful());
console.log("get:", await sum.get());
console.log("await:", await sum);

// A call that failed is ready too. Its error waits for whoever looks.
const failed = pool.applyAsync(fail);
await failed.wait();
console.log("ready after a failure:", failed.ready());
console.log("successful after a failure:", failed.successful());
try {
  await failed.get();
} catch (error) {
  console.log(`get after a failure: ${error}`);
}
