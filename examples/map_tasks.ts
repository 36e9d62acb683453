/**
 * Three named tasks on three workers; the end of the block waits for all of them.
 *
 *     with ThreadPoolExecutor(max_workers=3) as executor:    # Python
 *         executor.map(task, ["A", "B", "C"])
 *     print("main ended")
 *
 * To run it:
 *
 *     deno run examples/map_tasks.ts
 *     bun examples/map_tasks.ts
 *     node examples/map_tasks.ts
 */

import { ThreadPoolExecutor } from "../mod.ts";

async function task(name: string): Promise<void> {
  console.log(`task ${name} began`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(`task ${name} ended`);
}

console.log("main began");
{
  await using executor = new ThreadPoolExecutor(3);
  executor.map(task, ["A", "B", "C"]); // nobody takes the results: the tasks run all the same
}
console.log("main ended");
