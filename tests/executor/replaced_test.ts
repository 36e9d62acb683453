/**
 * What a task does to `Array.prototype` and to functions hurts no stream and no child after it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type TaskContext, ThreadPoolExecutor, WorkerCrashError } from "../../mod.ts";
import { test } from "../harness.ts";

test("a stream whose worker misses what it is granted settles", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => {
    Object.defineProperty(Array.prototype, 1, { set() {}, configurable: true });
  });
  let ended = "";
  for (let i = 0; i < 2; i++) {
    try {
      const stream = executor.stream(function* () {
        for (let i = 0; i < 100; i++) yield i;
      });
      for await (const _ of stream);
      ended += "read ";
    } catch (error) {
      ended += `${(error as Error).name} `;
    }
  }
  assertEquals(/^((read|WorkerCrashError) ){2}$/.test(ended), true, ended);
  assertEquals(await executor.submit(() => 1), 1);
});

test("a child is submitted though Function.prototype.call was replaced", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => {
    Function.prototype.call = () => {
      throw new Error("replaced");
    };
  });
  const parent = executor.submit(async function (this: TaskContext) {
    return await this.submit(() => 4);
  });
  try {
    assertEquals(await parent, 4);
  } catch (error) {
    // Deno itself receives messages with it, now and then: then the worker dies of it.
    if (!("Deno" in globalThis && error instanceof WorkerCrashError)) throw error;
  }
  assertEquals(await executor.submit(() => 1), 1);
});

test("a child is awaited though Promise.prototype.then was replaced", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => {
    Promise.prototype.then = function <T>(this: T): T {
      return this;
    } as never;
  });
  const parent = executor.submit(async function (this: TaskContext) {
    return await this.submit(() => 4);
  });
  assertEquals(await parent, 4);
});
