/**
 * Shows: what the workers did, as a picture. A queue of short tasks with a long one among them, one
 * that times out and one that is cancelled; the trace is for https://ui.perfetto.dev.
 *
 *     node examples/trace.ts [trace.json]
 */

import process from "node:process";
import { ThreadPoolExecutor } from "../mod.ts";
import { recordTrace } from "../src/observe/trace.ts";

function work(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

async function sleep(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

await using executor = new ThreadPoolExecutor({ maxWorkers: 2, name: "shop", grace: 0 });
const recording = recordTrace(executor);
await executor.warmUp();

const short = Array.from({ length: 40 }, () => executor.submit(work, 1));
const long = executor.submit(work, 30);
const late = executor.with({ timeout: 10 }).submit(sleep, 60_000);
const unwanted = executor.submit(work, 1);
unwanted.cancel();
await Promise.allSettled([...short, long, late]);
recording.stop();

const events = recording.toJSON().traceEvents;
const slices = events.filter(({ ph }) => ph === "X");
console.log(`${slices.length} tasks ran on ${new Set(slices.map(({ tid }) => tid)).size} rows`);
for (const { ph, cat, name } of events) if (ph === "i" && cat === "task") console.log(name);

const [path] = process.argv.slice(2);
if (path !== undefined) {
  await recording.write(path);
  console.log(`written to ${path}`);
}
