/**
 * Prints what one pending thing takes, as JSON `{ heap, rss }` in bytes, or how the heap grows over 20
 * rounds: `memory_probe.ts futures|promises|rounds count`. Needs the garbage collector at hand.
 */

import process from "node:process";
import { ThreadPoolExecutor } from "../mod.ts";
import { identity } from "./tasks.js";
import { RUNTIME } from "./workload.ts";

const [kind, given] = process.argv.slice(2);
const count = Number(given);

async function used(): Promise<{ heap: number; rss: number }> {
  if (RUNTIME === "bun") {
    const jsc = "bun:jsc";
    const { heapStats } = await import(jsc);
    const { Bun } = globalThis as unknown as {
      Bun: { gc(now: boolean): void };
    };
    for (let i = 0; i < 3; i++) Bun.gc(true);
    return { heap: heapStats().heapSize, rss: process.memoryUsage().rss };
  }
  for (let i = 0; i < 3; i++) (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

const kept: unknown[] = new Array(count).fill(undefined);
const executor = new ThreadPoolExecutor(2);
await executor.warmUp();
// Both workers are busy, so that the rest stays pending.
const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const before = await used();

if (kind === "futures") {
  const busy = [executor.submit(nap, 3000), executor.submit(nap, 3000)];
  for (let i = 0; i < count; i++) kept[i] = executor.submit(identity, i);
  await nap(200);
  const after = await used();
  if (executor.stats().pending < count) throw new Error("not all are pending");
  report(before, after);
  void busy;
} else if (kind === "promises") {
  const queue: unknown[] = [];
  for (let i = 0; i < count; i++) {
    kept[i] = new Promise((resolve, reject) => queue.push({ i, resolve, reject }));
  }
  await nap(200);
  report(before, await used());
  if (queue.length !== count) throw new Error("queue");
} else {
  const heaps: number[] = [];
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: count }, (_, i) => executor.submit(identity, i)),
    );
    heaps.push((await used()).heap);
  }
  const [, , third] = heaps;
  process.stdout.write(
    `${JSON.stringify({ growth: heaps.at(-1)! / third! })}\n`,
  );
}
process.exit();

function report(
  a: { heap: number; rss: number },
  b: { heap: number; rss: number },
): void {
  const each = {
    heap: (b.heap - a.heap) / count,
    rss: (b.rss - a.rss) / count,
  };
  process.stdout.write(`${JSON.stringify(each)}\n`);
}
