/**
 * Workers that do not hear, or are not heard: a task may have broken what their runtime sends and receives
 * with. Nobody tells of it, and no task has a timeout.
 *
 * @module
 */

import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { ThreadPoolExecutor, WorkerCrashError } from "../../mod.ts";
import { test } from "../harness.ts";
import { FakeRuntime, type Memory, tick } from "./fake_runtime.ts";

/** One whose background timers take no time: looks follow each other at once. */
class HastyRuntime extends FakeRuntime {
  override timer(callback: () => void, milliseconds: number): ReturnType<typeof setTimeout> {
    this.looks++;
    return super.timer(callback, milliseconds === 500 ? 0 : milliseconds);
  }

  looks = 0;

  /** Waits until somebody has looked so often again. */
  async look(times: number): Promise<void> {
    const enough = this.looks + times;
    while (this.looks < enough) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async started(count: number): Promise<void> {
    while (this.workers.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function firstWorker(memory: Memory, task: () => unknown = () => 1) {
  const runtime = new HastyRuntime(memory);
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  const first = executor.submit(task);
  await tick();
  const worker = runtime.workers[0]!;
  worker.start();
  worker.reply(); // it is set up
  worker.receive();
  return { runtime, executor, first, worker };
}

for (const memory of ["shared", "counted"] as const) {
  test(`a worker that does not hear is replaced, and its tasks run elsewhere [${memory}]`, async () => {
    const { runtime, executor, first } = await firstWorker(memory);
    await tick();
    assertEquals(runtime.workers[0]!.inbox.length > 0, true); // the task, which is never read
    await runtime.started(2);
    assertEquals(runtime.workers[0]!.terminated, true);
    runtime.workers[1]!.start();
    await runtime.settle();
    assertEquals(await first, 1);
    const ended = executor.shutdown();
    await runtime.settle();
    await ended;
  });

  test(`a worker whose task runs is waited for, however long [${memory}]`, async () => {
    const runtime = new HastyRuntime(memory);
    const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
    const first = executor.submit(() =>
      new Promise((resolve) => Object.assign(globalThis, { goOn: resolve }))
    );
    await tick();
    const worker = runtime.workers[0]!;
    worker.start();
    await runtime.settle();
    await runtime.look(60);
    assertEquals(worker.terminated, false);
    (globalThis as unknown as { goOn(value: number): void }).goOn(1);
    await runtime.settle();
    assertEquals(await first, 1);
    const ended = executor.shutdown();
    await runtime.settle();
    await ended;
  });
}

test("a worker that is not heard fails what it has begun, and is replaced", async () => {
  const task = () => ({ a: 1 }); // what only a message can tell
  const { runtime, executor, first, worker } = await firstWorker("shared", task);
  await tick();
  while (worker.receive()) { /* it runs */ }
  assertEquals(worker.outbox.length, 1);
  worker.outbox.length = 0; // lost
  const error = await first.exception();
  assertInstanceOf(error, WorkerCrashError);
  assertMatch(String(error.cause), /messages do not arrive/);
  const second = executor.submit(() => 2);
  await tick();
  runtime.workers[1]!.start();
  await runtime.settle();
  assertEquals(await second, 2);
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
});
