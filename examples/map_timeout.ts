/**
 * `map` with a timeout: the fifth task sleeps; four results come, then the error, and the program ends.
 *
 *     try:                                                           # Python
 *         for n in executor.map(task, [1, 2, 3, 4, 5], timeout=1):
 *             print(n)
 *     except TimeoutError as error:
 *         print("TimeoutError")
 *
 * Python's program would wait for the task that sleeps; here `terminate()` ends it. To run it:
 *
 *     deno run examples/map_timeout.ts
 *     bun examples/map_timeout.ts
 *     node examples/map_timeout.ts
 */

import { ThreadPoolExecutor, TimeoutError } from "../mod.ts";

async function task(n: number): Promise<number> {
  if (n === 5) await new Promise((resolve) => setTimeout(resolve, 60_000));
  return n;
}

await using executor = new ThreadPoolExecutor(2);
try {
  for await (const n of executor.map(task, [1, 2, 3, 4, 5], { timeout: 1000 })) {
    console.log(`result ${n}`);
  }
} catch (error) {
  if (!(error instanceof TimeoutError)) throw error;
  console.log(`${error.name}: ${error.message}`);
  await executor.terminate();
}
console.log("main ended");
