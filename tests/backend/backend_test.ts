import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { CancelledError, Pool, ShutdownError, ThreadPool, ThreadPoolExecutor } from "../../mod.ts";
import { asCompleted, BrokenExecutorError, wait } from "../../mod.ts";
import { executorOver } from "../../src/executor/executor_inside.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { test } from "../harness.ts";
import { fakeBackend } from "./fake_backend.ts";

/** The local scheduler, and the least that a backend can be. */
const BACKENDS: readonly { name: string; create(): Executor }[] = [
  { name: "Scheduler", create: () => new ThreadPoolExecutor(1) },
  {
    name: "fake backend",
    create() {
      const backend = fakeBackend();
      return executorOver(() => backend);
    },
  },
];

for (const { name, create } of BACKENDS) {
  test(`${name}: submit() gives a value or an error`, async () => {
    await using executor = create();
    strictEqual(await executor.submit((a: number, b: number) => a + b, 1, 2), 3);
    await rejects(
      executor.submit(() => {
        throw new RangeError("no");
      }).result(),
      RangeError,
    );
  });

  test(`${name}: map() keeps the order, cuts chunks and gives each item its outcome`, async () => {
    await using executor = create();
    const items = Array.from({ length: 20 }, (_, i) => i);
    const double = (x: number): number => 2 * x;
    for (const chunkSize of [1, 3, 100]) {
      const results = await executor.map(double, items, { chunkSize }).toArray();
      deepStrictEqual(results, items.map(double));
    }
    function* lazy() {
      yield* items;
    }
    deepStrictEqual(await executor.map(double, lazy()).toArray(), items.map(double));
    const odd = (x: number): number => {
      if (x % 2 === 1) return x;
      throw new RangeError(`${x}`);
    };
    const settled = await executor.map(odd, [1, 2, 3], { chunkSize: 3, settled: true }).toArray();
    deepStrictEqual(settled.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  });

  test(`${name}: a future of it can be cancelled and waited for`, async () => {
    await using executor = create();
    const first = executor.submit(() => new Promise<number>((r) => setTimeout(r, 50, 1)));
    const second = executor.submit(() => 2);
    strictEqual(second.cancel(), true);
    const { done } = await wait([first, second]);
    strictEqual(done.size, 2);
    for await (const future of asCompleted([first])) strictEqual(await future, 1);
  });

  test(`${name}: shutdown() ends it`, async () => {
    const executor = create();
    const future = executor.submit(() => 1);
    await executor.shutdown();
    strictEqual(future.done(), true);
    throws(() => executor.submit(() => 1), ShutdownError);
  });

  for (const Made of [ThreadPool, Pool]) {
    test(`${name}: ${Made.name} uses an executor that exists and leaves it alone`, async () => {
      await using executor = create();
      const pool = new Made({ executor });
      const square = (x: number): number => x * x;
      deepStrictEqual(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
      const seen: number[] = [];
      for await (const x of pool.imapUnordered(square, [2])) seen.push(x);
      deepStrictEqual(seen, [4]);
      pool.applyAsync(square, [3]);
      pool.close();
      await pool.join();
      throws(() => pool.applyAsync(square, [3]));
      strictEqual(await executor.submit(square, 5), 25);
    });
  }

  test(`${name}: terminate() of a pool ends its own tasks alone`, async () => {
    await using executor = create();
    const pool = new ThreadPool({ executor });
    const mine = executor.submit(() => new Promise<string>((r) => setTimeout(r, 30, "mine")));
    const its = pool.applyAsync(() => 1);
    await pool.terminate();
    await rejects(
      its.get(),
      (error) => error instanceof CancelledError || error instanceof BrokenExecutorError,
    );
    strictEqual(await mine, "mine");
  });
}

test("a pool takes no other option beside an executor", () => {
  throws(() => new ThreadPool({ executor: {} as Executor }), TypeError);
  const executor = executorOver(fakeBackend);
  throws(() => new ThreadPool({ executor, processes: 2 }), TypeError);
});
