import process from "node:process";
import { RUNTIME } from "./workload.ts";

/** Bytes of the heap and of the process after a collection, which must be at hand. */
export async function usedMemory(): Promise<{ heap: number; rss: number }> {
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
