import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { asCompleted, CancelledError, TimeoutError, wait, WorkerCrashError } from "../../mod.ts";
import type { TaskContext } from "../../mod.ts";
import { Gate, occupy, testEach, waitAtGate } from "./subjects.ts";

testEach(
  "cancel() of a pending task: it never runs, and all see it at once",
  async ({ create }) => {
    await using executor = create();
    const ran = new Int32Array(new SharedArrayBuffer(4));
    const future = executor.submit((shared: Int32Array) => Atomics.add(shared, 0, 1), ran);
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
    assertEquals(ran[0], 0);
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
  async ({ create }) => {
    await using executor = create();
    const gate = new Gate();
    const future = executor.submit(waitAtGate, gate.buffer);
    await gate.arrived();
    assertEquals([future.running(), future.state, future.cancel()], [true, "running", false]);
    gate.open();
    assertEquals(await future, "passed");
    assertEquals([future.running(), future.done()], [false, true]);
  },
  { parallel: true },
);

testEach("tasks behind a running one are pending, and can be cancelled", async ({ create }) => {
  await using executor = create({ maxWorkers: 1, tasksPerWorker: 1 });
  // Known to be short, so that many would go ahead to the worker.
  await Promise.all(Array.from({ length: 200 }, () => executor.submit((x: number) => x, 1)));
  const gate = new Gate();
  await occupy(executor, gate);
  const futures = Array.from({ length: 300 }, (_, i) => executor.submit((x: number) => x, i));
  await new Promise((resolve) => setTimeout(resolve, 5)); // let them be sent ahead, if they will
  assertEquals(futures.filter((future) => future.running()).length, 0);
  const half = futures.filter((_, i) => i % 2 === 0);
  assert(half.every((future) => future.cancel()));
  gate.open();
  const rest = futures.filter((_, i) => i % 2 === 1);
  assertEquals(await Promise.all(rest), rest.map((_, i) => 2 * i + 1));
}, { parallel: true, options: true });

testEach(
  "cancel() at random: what was cancelled never ran, all else ran once",
  async ({ create }) => {
    await using executor = create();
    const count = 20_000;
    const runs = new Int32Array(new SharedArrayBuffer(4 * count));
    const task = (shared: Int32Array, i: number) => Atomics.add(shared, i, 1);
    const futures = Array.from({ length: count }, (_, i) => executor.submit(task, runs, i));
    let seed = 42;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
    const cancelled = new Set<number>();
    for (let i = 0; i < count; i++) {
      const at = Math.floor(random() * count);
      if (futures[at]!.cancel()) cancelled.add(at);
      if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await wait(futures);
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
    const gate = new Gate();
    const future = executor.with({ signal: controller.signal }).submit((gate: Int32Array) => {
      Atomics.add(gate, 1, 1);
      for (;;);
    }, gate.buffer);
    await gate.arrived();
    const behind = executor.submit(() => "elsewhere");
    const reason = new Error("stop");
    controller.abort(reason);
    assert(await future.result().catch((error) => error) === reason);
    assertEquals(await behind, "elsewhere");
  },
  { parallel: true, options: true },
);

testEach("timeout counts from the start of the run", async ({ create }) => {
  await using executor = create({ maxWorkers: 1, tasksPerWorker: 1 });
  const gate = new Gate();
  await occupy(executor, gate);
  const future = executor.with({ timeout: 200 }).submit(() => "in time");
  await new Promise((resolve) => setTimeout(resolve, 300));
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
