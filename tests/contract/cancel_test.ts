import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { delay } from "@std/async";
import { asCompleted, CancelledError, TimeoutError, wait, WorkerCrashError } from "../../mod.ts";
import type { TaskContext } from "../../mod.ts";
import { block, Gate, note, noted, Notes, until } from "./executors.ts";
import { blockAll, testEach } from "./subjects.ts";

testEach(
  "cancel() of a pending task: it never runs, and all see it at once",
  async (kind) => {
    await using executor = kind.create();
    using ran = new Notes(kind);
    const future = executor.submit(note, ran.handle, 1);
    let called = 0;
    future.addDoneCallback(() => called++);
    assertEquals(future.state, "pending");
    assertEquals(future.cancel(), true);
    assertEquals([future.state, future.cancelled(), future.done(), future.running()], [
      "cancelled",
      true,
      true,
      false,
    ]);
    assertEquals(future.cancel(), true);
    assertEquals((await wait([future])).done.size, 1);
    for await (const done of asCompleted([future])) assertStrictEquals(done, future);
    await assertRejects(() => future.result(), CancelledError);
    await assertRejects(() => future.exception(), CancelledError);
    assertEquals(called, 1);
    await executor.submit(() => 1);
    assertEquals(ran.values, []);
    assertEquals(executor.stats().cancelled, 1);
  },
);

testEach("cancel() of a finished task is false", async ({ create }) => {
  await using executor = create();
  const future = executor.submit(() => 1);
  await future;
  assertEquals([future.cancel(), future.cancelled(), future.state], [false, false, "finished"]);
});

testEach(
  "running() is true while a worker executes the task, and cancel() then false",
  async (kind) => {
    await using executor = kind.create();
    using gate = new Gate(kind);
    const future = executor.submit(block, gate.handle, 7);
    await gate.waitEntered(1);
    assertEquals([future.running(), future.state, future.cancel()], [true, "running", false]);
    gate.open();
    assertEquals(await future, 7);
    assertEquals([future.running(), future.done()], [false, true]);
  },
  { parallel: true },
);

testEach("tasks behind a running one are pending, and can be cancelled", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1, tasksPerWorker: 1 });
  // Known to be short, so that many would go ahead to the worker.
  await Promise.all(Array.from({ length: 200 }, () => executor.submit((x: number) => x, 1)));
  using gate = new Gate(kind);
  await blockAll(executor, gate);
  const futures = Array.from({ length: 300 }, (_, i) => executor.submit((x: number) => x, i));
  await delay(5); // let them be sent ahead, if they will
  assertEquals(futures.filter((future) => future.running()).length, 0);
  const half = futures.filter((_, i) => i % 2 === 0);
  assert(half.every((future) => future.cancel()));
  gate.open();
  const rest = futures.filter((_, i) => i % 2 === 1);
  assertEquals(await Promise.all(rest), rest.map((_, i) => 2 * i + 1));
}, { parallel: true, options: true });

testEach(
  "cancel() at random: what was cancelled never ran, all else ran once",
  async (kind) => {
    await using executor = kind.create();
    const count = noted(kind, 20_000);
    using ran = new Notes(kind, count);
    const futures = Array.from({ length: count }, (_, i) => executor.submit(note, ran.handle, i));
    let seed = 42;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
    const cancelled = new Set<number>();
    for (let i = 0; i < count; i++) {
      const at = Math.floor(random() * count);
      if (futures[at]!.cancel()) cancelled.add(at);
      if (i % 500 === 0) await delay(0);
    }
    await wait(futures);
    const runs = new Int32Array(count);
    for (const i of ran.values) runs[i]!++;
    for (let i = 0; i < count; i++) {
      assertEquals(runs[i], cancelled.has(i) ? 0 : 1);
      assertEquals(futures[i]!.cancelled(), cancelled.has(i));
    }
    assertEquals(executor.stats().cancelled, cancelled.size);
  },
  { deadline: 30_000 },
);

testEach("an aborted signal cancels a task at once, with its reason", async ({ create }) => {
  await using executor = create();
  const reason = { why: "no need" };
  const future = executor.with({ signal: AbortSignal.abort(reason) }).submit(() => 1);
  assertEquals(future.cancelled(), true);
  assertEquals(await future.then(() => "?", (error) => error), reason);
});

testEach("abort of a pending task cancels it with the signal's reason", async ({ create }) => {
  await using executor = create();
  const controller = new AbortController();
  const future = executor.with({ signal: controller.signal }).submit(() => 1);
  const reason = new Error("changed my mind");
  controller.abort(reason);
  assertEquals(future.state, "cancelled");
  assert(await future.result().catch((error) => error) === reason);
});

testEach(
  "abort of a running task aborts this.signal, and rejects with the reason",
  async ({ create }) => {
    await using executor = create();
    const controller = new AbortController();
    const started = Promise.withResolvers<void>();
    const future = executor.with({ signal: controller.signal, onProgress: () => started.resolve() })
      .submit(function (this: TaskContext) {
        this.report("started");
        const { signal } = this;
        return new Promise<string>((resolve) => {
          signal.addEventListener("abort", () => resolve(`ended: ${signal.reason.message}`));
        });
      });
    await started.promise;
    const reason = new Error("enough");
    controller.abort(reason);
    assert(await future.result().catch((error) => error) === reason);
    assertEquals(future.cancelled(), false);
    assertEquals(executor.stats().crashed, 0);
    assertEquals(await executor.submit(() => "alive"), "alive");
  },
);

testEach(
  "a task that does not heed its abort loses its worker after the grace",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1, tasksPerWorker: 1, grace: 20 });
    const controller = new AbortController();
    const future = executor.with({ signal: controller.signal }).submit(() => {
      for (;;);
    });
    await until(() => future.running());
    const behind = executor.submit(() => "elsewhere");
    const reason = new Error("stop");
    controller.abort(reason);
    assert(await future.result().catch((error) => error) === reason);
    assertEquals(await behind, "elsewhere");
  },
  { parallel: true, options: true },
);

testEach("timeout counts from the start of the run", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1, tasksPerWorker: 1 });
  using gate = new Gate(kind);
  await blockAll(executor, gate);
  const future = executor.with({ timeout: 200 }).submit(() => "in time");
  await delay(300);
  assertEquals(future.state, "pending");
  gate.open();
  assertEquals(await future, "in time");
}, { parallel: true, options: true });

testEach("timeout ends an asynchronous task with TimeoutError", async ({ create }) => {
  await using executor = create();
  const future = executor.with({ timeout: 20 }).submit(() => new Promise<void>(() => {}));
  await assertRejects(() => future.result(), TimeoutError, "within 20 ms");
  assertEquals(await executor.submit(() => "alive"), "alive");
});

testEach(
  "timeout ends a busy task with TimeoutError and replaces its worker",
  async ({ create }) => {
    await using executor = create({ grace: 10 });
    const future = executor.with({ timeout: 20 }).submit(() => {
      for (;;);
    });
    await assertRejects(() => future.result(), TimeoutError);
    assertEquals(await executor.submit(() => "alive"), "alive");
  },
  { parallel: true },
);

testEach(
  "neighbours of a task that is stopped fail with WorkerCrashError that names the abort",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1, tasksPerWorker: 2, grace: 10 });
    const neighbour = executor.submit(() => new Promise<void>(() => {}));
    const controller = new AbortController();
    const started = Promise.withResolvers<void>();
    const stubborn = executor.with({
      signal: controller.signal,
      onProgress: () => started.resolve(),
    }).submit(function (this: TaskContext) {
      this.report(1);
      return new Promise<void>(() => {});
    });
    await started.promise;
    const reason = new Error("abort of the other");
    controller.abort(reason);
    assert(await stubborn.result().catch((error) => error) === reason);
    const error = await assertRejects(() => neighbour.result(), WorkerCrashError);
    assert(error.cause === reason);
  },
  { options: true },
);
