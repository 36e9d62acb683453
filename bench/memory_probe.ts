/**
 * Prints what one pending thing takes, as JSON `{ heap, rss }` in bytes, or how the heap grows over 20
 * rounds: `memory_probe.ts futures|promises|rounds count`. Needs the garbage collector at hand.
 */

import process from "node:process";
import { ThreadPoolExecutor } from "../mod.ts";
import { usedMemory } from "./memory.ts";
import { identity } from "./tasks.js";

const [kind, given] = process.argv.slice(2);
const count = Number(given);

const kept: unknown[] = new Array(count).fill(undefined);
const executor = new ThreadPoolExecutor(2);
await executor.warmUp();
// Both workers are busy, so that the rest stays pending.
const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const before = await usedMemory();

if (kind === "futures") {
  const busy = [executor.submit(nap, 3000), executor.submit(nap, 3000)];
  for (let i = 0; i < count; i++) kept[i] = executor.submit(identity, i);
  await nap(200);
  const after = await usedMemory();
  if (executor.stats().pending < count) throw new Error("not all are pending");
  report(before, after);
  void busy;
} else if (kind === "promises") {
  const queue: unknown[] = [];
  for (let i = 0; i < count; i++) {
    kept[i] = new Promise((resolve, reject) => queue.push({ i, resolve, reject }));
  }
  await nap(200);
  report(before, await usedMemory());
  if (queue.length !== count) throw new Error("queue");
} else {
  const heaps: number[] = [];
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: count }, (_, i) => executor.submit(identity, i)),
    );
    heaps.push((await usedMemory()).heap);
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
