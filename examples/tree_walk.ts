/**
 * A walk through a tree of files: each folder is a task, which submits one for each folder in it, and
 * digests its own files. What waits is bounded by the depth of the tree, not by its size.
 *
 *     for root, dirs, files in os.walk(top):    # Python, on one thread
 *         …
 *
 * To run it:
 *
 *     deno run --allow-read --allow-env examples/tree_walk.ts
 *     bun examples/tree_walk.ts
 *     node examples/tree_walk.ts src
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { importTasks, ThreadPoolExecutor } from "../mod.ts";

const tasks = importTasks<typeof import("./tree_walk_tasks.ts")>(
  import.meta.resolve("./tree_walk_tasks.ts"),
);
const top = process.argv[2] ?? fileURLToPath(new URL("../src", import.meta.url));
const times: number[] = [];
for (const workers of [1, 2]) {
  await using executor = new ThreadPoolExecutor(workers);
  await executor.warmUp();
  await executor.broadcast(tasks.loaded);
  let best = Infinity;
  let found = "";
  for (let round = 0; round < 3; round++) { // the first one is slower: the code is new to the worker
    const startedAt = performance.now();
    const { folders, files, bytes, digest } = await executor.submit(tasks.walk, top);
    best = Math.min(best, performance.now() - startedAt);
    found = `${folders} folders, ${files} files, ${bytes} bytes, digest ${digest}`;
  }
  times.push(best);
  console.log(found);
}
console.log(`two workers are ${(times[0]! / times[1]!).toFixed(1)} times as fast as one`);
