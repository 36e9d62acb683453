/**
 * `with({ affinity })`: tasks of one key run on one worker, in order, one after the other.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type Future,
  FutureSource,
  InlineExecutor,
  type TaskContext,
  TimeoutError,
  WorkerCrashError,
} from "../../mod.ts";
import { Lanes } from "../../src/engine/lanes.ts";
import { ItemControl, type WorkItem } from "../../src/engine/work_item.ts";
import { test } from "../harness.ts";
import { Gate, hold, leave, settle } from "./executors.ts";
import { testEach } from "./subjects.ts";

/** Counts in its worker, for each key; fails if another task of the key runs meanwhile. */
async function next(
  this: TaskContext,
  key: string,
  waits: boolean,
): Promise<{ worker: string; count: number }> {
  const state = (globalThis as unknown as { counts?: Record<string, number> }).counts ??= {};
  const mark = `busy with ${key}`;
  if (state[mark] === 1) throw new Error(mark);
  state[mark] = 1;
  if (waits) await new Promise((resolve) => setTimeout(resolve, 1));
  state[mark] = 0;
  return { worker: this.workerName, count: state[key] = (state[key] ?? 0) + 1 };
}

const where = function (this: TaskContext): string {
  return this.workerName;
};

/** On which worker the tasks of a key run. */
async function homeOf(executor: Executor, key: string): Promise<string> {
  return await executor.with({ affinity: key }).submit(where);
}

let used = 0;

testEach("affinity: one worker for a key, in order, one after the other", async ({ create }) => {
  await using executor = create();
  const prefix = `test ${used++} of `; // on this thread, tests share what tasks keep
  const keys = Array.from({ length: 10 }, (_, i) => `${prefix}${i}`);
  const futures = new Map(
    keys.map((key) => [key, [] as Future<{ worker: string; count: number }>[]]),
  );
  for (let i = 0; i < 20; i++) {
    for (const key of keys) {
      futures.get(key)!.push(executor.with({ affinity: key }).submit(next, key, i % 5 === 2));
    }
    executor.submit(() => {}); // others go beside
  }
  const homes = new Map<string, number>();
  for (const own of futures.values()) {
    const results = await Promise.all(own);
    assertEquals(results.map(({ count }) => count), Array.from({ length: 20 }, (_, i) => 1 + i));
    const workers = new Set(results.map(({ worker }) => worker));
    assertEquals(workers.size, 1);
    for (const worker of workers) homes.set(worker, (homes.get(worker) ?? 0) + 1);
  }
  if (executor.capabilities.parallel) assertEquals([...homes.values()], [5, 5]); // balanced
  const before = await homeOf(executor, keys[3]!);
  await settle(2);
  assertEquals(await homeOf(executor, keys[3]!), before);

  // Of a key the order of submits counts, whatever the priority.
  const order = await Promise.all(
    [0, 2, 1].map(async (priority) =>
      (await executor.with({ affinity: keys[0]!, priority }).submit(next, keys[0]!, true)).count
    ),
  );
  assertEquals(order, [21, 22, 23]);
  // Each item of a map is a task of its own, and so is each block.
  const one = executor.with({ affinity: "one" });
  const names = await one.map(function (this: TaskContext, x: number) {
    return [this.workerName, x] as const;
  }, Array.from({ length: 30 }, (_, i) => i)).toArray();
  assertEquals(names.map(([, x]) => x), Array.from({ length: 30 }, (_, i) => i));
  assertEquals(new Set(names.map(([name]) => name)).size, 1);
  const blocks = one.mapBlocks((block: Int8Array) => block, new Int8Array([1, 2, 3]));
  assertEquals([...await blocks.into(new Int8Array(3))], [1, 2, 3]);
});

testEach(
  "affinity: keys of every kind, cancelled tasks, and futures as arguments",
  async (kind) => {
    await using executor = kind.create();
    using gate = new Gate(kind);
    const user = {};
    for (const affinity of ["", 0, NaN, 10n, user, -0]) {
      assertEquals(await executor.with({ affinity }).submit((x: number) => x, 1), 1);
    }
    const own = executor.with({ affinity: user });
    const held = own.submit(hold, gate.handle, 1);
    await gate.waitEntered(1);
    const source = new FutureSource<number>();
    const waiting = own.submit((x: number) => x, source.future);
    const behind = Array.from({ length: 5 }, (_, i) => own.submit((x: number) => x, i));
    assertEquals([behind[0]!.cancel(), behind[3]!.cancel(), behind[4]!.cancel()], [
      true,
      true,
      true,
    ]);
    source.setResult(7);
    const last = own.submit((x: number) => x, 8);
    await settle(2);
    assertEquals([behind[1]!.done(), waiting.done(), last.done()], [false, false, false]);
    gate.open();
    assertEquals(await Promise.all([held, behind[1], behind[2], waiting, last]), [1, 1, 2, 7, 8]);
    assertEquals(executor.stats().pending, 0);
  },
  {
    bug: (kind) =>
      kind.brokenError.name === "BrokenProcessPoolError"
        ? "what was sent to a process is not cancelled"
        : undefined,
  },
);

testEach("affinity: a worker that dies gives its keys to others", async ({ create }) => {
  await using executor = create({ maxWorkers: 2 });
  const keys = Array.from({ length: 6 }, (_, i) => `key ${i}`);
  const homes = await Promise.all(keys.map((key) => homeOf(executor, key)));
  assertEquals(new Set(homes).size, 2);
  const dying = executor.with({ affinity: keys[0]! });
  const crash = dying.submit(leave, 3);
  const behind = Array.from({ length: 5 }, () => dying.submit(where));
  assertInstanceOf(await crash.exception(), WorkerCrashError);
  const after = new Set(await Promise.all(behind));
  assertEquals(after.size, 1);
  assert(!after.has(homes[0]!));
  for (const [i, key] of keys.entries()) {
    const home = await homeOf(executor, key);
    if (homes[i] === homes[0]) assert(home !== homes[0]);
    else assertEquals(home, homes[i]);
  }
}, { serial: true, options: true });

testEach("affinity: what was aborted has ended before the next of its key begins", async (kind) => {
  await using executor = kind.create({ grace: 20 });
  const own = executor.with({ affinity: "user" });
  const ran = own.with({ timeout: 30 }).submit(() => {
    for (;;);
  });
  const behind = own.submit(where);
  const other = executor.with({ affinity: "another user" }).submit(where);
  assertEquals(typeof await other, "string");
  await assertRejects(() => ran.result(), TimeoutError);
  assertEquals(typeof await behind, "string");
}, { parallel: true, serial: true, options: true });

testEach("affinity: shutdown(), cancelFutures and terminate()", async (kind) => {
  for (const end of ["shutdown", "cancel", "terminate"] as const) {
    const executor = kind.create();
    using gate = new Gate(kind);
    const own = executor.with({ affinity: 1 });
    const held = own.submit(hold, gate.handle, 1);
    await gate.waitEntered(1);
    const behind = Array.from(
      { length: 10 },
      (_, i) => own.with({ priority: i % 2 }).submit(hold, gate.handle, i),
    );
    const ended = end === "terminate"
      ? executor.terminate()
      : executor.shutdown({ cancelFutures: end === "cancel" });
    if (end !== "terminate") gate.open();
    await ended;
    const outcomes = await Promise.allSettled([held, ...behind]);
    for (const [i, outcome] of outcomes.entries()) {
      if (end === "shutdown" || (i === 0 && end === "cancel")) {
        assertEquals(outcome.status, "fulfilled");
      } else if (outcome.status === "rejected") {
        assertInstanceOf(outcome.reason, i === 0 ? BrokenExecutorError : Error);
      }
    }
    if (end !== "shutdown") {
      assert(
        outcomes.some((each) =>
          each.status === "rejected" && each.reason instanceof CancelledError
        ),
      );
    }
    assertEquals(executor.stats().pending, 0);
  }
});

testEach("affinity: a broken executor fails what waits in its key", async (kind) => {
  await using executor = kind.create({ onCrash: "break" });
  const own = executor.with({ affinity: 1 });
  own.submit(leave, 3);
  const behind = Array.from({ length: 5 }, () => own.submit(where));
  for (const future of behind) assertInstanceOf(await future.exception(), kind.brokenError);
}, { options: true, serial: true });

test("affinity: a million keys leave nothing behind", () => {
  const lanes = new Lanes(true);
  lanes.onReady = () => {};
  for (let key = 0; key < 1_000_000; key++) {
    const control = new ItemControl();
    const item = { control, priority: 0 } as WorkItem;
    control.affinity = key;
    lanes.push(item);
    if (key % 100 === 0) assertEquals([lanes.size, lanes.length], [1, 1]);
    lanes.remove(item);
    control.lane!.done(item);
  }
  assertEquals([lanes.size, lanes.length], [0, 0]);
});

test("affinity is checked", () => {
  const executor = new InlineExecutor();
  for (const affinity of [true, null, Symbol("key"), () => {}]) {
    assertThrows(
      () => executor.with({ affinity: affinity as unknown as string }),
      TypeError,
      "Cannot use affinity",
    );
  }
});
