import { assert, assertEquals, assertRejects } from "@std/assert";
import { FutureSource, ThreadPoolExecutor } from "../mod.ts";
import { EXECUTORS } from "./contract/executors.ts";
import { test } from "./harness.ts";
import { LeakCheck } from "./leaks.ts";

for (const kind of EXECUTORS.slice(0, 4)) {
  test(
    `LeakCheck finds the worker of an executor that is not shut down [${kind.name}]`,
    async () => {
      const leaks = new LeakCheck();
      await using executor = kind.create({ maxWorkers: 1, threadNamePrefix: "leaky" });
      await executor.submit(() => 1);
      await assertRejects(() => leaks.check(20), Error, "The test has left worker leaky_0");
      await executor.shutdown();
      await leaks.check();
      assertEquals(leaks.left, []);
    },
    { skip: kind.inline ? "it has no workers of its own" : undefined },
  );
}

test("LeakCheck finds a timer of the library", async () => {
  const leaks = new LeakCheck();
  const source = new FutureSource<number>();
  const waiting = source.future.result({ timeout: 5_000 });
  await assertRejects(() => leaks.check(20), Error, "timer of src/futures/deadline.ts");
  source.setResult(1);
  assertEquals(await waiting, 1);
  assertEquals(leaks.left, []);
});

test("LeakCheck finds a timer of an idle worker", async () => {
  const leaks = new LeakCheck();
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, idleTimeout: 60_000 });
  await executor.submit(() => 1);
  assert(leaks.left.some((name) => name.startsWith("timer of src/")), String(leaks.left));
  await executor.shutdown();
  await leaks.check();
});

test("LeakCheck finds a port", async () => {
  const leaks = new LeakCheck();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {};
  try {
    await assertRejects(() => leaks.check(20), Error, "1 ports");
  } finally {
    port1.close();
    port2.close();
  }
  await leaks.check();
}, {
  skip: "Deno" in globalThis || "Bun" in globalThis ? "only Node tells of open ports" : undefined,
});

test("LeakCheck does not mind what was there before, nor timers of the test itself", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => 1);
  const leaks = new LeakCheck();
  const timer = setTimeout(() => {}, 10_000);
  await executor.submit(() => 2);
  assertEquals(leaks.left, []);
  clearTimeout(timer);
});
