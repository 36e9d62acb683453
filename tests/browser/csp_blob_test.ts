/** Under `script-src 'self'; worker-src blob:`: workers of the library's own, without code from text. @module */

import { assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { importTasks, ThreadPoolExecutor, WorkerCrashError } from "../../mod.ts";
import { testInPage } from "./pages.ts";

const tasks = importTasks<typeof import("./own_tasks.ts")>(
  import.meta.resolve("./own_tasks.ts"),
);

testInPage("where blob: workers are allowed, tasks of modules run in them", async () => {
  await using executor = new ThreadPoolExecutor(2);
  assertEquals(await executor.submit(tasks.add, 1, 2), 3);
  assertEquals(await executor.map(tasks.add, [1, 2], [3, 4]).toArray(), [4, 6]);
  assertInstanceOf(await executor.submit(tasks.leave).exception(), WorkerCrashError);
  assertEquals(await executor.submit(tasks.add, 3, 4), 7);
});

testInPage("where blob: workers are allowed, they too make no function of text", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const error = await assertRejects(() => executor.submit(() => 1).result(), TypeError);
  assertMatch(error.message, /importTasks\(\)/);
  assertInstanceOf(error.cause, EvalError);
});
