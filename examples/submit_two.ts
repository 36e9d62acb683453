/**
 * Two tasks of one second, submitted one after the other, take one second together.
 *
 *     first = executor.submit(square, 3)    # Python
 *     second = executor.submit(square, 4)
 *     print(first.result(), second.result())
 *
 * To run it:
 *
 *     deno run examples/submit_two.ts
 *     bun examples/submit_two.ts
 *     node examples/submit_two.ts
 */

import { ThreadPoolExecutor } from "../mod.ts";

async function square(n: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return n * n;
}

await using executor = new ThreadPoolExecutor(2);
const started = performance.now();

const first = executor.submit(square, 3);
const second = executor.submit(square, 4);
console.log(await first.result(), await second.result());

console.log(`took ${((performance.now() - started) / 1000).toFixed(1)} s`);
