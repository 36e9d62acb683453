/** Few tasks go one to each worker, however short their function has been so far. @module */

import { assertEquals } from "@std/assert";
import { ThreadPoolExecutor } from "../../mod.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import { test } from "../harness.ts";

const skip = !detectRuntime().capabilities.sharedMemory &&
  "its tasks tell each other by shared memory";

/** Tasks of one function: the second lets the first go, which blocks its worker until then. */
function meet(cells: Int32Array, i: number): string {
  if (i === 1) {
    Atomics.store(cells, 0, 1);
    Atomics.notify(cells, 0);
  }
  return i === 0 ? Atomics.wait(cells, 0, 0, 5_000) : "free";
}

/** An executor of two workers which has learned that the function is short. */
async function warm(): Promise<{ executor: ThreadPoolExecutor; cells: Int32Array }> {
  const executor = new ThreadPoolExecutor(2);
  const cells = new Int32Array(new SharedArrayBuffer(4));
  await executor.broadcast(meet, cells, 2);
  for (let n = 0; n < 20; n++) {
    await Promise.all(Array.from({ length: 200 }, () => executor.submit(meet, cells, 2)));
  }
  return { executor, cells };
}

for (const count of [2, 3]) {
  test(`of ${count} items of map() with a chunkSize, each worker gets one`, async () => {
    const { executor, cells } = await warm();
    await using _ = executor;
    const all = Array.from({ length: count }, () => cells);
    const results = await executor.map(meet, all, [...all.keys()], { chunkSize: 1 }).toArray();
    assertEquals(results.filter((result) => result === "timed-out"), []);
  }, { skip });

  test(`of ${count} tasks that are submitted, each worker gets one`, async () => {
    const { executor, cells } = await warm();
    await using _ = executor;
    const futures = Array.from({ length: count }, (_, i) => executor.submit(meet, cells, i));
    const results = await Promise.all(futures);
    assertEquals(results.filter((result) => result === "timed-out"), []);
  }, { skip });
}
