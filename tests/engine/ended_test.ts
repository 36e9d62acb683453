/**
 * What a worker has ended and could not tell yet: its owner sees it in shared memory, or is told by the
 * counter. Each task is settled once, by whichever comes first; whatever a worker writes there, nothing
 * hangs, nothing runs twice, and the executor ends.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Future, ThreadPoolExecutor, WorkerCrashError } from "../../mod.ts";
import { SETUP } from "../../src/wire/messages.ts";
import { test } from "../harness.ts";
import { FakeRuntime, type FakeWorker, type Memory, tick } from "./fake_runtime.ts";

/** Counts its runs where the test sees them, and gives its value. */
function give(n: number, value: unknown): unknown {
  const { runs } = globalThis as unknown as { runs: number[] };
  runs[n] = (runs[n] ?? 0) + 1;
  if (value === "throw") throw new Error(`task ${n}`);
  return value;
}

/** One worker that has run a wave of tasks, of which it has told nothing. */
async function untold(memory: Memory, values: readonly unknown[]): Promise<{
  runs: number[];
  runtime: FakeRuntime;
  executor: ThreadPoolExecutor;
  worker: FakeWorker;
  futures: Future<unknown>[];
}> {
  const runs: number[] = (globalThis as unknown as { runs: number[] }).runs = [];
  const runtime = new FakeRuntime(memory);
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, tasksPerWorker: 64, runtime });
  const futures = values.map((value, n) => executor.submit(give, n, value));
  await tick();
  const worker = runtime.workers[0]!;
  worker.start();
  worker.reply();
  await tick();
  while (worker.receive());
  return { runs, runtime, executor, worker, futures };
}

const SEEN = [7, -0, NaN, undefined, null, true, false, "", "text", "\ud800ä€"];
const UNSEEN = [{ a: 1 }, 1n, "x".repeat(1_000), "throw"];

for (const memory of ["shared", "counted"] as const) {
  test(`small outcomes are seen before they are told, and told once [${memory}]`, async () => {
    const { runs, runtime, executor, worker, futures } = await untold(memory, [...SEEN, ...UNSEEN]);
    assertEquals(executor.stats().running, 0);
    for (const future of futures) {
      assertEquals([future.running(), future.state, future.cancel()], [false, "finished", false]);
    }
    const seen = futures.slice(0, SEEN.length);
    assert(seen.every((future) => future.done()));
    assertEquals(await Promise.all(seen), SEEN);
    assertEquals(executor.stats().completed, SEEN.length);
    while (worker.reply());
    const rest = futures.slice(SEEN.length);
    assertEquals(await Promise.all(rest.slice(0, -1)), UNSEEN.slice(0, -1));
    await assertRejects(() => rest.at(-1)!.result(), Error, `task ${futures.length - 1}`);
    assertEquals(runs, futures.map(() => 1));
    // Their slots are free, and hold what comes next.
    const more = Array.from({ length: 5_000 }, (_, n) => executor.submit(give, n, n));
    await runtime.settle();
    assertEquals(await Promise.all(more), more.map((_, n) => n));
    const { completed, failed, pending, running } = executor.stats();
    assertEquals([completed, failed], [futures.length - 1 + more.length, 1]);
    assertEquals([pending, running, worker.referenced], [0, 0, false]);
    const ended = executor.shutdown();
    await runtime.settle();
    await ended;
  });

  test(`a silent worker is looked at without being asked [${memory}]`, async () => {
    const { runtime, executor, futures } = await untold(memory, [1, 2, 3]);
    assertEquals(await Promise.all(futures), [1, 2, 3]);
    await runtime.settle();
    assertEquals(executor.stats().completed, 3);
    await Promise.all([executor.terminate(), runtime.settle()]);
  });

  test(`what a dead worker had ended is not lost where it can be seen [${memory}]`, async () => {
    const { executor, worker, futures } = await untold(memory, [1, { a: 1 }]);
    worker.die(1);
    assertEquals(await futures[0], 1);
    await assertRejects(() => futures[1]!.result(), WorkerCrashError);
    await executor.terminate();
  });
}

test("progress comes before the end, although that can be seen first", async () => {
  const runtime = new FakeRuntime();
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  const told: unknown[] = [];
  const onProgress = (value: unknown) => told.push(value);
  const future = executor.with({ onProgress }).submit(function (this: { report(n: number): void }) {
    this.report(1);
    return 2;
  });
  await tick();
  const worker = runtime.workers[0]!;
  worker.start();
  worker.reply();
  await tick();
  while (worker.receive());
  assertEquals([future.running(), future.done()], [false, false]);
  await runtime.settle();
  assertEquals([await future, told], [2, [1]]);
  await Promise.all([executor.terminate(), runtime.settle()]);
});

test("whatever stands in the shared tables hangs nothing and repeats nothing", async () => {
  for (let claim = -2; claim < 13; claim++) {
    for (const when of ["before it begins", "when it has ended"] as const) {
      const runs: number[] = (globalThis as unknown as { runs: number[] }).runs = [];
      const runtime = new FakeRuntime();
      const executor = new ThreadPoolExecutor({ maxWorkers: 1, tasksPerWorker: 4, runtime });
      const futures = [1, 2, 3].map((n) => executor.submit(give, n, n));
      const mapped = executor.map((x: number) => x, [1, 2, 3], { chunkSize: 3 });
      await tick();
      const worker = runtime.workers[0]!;
      worker.start();
      worker.reply();
      await tick();
      const [, setup] = worker.inbox.find((message) => (message as unknown[])[0] === SETUP) as [
        number,
        { claims: Int32Array; outcomes: { numbers: Float64Array; texts: Uint16Array } },
      ];
      if (when === "when it has ended") { while (worker.receive()); }
      setup.claims.fill(claim);
      setup.outcomes.texts.fill(65_535);
      executor.stats(); // looks
      futures.map((future) => future.state);
      await runtime.settle();
      for (const other of runtime.workers) if (other !== worker && !other.dead) other.start();
      await runtime.settle();
      const ended = executor.terminate();
      await runtime.settle();
      await ended;
      const what = `claims of ${claim}, ${when}`;
      for (const future of futures) assert(future.done(), what);
      // Whoever can write that a task has not begun, or was taken back, can have it run once more.
      const most = when === "when it has ended" && (claim === 0 || claim === 2) ? 2 : 1;
      for (let n = 1; n <= 3; n++) assert((runs[n] ?? 0) <= most, `task ${n} ran twice: ${what}`);
      await mapped.next().catch(() => {});
    }
  }
});

test("what a counter says of other tasks is not believed", async () => {
  const { runtime, executor, worker, futures } = await untold("counted", [{ a: 1 }, { a: 2 }]);
  for (const slot of [-1, 0, 1, 2, NaN, 1e9]) {
    for (const number of [-1, 0, 3, 7, NaN]) {
      worker.events.ended!(slot, number, () => ({ value: "lie" }));
    }
  }
  executor.stats();
  await runtime.settle();
  assertEquals(await Promise.all(futures), [{ a: 1 }, { a: 2 }]);
  await Promise.all([executor.terminate(), runtime.settle()]);
});

test("a timeout counts from when the worker says, which cannot make it longer or end it early", async () => {
  for (const said of [undefined, NaN, -Infinity, Infinity, 0, "x", 1e300]) {
    const runtime = new FakeRuntime();
    const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime, grace: 0 });
    const future = executor.with({ timeout: 20 }).submit(() => new Promise<void>(() => {}));
    await tick();
    const worker = runtime.workers[0]!;
    worker.start();
    worker.reply();
    await tick();
    while (worker.receive());
    for (const message of worker.outbox as unknown[][]) message[2] = said;
    await runtime.settle();
    const error = await future.exception() as Error;
    assertEquals(error.name, "TimeoutError");
    await Promise.all([executor.terminate(), runtime.settle()]);
  }
});
