/** A task that uses up the memory of its process. What the runtime prints is its own. @module */

import process from "node:process";
import { ProcessPoolExecutor, WorkerCrashError } from "../../mod.ts";

const flag = "--max-old-space-size=64";
const args = ["Deno" in globalThis ? `--v8-flags=${flag}` : flag];
await using executor = new ProcessPoolExecutor({
  maxWorkers: 2,
  command: { path: process.execPath, args },
});
const error = await executor.submit(() => {
  const kept: number[][] = [];
  for (;;) kept.push(new Array(10_000).fill(kept.length));
}).exception() as Error;
const isSignal = error instanceof WorkerCrashError && error.signal !== undefined;
console.log(error.name, isSignal, await executor.submit(() => "works"));
