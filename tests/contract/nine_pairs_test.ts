/**
 * `ProcessPoolExecutor` from the runtime of this test onto each of the three: nine pairs in all three
 * suites. What their wire carries is tested in `tests/runtime/process_start_test.ts`, and what holds
 * for every executor in the other files here.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import process from "node:process";
import {
  BrokenProcessPoolError,
  CancelledError,
  importTasks,
  ProcessPoolExecutor,
  type ProcessPoolExecutorOptions,
  SerializationError,
  type TaskContext,
  TimeoutError,
  transfer,
  WorkerCrashError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { RUNTIME } from "../runtime/handles.ts";
import { PROGRAMS } from "../runtime/programs.ts";
import { Gate, hold, note, Notes, until } from "./executors.ts";

/** No process shares memory with another. */
const PROCESSES = { memory: false };

const tasks = importTasks<typeof import("../fixtures/tasks.ts")>(
  import.meta.resolve("../fixtures/tasks.ts"),
);

/** Which runtime runs it, in which process. */
function whereAmI(): [runtime: string, pid: number] {
  const { pid, versions } = process;
  return ["Deno" in globalThis ? "deno" : "bun" in versions ? "bun" : "node", pid];
}

for (const [kind, path] of Object.entries(PROGRAMS)) {
  const pair = `[${RUNTIME} -> ${kind}]`;
  const create = (options: ProcessPoolExecutorOptions = {}): ProcessPoolExecutor =>
    new ProcessPoolExecutor({ maxWorkers: 1, command: { path }, ...options });

  test(`command names the runtime of the tasks ${pair}`, async () => {
    await using executor = create({ maxWorkers: 2 });
    await executor.warmUp();
    const [first, second] = await executor.broadcast(whereAmI);
    assertEquals([first![0], second![0]], [kind, kind]);
    assertEquals(new Set([first![1], second![1], process.pid]).size, 3);
    assertEquals(executor.capabilities, {
      parallel: true,
      stopsBusyTasks: true,
      sharedMemory: false,
      sandbox: kind !== "bun",
    });
  });

  test(`map() carries values of all kinds in its chunks, there and back ${pair}`, async () => {
    await using executor = create();
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const items = [
      undefined,
      -0,
      NaN,
      -(2n ** 70n),
      new Map([[1, new Set(["a"])]]),
      new Date(7),
      new Float64Array([0.5, -0]),
      cycle,
    ];
    const same = (x: unknown) => x;
    for (const chunkSize of [1, 3, 100]) {
      const back = await executor.map(same, items, { chunkSize }).toArray();
      assertEquals(back, items);
      assert(Object.is(back[1], -0));
      const [last] = back.slice(-1) as [typeof cycle];
      assert(last.self === last && last !== cycle);
    }
  });

  test(`importTasks() reaches a module there, its errors arrive ${pair}`, async () => {
    await using executor = create();
    assertEquals(await executor.submit(tasks.add, 1, 2), 3);
    assertEquals(await executor.submit(tasks.addLater, 1, 2), 3);
    assertEquals(await executor.submit(tasks.arrowName), await executor.submit(tasks.whoAmI));
    await executor.submit(tasks.setState, 7);
    assertEquals([await executor.submit(tasks.getState), await executor.submit(tasks.isMain)], [
      7,
      false,
    ]);
    const error = await executor.submit(tasks.throwHttpError).exception();
    assertInstanceOf(error, RangeError);
    assertEquals([error.name, error.message], ["HttpError", "Not found"]);
    assertEquals((error as RangeError & { status: number }).status, 404);
    assertInstanceOf(error.cause, TypeError);
    assert(error.stack!.includes("throwHttpError"), error.stack);
    const missing = importTasks<{ f(): void }>("file:///no/such/module.js");
    await assertRejects(() => executor.submit(missing.f).result(), TypeError, `task "f" of file:`);
    assertEquals(executor.stats().crashed, 0);
  });

  test(`cancel() of a pending task: it never runs ${pair}`, async () => {
    await using executor = create();
    using gate = new Gate(PROCESSES);
    using notes = new Notes(PROCESSES);
    const held = executor.submit(hold, gate.handle, 1);
    await gate.waitEntered(1);
    const futures = [0, 1, 2, 3].map((x) => executor.submit(note, notes.handle, x));
    assertEquals([held.running(), held.cancel()], [true, false]);
    assertEquals([futures[1]!.cancel(), futures[2]!.cancel()], [true, true]);
    await assertRejects(() => futures[1]!.result(), CancelledError);
    gate.open();
    await executor.shutdown();
    assertEquals([await held, notes.values], [1, [0, 3]]);
  });

  test(`timeout stops a busy loop, and no other process ${pair}`, async () => {
    await using executor = create({ maxWorkers: 2, grace: 10 });
    using gate = new Gate(PROCESSES);
    const held = executor.submit(hold, gate.handle, 1);
    await gate.waitEntered(1);
    const busy = executor.with({ timeout: 50 }).submit(() => {
      for (;;);
    });
    await assertRejects(() => busy.result(), TimeoutError, "within 50 ms");
    assertEquals((await executor.submit(whereAmI))[0], kind);
    gate.open();
    assertEquals([await held, executor.stats().crashed], [1, 0]);
  });

  test(`an abort crosses with its reason, what is reported comes in order ${pair}`, async () => {
    await using executor = create({ grace: 60_000 });
    const controller = new AbortController();
    const reports: unknown[] = [];
    const future = executor.with({
      signal: controller.signal,
      onProgress: (value) => reports.push(value),
    }).submit(function (this: TaskContext) {
      const { signal } = this;
      this.report(1);
      this.report(2);
      return new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => {
          const { name, message, cause } = signal.reason;
          this.report([signal.reason instanceof RangeError, name, message, cause]);
          resolve();
        });
      });
    });
    await until(() => reports.length === 2);
    const reason = new RangeError("enough", { cause: 5n });
    controller.abort(reason);
    assert(await future.result().catch((error) => error) === reason);
    await until(() => reports.length === 3);
    assertEquals(reports, [1, 2, [true, "RangeError", "enough", 5n]]);
    assertEquals(await executor.submit(() => "alive"), "alive");
  });

  test(`transfer() moves buffers, small and large ${pair}`, async () => {
    await using executor = create();
    for (const size of [8, 2 ** 20]) {
      const bytes = new Uint8Array(size).fill(3);
      const future = executor.submit((b: Uint8Array) => b, transfer(bytes, [bytes.buffer]));
      assertEquals(bytes.length, size); // it moves when the task is sent, not before
      assertEquals(await future, new Uint8Array(size).fill(3));
      assertEquals(bytes.length, 0);
    }
  });

  test(`BrokenProcessPoolError tells of an initializer that fails ${pair}`, async () => {
    await using executor = create({
      initializer: () => {
        throw new RangeError("not today");
      },
    });
    const error = await executor.submit(() => 1).exception();
    assertInstanceOf(error, BrokenProcessPoolError);
    assertInstanceOf(error.cause, RangeError);
    assertThrows(() => executor.submit(() => 1), BrokenProcessPoolError);
  });

  test(`onCrash: "break" ends all when one process is killed ${pair}`, async () => {
    await using executor = create({ maxWorkers: 2, onCrash: "break" });
    using gate = new Gate(PROCESSES);
    const held = executor.submit(hold, gate.handle);
    await gate.waitEntered(1);
    const killed = executor.submit(() => process.kill(process.pid, "SIGKILL"));
    await assertRejects(() => killed.result(), WorkerCrashError);
    await assertRejects(() => held.result(), BrokenProcessPoolError);
    assertThrows(() => executor.submit(() => 1), BrokenProcessPoolError);
    assertEquals(gate.left, 0);
  });
}

// --- what cannot be sent to a process, but could be cloned ---

test("an argument that shares memory is named", async () => {
  await using executor = new ProcessPoolExecutor(1);
  const future = executor.submit((_: number, x: unknown) => x, 1, new SharedArrayBuffer(8));
  await assertRejects(() => future.result(), SerializationError, "argument 2 of task");
});

test("an item of map() that shares memory fails alone in its chunk", async () => {
  await using executor = new ProcessPoolExecutor(1);
  const items = [1, new SharedArrayBuffer(8), 3];
  const options = { chunkSize: 3, settled: true } as const;
  const [first, bad, last] = await executor.map((x: unknown) => typeof x, items, options).toArray();
  assertEquals([first, last], Array(2).fill({ status: "fulfilled", value: "number" }));
  assert(bad!.status === "rejected");
  assertInstanceOf(bad!.reason, SerializationError);
});

test("a property of an error that shares memory is left out", async () => {
  await using executor = new ProcessPoolExecutor(1);
  const error = Object.assign(new RangeError("sent"), {
    shared: new SharedArrayBuffer(8),
    code: 7,
  });
  const tell = (e: typeof error) => [e.message, e.code, "shared" in e];
  assertEquals(await executor.submit(tell, error), ["sent", 7, false]);
});

test("the reason of an abort that shares memory ends its task all the same", async () => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, grace: 10 });
  for (
    const reason of [
      new SharedArrayBuffer(8),
      Object.assign(new RangeError("enough"), { shared: new SharedArrayBuffer(8) }),
    ]
  ) {
    const controller = new AbortController();
    const future = executor.with({ signal: controller.signal }).submit(() => new Promise(() => {}));
    await until(() => future.running());
    controller.abort(reason);
    assert(await future.result().catch((error) => error) === reason);
    assertEquals(await executor.submit(() => "alive"), "alive");
  }
});
