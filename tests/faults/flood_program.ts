/** Tasks that print more than pipes hold, in two processes. @module */

import process from "node:process";
import { ProcessPoolExecutor } from "../../mod.ts";

await using executor = new ProcessPoolExecutor(2);
const flood = (task: number): number => {
  for (let i = 0; i < 10_000; i++) process.stdout.write(`${task} ${i} ${"x".repeat(100)}\n`);
  return task;
};
const results = await Promise.all([0, 1, 2, 3].map((task) => executor.submit(flood, task)));
// Not console.log: Bun's does not wait for what process.stdout still has to write.
process.stdout.write(`${results.join(" ")}\n`);
