/**
 * Tasks that submit tasks.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  BrokenExecutorError,
  type Executor,
  importTasks,
  InlineExecutor,
  type TaskContext,
  WorkerCrashError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import {
  type ExecutorKind,
  Gate,
  type Handle,
  hold,
  leave,
  note,
  Notes,
  noWorkers,
  settle,
  until,
} from "./executors.ts";
import { testEach } from "./subjects.ts";

/** Counts the nodes of a tree, a task for each. */
async function nodes(this: TaskContext, depth: number, fan: number): Promise<number> {
  if (depth === 0) return 1;
  const children = this.map(() => 0, []).length === 0
    ? Array.from({ length: fan }, () => this.submit(nodes, depth - 1, fan))
    : [];
  return (await Promise.all(children)).reduce((a, b) => a + b, 1);
}

async function chain(this: TaskContext, depth: number): Promise<number> {
  return depth === 0 ? 0 : 1 + await this.submit(chain, depth - 1);
}

/** A parent whose children do something: the text of a task. */
async function parent(
  this: TaskContext,
  handle: Handle,
  child: string,
  count: number,
  after: string,
): Promise<unknown> {
  const task = new Function(`return ${child}`)() as (handle: Handle, i: number) => unknown;
  const futures = Array.from({ length: count }, (_, i) => this.submit(task, handle, i));
  const wait = new Function(`return ${after}`)() as (
    this: TaskContext,
    futures: unknown[],
  ) => unknown;
  return await wait.call(this, futures);
}

/** How many tasks have not ended. */
function left(executor: Executor): number {
  const { pending, running, waiting } = executor.stats();
  return pending + running + waiting;
}

const ALL = String((futures: unknown[]) => Promise.all(futures));

/** Enters, and ends only when it is aborted, which it notes. */
const UNTIL_ABORTED = `async function (handle, i) {
  const add = (file, cell, value) => {
    if (typeof handle === "string") {
      process.getBuiltinModule("node:fs").appendFileSync(handle + "/notes", value + "\\n");
    } else {
      const cells = new Int32Array(handle);
      cells[1 + Atomics.add(cells, 0, 1)] = value;
    }
  };
  add("notes", 1, 1);
  await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
  add("notes", 1, -1);
}`;

function isDouble(kind: ExecutorKind): string | undefined {
  return kind.name === "createExecutor()" && !kind.inline
    ? "it is a ThreadPoolExecutor"
    : undefined;
}

testEach("this.submit(): results and errors of plain functions", async ({ create }) => {
  await using executor = create();
  const sum = executor.submit(async function (this: TaskContext, xs: number[]) {
    const squares = await Promise.all(this.map((x: number) => x * x, xs));
    const failing = this.submit((message: string) => {
      throw new RangeError(message);
    }, "of a child");
    const error = await failing.exception() as Error;
    const later = this.submit(async (x: number) => await Promise.resolve(x), 1);
    const cancelled = this.submit((x: number) => x, 1);
    const states = [later.state, cancelled.cancel(), cancelled.state];
    await later;
    return [...squares, error instanceof RangeError, error.message, ...states, later.state];
  }, [1, 2, 3]);
  assertEquals(await sum, [
    1,
    4,
    9,
    true,
    "of a child",
    "pending",
    true,
    "cancelled",
    "finished",
  ]);
  assertEquals(executor.stats().failed, 1);
});

testEach("this.submit(): functions of modules, references and the task itself", async ({
  create,
}) => {
  await using executor = create();
  const tasks = importTasks<typeof import("../fixtures/nested.ts")>(
    import.meta.resolve("../fixtures/nested.ts"),
  );
  assertEquals(await executor.submit(tasks.halves, 9), [9, 4, 2, 1]);
  assertEquals(await executor.submit(tasks.arrowHalf, 9), 4.5);
  const byReference = executor.submit(async function (this: TaskContext, task: typeof tasks.half) {
    return await this.submit(task, 5);
  }, tasks.half);
  assertEquals(await byReference, 2.5);
  const missing = importTasks<{ none(): void }>(import.meta.resolve("../fixtures/nested.ts")).none;
  const error = await executor.submit(async function (this: TaskContext, task: typeof missing) {
    return String(await this.submit(task).exception());
  }, missing);
  assert(error.includes('no export named "none"'), error);
}, { bug: isDouble });

testEach("this.submit(): a tree of tasks never deadlocks, and few of it wait", async (kind) => {
  const large = kind.name === "ThreadPoolExecutor";
  const [depth, fan] = large ? [4, 10] : [3, 4];
  for (const maxWorkers of large ? [1, 4] : [1]) {
    await using executor = kind.create({ maxWorkers, maxTasksPerChild: large ? 2 ** 20 : 1 });
    let most = 0;
    const timer = setInterval(() => most = Math.max(most, executor.stats().pending), 1);
    const all = await executor.submit(nodes, depth, fan);
    clearInterval(timer);
    assertEquals(all, (fan ** (depth + 1) - 1) / (fan - 1));
    assertEquals(executor.stats().completed, all);
    // On several workers, as many subtrees are open at each depth.
    if (kind.perWorker === 1 && !kind.inline) assert(most <= maxWorkers * depth * fan, `${most}`);
    // Deeper than a worker has slots.
    if (large && maxWorkers === 1) assertEquals(await executor.submit(chain, 4_500), 4_500);
  }
}, { deadline: 40_000, bug: isDouble });

testEach(
  "this.submit(): of a tree that is deeper than all before it, few wait, too",
  async (kind) => {
    const large = kind.name === "ThreadPoolExecutor";
    const [depth, fan] = large ? [4, 9] : [3, 4];
    await using executor = kind.create({ maxWorkers: 1 });
    // All that is known of the function is that it is short, and at most how deep it submits others.
    for (let i = 0; i < 5; i++) assertEquals(await executor.submit(nodes, 0, fan), 1);
    assertEquals(await executor.submit(nodes, 1, fan), fan + 1);
    let most = 0;
    const timer = setInterval(() => most = Math.max(most, executor.stats().pending), 1);
    const all = await executor.submit(nodes, depth, fan);
    clearInterval(timer);
    assertEquals(all, (fan ** (depth + 1) - 1) / (fan - 1));
    if (kind.perWorker === 1 && !kind.inline) assert(most <= depth * fan, `${most}`);
  },
  { deadline: 40_000, bug: isDouble },
);

testEach("this.submit(): children have the priority of their parent", async ({ create }) => {
  await using executor = create({ maxWorkers: 1 });
  const cells = new Int32Array(new SharedArrayBuffer(40));
  const low = executor.with({ priority: -1 }).submit(
    async function (this: TaskContext, cells: Int32Array) {
      const step = (cells: Int32Array, i: number): void => {
        if (i === 1) {
          Atomics.store(cells, 9, 1);
          Atomics.wait(cells, 8, 0);
        }
        cells[1 + Atomics.add(cells, 0, 1)] = i;
      };
      await Promise.all([1, 2, 3].map((i) => this.submit(step, cells, i)));
    },
    cells,
  );
  await until(() => Atomics.load(cells, 9) === 1);
  const other = executor.submit((cells: Int32Array) => {
    cells[1 + Atomics.add(cells, 0, 1)] = 100;
  }, cells);
  await until(() => executor.stats().pending === 3);
  Atomics.store(cells, 8, 1);
  Atomics.notify(cells, 8);
  await Promise.all([low, other]);
  assertEquals([...cells.subarray(1, 5)], [1, 100, 2, 3]);
}, {
  memory: true,
  bug: (kind) => kind.name === "ThreadPoolExecutor" ? undefined : "its tasks wait in shared memory",
});

testEach("this.submit(): children come before what is queued at large", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  using notes = new Notes(kind);
  const first = executor.submit(parent, notes.handle, String(note), 5, ALL);
  const behind = Array.from(
    { length: kind.perWorker },
    (_, i) => executor.submit(note, notes.handle, 100 + i),
  );
  await Promise.all([first, ...behind]);
  if (kind.perWorker === 1) assertEquals(notes.values, [0, 1, 2, 3, 4, 100]);
  else assertEquals(notes.values.length, 5 + kind.perWorker);
}, { bug: (kind) => kind.inline ? "its 32 places take all at once" : isDouble(kind) });

testEach(
  "this.submit(): a parent that waits is running, and stats() count it as waiting",
  async (kind) => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const { perWorker } = kind;
    const count = kind.inline ? 1 : perWorker + 1;
    const waiting = executor.submit(parent, gate.handle, String(hold), count, ALL);
    await gate.waitEntered(kind.inline ? 1 : perWorker);
    await until(() => executor.stats().waiting === 1);
    const { running, pending, idle } = executor.stats();
    assertEquals([waiting.state, waiting.running(), waiting.cancel()], ["running", true, false]);
    assertEquals([running, pending, idle], kind.inline ? [1, 0, 0] : [perWorker, 1, 0]);
    gate.open();
    assertEquals(await waiting, Array.from({ length: count }, (_, i) => i));
    await until(() => executor.stats().running === 0);
    assertEquals(executor.stats().waiting, 0);

    // However deep a tree is: no more run than there are places.
    const deep = executor.submit(chain, 20);
    let most = 0;
    while (!deep.done()) {
      const { running, waiting, pending } = executor.stats();
      most = Math.max(most, running);
      assert(running + waiting + pending <= 21);
      await settle(1);
    }
    assert(most <= executor.maxWorkers * (kind.inline ? 1 : perWorker), `${most} run`);
    assertEquals(await deep, 20);
  },
  { bug: isDouble },
);

testEach("this.submit(): children end with their parent", async (kind) => {
  await using executor = kind.create({ maxWorkers: 2, grace: 5_000 });
  using notes = new Notes(kind);
  const { handle } = notes;
  const ran = (value: number): number => notes.values.filter((each) => each === value).length;
  const idle = (): boolean => left(executor) === 0;

  // It returns without waiting: some run, the others never will.
  const some = kind.inline ? 20 : 2 * kind.perWorker + 3;
  const ending = executor.submit(
    parent,
    handle,
    UNTIL_ABORTED,
    some,
    String(() => new Promise((resolve) => setTimeout(resolve, 100, "ended"))),
  );
  assertEquals(await ending, "ended");
  await until(idle);
  const begun = ran(1);
  assertEquals(ran(-1), begun);
  assert(kind.inline || begun < some, `${begun} have begun`);

  // It is aborted.
  const controller = new AbortController();
  const aborted = executor.with({ signal: controller.signal })
    .submit(parent, handle, UNTIL_ABORTED, some, ALL);
  await until(() => ran(1) > begun);
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await aborted.exception(), reason);
  await until(idle);
  assertEquals(ran(-1), ran(1));

  // One of them fails, and it with that.
  const failing = executor.submit(
    parent,
    handle,
    `(handle, i) => { if (i === 1) throw new RangeError("first"); return (${UNTIL_ABORTED}).call(this, handle, i) }`
      .replace("(handle, i) =>", "function (handle, i)"),
    3,
    ALL,
  );
  await assertRejects(() => failing.result(), RangeError, "first");
  await until(idle);
  assertEquals(ran(-1), ran(1));
}, { bug: isDouble });

testEach("this.submit(): a crash of the parent takes its children along", async (kind) => {
  await using executor = kind.create({ maxWorkers: 2 });
  using notes = new Notes(kind);
  const crashing = executor.submit(
    parent,
    notes.handle,
    UNTIL_ABORTED,
    2,
    `async () => { await new Promise((r) => setTimeout(r, 50)); return (${leave})(3) }`,
  );
  assertInstanceOf(await crashing.exception(), WorkerCrashError);
  await until(() => left(executor) === 0);
  // A child that crashes is an error for its parent, if that is elsewhere.
  const child = executor.submit(parent, notes.handle, `() => (${leave})(3)`, 1, ALL);
  assertInstanceOf(await child.exception(), WorkerCrashError);
  assertEquals(await executor.submit(() => "works"), "works");
}, { bug: (kind) => noWorkers(kind) ?? isDouble(kind) });

testEach("this.submit(): what cannot be sent fails its child alone", async (kind) => {
  await using executor = kind.create();
  const result = await executor.submit(async function (this: TaskContext) {
    const errors = await Promise.all([
      this.submit((x: unknown) => x, () => 1).exception(),
      this.submit(() => () => 1).exception(),
      this.submit((x: number) => x + 1, 1),
    ]);
    const told = errors.map((error) => error instanceof Error ? error.name : error);
    const bytes = new Uint8Array(8);
    const moved = {
      [Symbol.for("@concurrent/futures.transfer")]: { value: bytes, transfer: [bytes.buffer] },
    } as unknown as Uint8Array;
    const length = await this.submit((given: Uint8Array) => given.length, moved);
    for (const wrong of [5, "text", class {}, Math.max, function* () {}]) {
      try {
        this.submit(wrong as never);
        told.push("taken");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
    return [...told, length, bytes.length];
  });
  assertEquals(result, ["SerializationError", "SerializationError", 2, 8, 0]);
  const wide = executor.submit(async function (this: TaskContext, count: number) {
    const tasks = Array.from({ length: count }, (_, i) => new Function(`return () => ${i}`)());
    const values = await Promise.all(tasks.map((task) => this.submit(task as () => number)));
    return values.every((value, i) => value === i);
  }, 600);
  assertEquals(await wide, true);
}, { bug: isDouble });

testEach("this.submit(): not for who has ended, nor for an initializer", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  const late = await executor.submit(function (this: TaskContext) {
    return new Promise<string>((resolve) => {
      Object.assign(globalThis, { lateContext: this });
      resolve("ended");
    });
  });
  assertEquals(late, "ended");
  const error = await executor.submit(() => {
    const { lateContext } = globalThis as unknown as { lateContext: TaskContext };
    try {
      lateContext.submit(() => 1);
      return "taken";
    } catch (error) {
      return String(error);
    }
  });
  assert(error.includes("has ended"), error);
}, { bug: isDouble });

testEach("this.submit(): shutdown() waits for children; terminate() ends them", async (kind) => {
  const executor: Executor = kind.create({ maxWorkers: 1 });
  const all = executor.submit(nodes, 2, 5);
  const ended = executor.shutdown();
  assertEquals(await all, 31);
  await ended;

  const other = kind.create({ maxWorkers: 1 });
  using notes = new Notes(kind);
  const cut = other.submit(parent, notes.handle, UNTIL_ABORTED, 40, ALL);
  await until(() => notes.values.length > 0);
  await other.terminate();
  assertInstanceOf(await cut.exception(), BrokenExecutorError);

  const third = kind.create({ maxWorkers: 1 });
  using gate = new Gate(kind);
  const waits = third.submit(
    parent,
    gate.handle,
    `async function (handle, i) {
    const { process } = globalThis;
    if (typeof handle === "string") {
      const { appendFileSync, existsSync } = process.getBuiltinModule("node:fs");
      appendFileSync(handle + "/entered", ".");
      while (existsSync(handle + "/closed")) await new Promise((r) => setTimeout(r, 5));
    } else {
      const cells = new Int32Array(handle);
      Atomics.add(cells, 1, 1);
      while (Atomics.load(cells, 0) === 0) await new Promise((r) => setTimeout(r, 1));
    }
    return i;
  }`,
    40,
    ALL,
  );
  await gate.waitEntered(1);
  const down = third.shutdown({ cancelFutures: true });
  gate.open();
  assertEquals((await waits.exception() as Error).name, "CancelledError");
  await down;
}, { bug: isDouble });

testEach(
  "this.submit(): a death that breaks the executor ends parents and children",
  async (kind) => {
    await using executor = kind.create({ maxWorkers: 2, onCrash: "break" });
    using notes = new Notes(kind);
    const waits = executor.submit(parent, notes.handle, UNTIL_ABORTED, 40, ALL);
    await until(() => notes.values.length > 0);
    const dying = executor.with({ priority: 1 }).submit(
      parent,
      notes.handle,
      `() => (${leave})(3)`,
      1,
      ALL,
    );
    assert(await dying.exception() instanceof Error);
    const error = await waits.exception();
    assert(
      error instanceof BrokenExecutorError || error instanceof WorkerCrashError,
      String(error),
    );
    await until(() => left(executor) === 0);
  },
  { bug: (kind) => noWorkers(kind) ?? isDouble(kind) },
);

// Whichever executor was made last took the child from its own list: the parent hung.
test("this.submit(): cancel() of a child where several executors are on one thread", async () => {
  await using executor = new InlineExecutor();
  await using other = new InlineExecutor();
  assertEquals(await other.submit(() => 1), 1);
  const parent = executor.submit(async function (this: TaskContext) {
    const child = this.submit(() => 1);
    return [child.cancel(), await this.submit(() => 2), child.state];
  });
  assertEquals([...await parent], [true, 2, "cancelled"]); // a list of this realm, on edge runtimes
  assertEquals(left(executor), 0);
});
