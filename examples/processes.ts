/**
 * The same with processes: `map`, `submit`, results in order, and items in chunks.
 *
 *     with ProcessPoolExecutor(max_workers=3, mp_context=get_context("spawn")) as executor:    # Python
 *         executor.map(task, ["A", "B", "C"])
 *         print(list(executor.map(square, range(10), chunksize=5)))
 *
 * Python's start method says how a process begins; here `command` says which runtime runs in it. It is
 * the program's own unless an argument names another. To run it:
 *
 *     deno run -A examples/processes.ts [deno|bun|node]
 *     bun examples/processes.ts [deno|bun|node]
 *     node examples/processes.ts [deno|bun|node]
 */

import process from "node:process";
import { type ProcessCommand, ProcessPoolExecutor, type TaskContext } from "../mod.ts";

/** Prints where it runs: `this` knows the worker. */
async function task(this: TaskContext, name: string): Promise<number> {
  const { pid } = await import("node:process");
  console.log(`task ${name} runs in process ${pid}, ${this.workerName.replace(/.*_/, "worker ")}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return pid;
}

function square(this: TaskContext, n: number): { value: number; worker: string } {
  return { value: n * n, worker: this.workerName };
}

const command = (process.argv[2] ?? { path: process.execPath }) as ProcessCommand;
await using executor = new ProcessPoolExecutor({ maxWorkers: 3, command });
await executor.warmUp(); // else a process that is up early might take two of three short tasks

// Three named tasks, in three processes.
const pids = new Set(await executor.map(task, ["A", "B", "C"]).toArray());
console.log(
  `${pids.size} processes, this one is ${pids.has(process.pid) ? "one" : "none"} of them`,
);

// Two futures.
const two = executor.submit(square, 3);
const three = executor.submit(square, 4);
console.log((await two).value, (await three).value);

// Results in order; a chunk of five goes to one process as a whole.
const numbers = [...Array(10).keys()];
for (const chunkSize of [1, 5]) {
  const before = executor.stats().completed;
  const results = await executor.map(square, numbers, { chunkSize }).toArray();
  const tasks = executor.stats().completed - before;
  console.log(`chunks of ${chunkSize}: ${tasks} tasks, ${results.map((r) => r.value).join(" ")}`);
}
