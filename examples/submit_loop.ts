/**
 * `submit` in a loop: keep the futures and take the results afterwards. `result()` inside of the loop
 * waits for each task before the next one is submitted, so that they run one after the other.
 *
 *     futures = [executor.submit(double, n) for n in range(1, 5)]    # Python
 *     for future in futures:
 *         print(future.result())
 *     executor.shutdown()
 *
 * To run it:
 *
 *     deno run examples/submit_loop.ts
 *     bun examples/submit_loop.ts
 *     node examples/submit_loop.ts
 */

import { type Future, ThreadPoolExecutor } from "../mod.ts";

async function double(n: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return 2 * n;
}

const executor = new ThreadPoolExecutor(4);
let steps: string[] = [];
let mostAtOnce = 0;

/** Submits a task, and notes how many are under way. */
function start(n: number): Future<number> {
  const future = executor.submit(double, n);
  const { pending, running } = executor.stats();
  mostAtOnce = Math.max(mostAtOnce, pending + running);
  steps.push(`submit ${n}`);
  return future;
}

function show(title: string): void {
  console.log(`${title}: ${mostAtOnce} at once`);
  console.log(`  ${steps.join(", ")}`);
  steps = [];
  mostAtOnce = 0;
}

const futures: Future<number>[] = [];
for (const n of [1, 2, 3, 4]) futures.push(start(n));
for (const future of futures) steps.push(`result ${await future.result()}`);
show("The futures are kept");

for (const n of [1, 2, 3, 4]) steps.push(`result ${await start(n).result()}`); // not like this
show("result() in the loop");

await executor.shutdown();
