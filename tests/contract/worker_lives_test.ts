/**
 * How long workers live: `finalizer`, `maxWorkerMemory`, `minWorkers`.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type TaskContext,
  ThreadPoolExecutor,
  type ThreadPoolExecutorOptions,
  UnsupportedError,
} from "../../mod.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import { test } from "../harness.ts";
import {
  Gate,
  type Handle,
  hold,
  IN_PAGE,
  isProcesses,
  leave,
  Notes,
  settle,
  until,
} from "./executors.ts";
import { testEach } from "./subjects.ts";

/** A finalizer that makes a note, in what its initializer was given. */
function finalized(handle: Handle): ThreadPoolExecutorOptions {
  return {
    initializer: (handle: Handle) => void ((globalThis as { notes?: Handle }).notes = handle),
    initargs: [handle],
    finalizer: async () => {
      const { notes } = globalThis as unknown as { notes: Handle };
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (typeof notes === "string") {
        const { process } = globalThis as unknown as {
          process: { getBuiltinModule(name: string): { appendFileSync(...args: string[]): void } };
        };
        process.getBuiltinModule("node:fs").appendFileSync(`${notes}/notes`, "1\n");
      } else {
        const cells = new Int32Array(notes);
        cells[1 + Atomics.add(cells, 0, 1)] = 1;
      }
    },
  };
}

const where = function (this: TaskContext): string {
  return this.workerName;
};

testEach("finalizer runs in each worker that ends in good order", async (kind) => {
  using notes = new Notes(kind);
  const executor = kind.create({ ...finalized(notes.handle), maxWorkers: 2 });
  await executor.warmUp();
  await executor.shutdown();
  assertEquals(notes.values, [1, 1]);

  await using recycled = kind.create({
    ...finalized(notes.handle),
    maxWorkers: 1,
    maxTasksPerChild: 1,
  });
  await recycled.submit(where);
  await recycled.submit(where);
  await until(() => notes.values.length >= 3);

  await using idle = kind.create({ ...finalized(notes.handle), maxWorkers: 1, idleTimeout: 1 });
  const before = notes.values.length;
  await idle.submit(where);
  await until(() => idle.stats().workers === 0);
  assert(notes.values.length > before);
}, { options: true });

testEach("finalizer does not run after a crash, nor after terminate()", async (kind) => {
  using notes = new Notes(kind);
  const executor = kind.create({ ...finalized(notes.handle), maxWorkers: 1 });
  await executor.submit(where);
  await executor.submit(leave, 3).exception();
  await executor.submit(where);
  await executor.terminate();
  await settle(3);
  assertEquals(notes.values, []);
}, { options: true, serial: true });

testEach("finalizer that hangs is stopped after finalizerTimeout, or by terminate()", async ({
  create,
}) => {
  const hanging = create({
    maxWorkers: 1,
    finalizer: () => new Promise(() => {}),
    finalizerTimeout: 10,
  });
  await hanging.submit(where);
  await hanging.shutdown();
  const busy = create({
    maxWorkers: 1,
    finalizer: () => {
      for (;;);
    },
    finalizerTimeout: Infinity,
  });
  await busy.submit(where);
  const ended = busy.shutdown();
  await settle(2);
  await busy.terminate();
  await ended;
}, { options: true, parallel: true, serial: true });

testEach("minWorkers and idleTimeout: the pool breathes between the two", async (kind) => {
  await using executor = kind.create({
    maxWorkers: 3,
    minWorkers: 1,
    idleTimeout: 10,
    tasksPerWorker: 1,
  });
  assertEquals(executor.stats().workers, 0);
  for (let breath = 0; breath < 2; breath++) {
    using gate = new Gate(kind);
    const tasks = Array.from({ length: 3 }, (_, i) => executor.submit(hold, gate.handle, i));
    await gate.waitEntered(3);
    assertEquals(executor.stats().workers, 3);
    gate.open();
    assertEquals(await Promise.all(tasks), [0, 1, 2]);
    await until(() => executor.stats().workers === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(executor.stats().workers, 1);
  }
  assertEquals(executor.stats().crashed, 0);
}, { options: true, serial: true, deadline: 30_000 });

testEach("maxWorkerMemory: a worker beyond it is replaced between two tasks", async (kind) => {
  const limit = isProcesses(kind) ? 250 : 100; // of a process all counts
  await using executor = kind.create({ maxWorkers: 1, maxWorkerMemory: limit * 2 ** 20 });
  /** Keeps some 30 MiB; gives how often it has in this worker. */
  const leak = function (this: TaskContext): [worker: string, times: number] {
    const memory = globalThis as unknown as { kept?: unknown[] };
    (memory.kept ??= []).push(Array.from({ length: 1_000_000 }, (_, i) => ({ i })));
    return [this.workerName, memory.kept.length];
  };
  const seen: [string, number][] = [];
  for (let i = 0; i < 10; i++) seen.push(await executor.submit(leak));
  assert(new Set(seen.map(([worker]) => worker)).size > 1, `${seen}`);
  const { crashed, completed } = executor.stats();
  assertEquals([crashed, completed], [0, 10]);
}, {
  options: true,
  serial: true,
  deadline: 30_000,
  skip: IN_PAGE ? "no browser tells how much memory a worker has" : undefined,
});

testEach("maxWorkerMemory: what was sent ahead runs elsewhere, once", async (kind) => {
  // Less than any worker has: each is replaced after its first tasks.
  await using executor = kind.create({ maxWorkers: 2, maxWorkerMemory: 1 });
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, i) => executor.submit((x: number) => x, i)),
  );
  assertEquals(results, [0, 1, 2, 3, 4, 5]);
  const { crashed, completed } = executor.stats();
  assertEquals([crashed, completed], [0, 6]);
}, {
  options: true,
  deadline: 30_000,
  skip: IN_PAGE ? "no browser tells how much memory a worker has" : undefined,
});

test("options of the lives of workers are checked", () => {
  const make = (options: unknown) => () =>
    new ThreadPoolExecutor(options as ThreadPoolExecutorOptions);
  assertThrows(make({ finalizer: 5 }), TypeError);
  assertThrows(make({ finalizerTimeout: "1" }), TypeError, "finalizerTimeout");
  assertThrows(make({ maxWorkerMemory: "1 GB" }), TypeError, "maxWorkerMemory");
  assertThrows(make({ maxWorkerMemory: 0 }), RangeError, "maxWorkerMemory");
  assertThrows(make({ minWorkers: 2, maxWorkers: 1 }), RangeError, "minWorkers");
  assertThrows(make({ minWorkers: -1 }), RangeError, "minWorkers");
  assertThrows(make({ finaliser: () => {} }), TypeError, "did you mean finalizer?");
  assertThrows(make({ minworkers: 1 }), TypeError, "did you mean minWorkers?");
  const { measuresMemory: _, ...runtime } = detectRuntime();
  assertThrows(make({ maxWorkerMemory: 2 ** 30, runtime }), UnsupportedError, "maxWorkerMemory");
});
