/** Executors and pools that nobody can reach any more: their workers end. @module */

import { assertEquals } from "@std/assert";
import process from "node:process";
import { Pool, ProcessPoolExecutor, ThreadPool, ThreadPoolExecutor } from "../../mod.ts";
import type { Executor, WorkerPool } from "../../mod.ts";
import { childProcessRuntime } from "../../src/runtime/process/start_process.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import type { Runtime } from "../../src/runtime/mod.ts";
import { collectUntil } from "../gc.ts";
import { test } from "../harness.ts";
import { LeakCheck } from "../leaks.ts";

/** So many are dropped at once: Bun may take a number on the stack for a reference to one of them. */
const MANY = 3;

/** A runtime that counts its workers. */
class Counted {
  alive = 0;
  readonly runtime: Runtime;

  constructor(runtime: Runtime) {
    this.runtime = {
      ...runtime,
      capabilities: runtime.capabilities,
      spawn: (options, events) => {
        this.alive++;
        return runtime.spawn(options, {
          ...events,
          exit: (...end) => {
            this.alive--;
            events.exit(...end);
          },
        });
      },
    };
  }
}

const KINDS: [string, () => Runtime, (runtime: Runtime) => Executor][] = [
  [
    "ThreadPoolExecutor",
    detectRuntime,
    (runtime) => new ThreadPoolExecutor({ maxWorkers: 1, runtime }),
  ],
  [
    "ProcessPoolExecutor",
    childProcessRuntime,
    (runtime) => new ProcessPoolExecutor({ maxWorkers: 1, runtime }),
  ],
];

/** Calls the collector several times, and gives what it finds the time to be told. */
async function collectALot(): Promise<void> {
  let turns = 0;
  await collectUntil(() => turns++ === 4);
}

for (const [name, runtimeOf, create] of KINDS) {
  test(`workers of idle executors that were dropped end [${name}]`, async () => {
    const counted = new Counted(runtimeOf());
    const useSome = async () => {
      for (let i = 0; i < MANY; i++) assertEquals(await create(counted.runtime).submit(() => 1), 1);
    };
    await useSome();
    await collectUntil(() => counted.alive === 0);
  });

  test(`workers that start when their executor is dropped end [${name}]`, async () => {
    const counted = new Counted(runtimeOf());
    const warmUp = async () => await create(counted.runtime).warmUp();
    await Promise.all(Array.from({ length: MANY }, warmUp));
    await collectUntil(() => counted.alive === 0);
  });

  test(`what was submitted to an executor that was dropped is done [${name}]`, async () => {
    const counted = new Counted(runtimeOf());
    const submit = (i: number) =>
      create(counted.runtime).submit(async (i: number) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return i;
      }, i);
    const results = Promise.all(Array.from({ length: MANY }, (_, i) => submit(i)));
    await collectALot();
    assertEquals(await results, Array.from({ length: MANY }, (_, i) => i));
    await collectUntil(() => counted.alive === 0);
  });

  test(`a map whose executor was dropped reads on [${name}]`, async () => {
    const counted = new Counted(runtimeOf());
    const ready = Promise.withResolvers<void>();
    async function* numbers() {
      yield 1;
      await ready.promise;
      yield* [2, 3];
    }
    const results = create(counted.runtime).map((x: number) => x * x, numbers());
    assertEquals((await results.next()).value, 1);
    await collectALot();
    ready.resolve();
    assertEquals(await results.toArray(), [4, 9]);
    await collectUntil(() => counted.alive === 0);
  });

  test(`a view keeps an executor alive, and no longer than it lives itself [${name}]`, async () => {
    const counted = new Counted(runtimeOf());
    const use = async () => {
      const viewOf = async () => {
        const executor = create(counted.runtime);
        await executor.submit(() => 1);
        return executor.with({ priority: 1 });
      };
      const view = await viewOf();
      await collectALot();
      assertEquals(counted.alive, 1);
      assertEquals(await view.submit((x: number) => x + 1, 1), 2);
    };
    await use();
    await collectUntil(() => counted.alive === 0);
  });
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("processes of a pool that was dropped end", async () => {
  const idOf = async () => await new Pool(1).apply(() => process.pid);
  const pids = await Promise.all(Array.from({ length: MANY }, idOf));
  await collectUntil(() => !pids.some(isAlive));
});

test("threads of pools that were dropped end, once all was read", async () => {
  const leaks = new LeakCheck();
  const numbers = function* () {
    yield* [1, 2, 3];
  };
  const read = async () => {
    const pool: WorkerPool = new ThreadPool(1);
    const results = pool.imap((x: number) => -x, numbers(), { bufferSize: 1 });
    await results.next();
    return results;
  };
  const iterators = await Promise.all(Array.from({ length: MANY }, read));
  await collectALot();
  for (const results of iterators) {
    const rest: number[] = [];
    for await (const result of results) rest.push(result);
    assertEquals(rest, [-2, -3]);
  }
  await collectUntil(() => leaks.left.length === 0);
});
