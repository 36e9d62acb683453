import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import process from "node:process";
import {
  CancelledError,
  createExecutor,
  type Future,
  InlineExecutor,
  ProcessPoolExecutor,
  QueueFullError,
  type TaskContext,
  ThreadPoolExecutor,
  TimeoutError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import {
  ALL_EXECUTORS,
  block,
  Gate,
  type Handle,
  hold,
  holdsUp,
  NO_PROCESSES,
  noted,
  Notes,
  noThreads,
  noWorkers,
  occupy,
  settle,
  until,
} from "./executors.ts";

function nameOf(this: TaskContext): string {
  return this.workerName;
}

/** A task that takes some turns, and notes that it has begun. */
async function begin(handle: Handle, value: number): Promise<number> {
  if (typeof handle === "string") {
    process.getBuiltinModule("node:fs").appendFileSync(`${handle}/notes`, `${value}\n`);
  } else {
    const cells = new Int32Array(handle);
    cells[1 + Atomics.add(cells, 0, 1)] = value;
  }
  await Promise.resolve();
  return value;
}

/** A task that never ends by itself, but when it is asked to; tells that it began. */
async function obey(this: TaskContext, handle: Handle): Promise<string> {
  const add = (name: "entered" | "left", cell: number): void => {
    if (typeof handle === "string") {
      process.getBuiltinModule("node:fs").appendFileSync(`${handle}/${name}`, ".");
    } else Atomics.add(new Int32Array(handle), cell, 1);
  };
  add("entered", 1);
  await new Promise((resolve) => {
    if (this.signal.aborted) resolve(undefined);
    else this.signal.addEventListener("abort", resolve, { once: true });
  });
  add("left", 2);
  return "obeyed";
}

for (const Class of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const skip = Class === ProcessPoolExecutor && NO_PROCESSES;

  test(`${Class.name} takes a number of workers`, async () => {
    await using two = new Class(2);
    await using same = new Class({ maxWorkers: 2 });
    await using standard = new Class();
    assertEquals([two.maxWorkers, same.maxWorkers], [2, 2]);
    assert(standard.maxWorkers >= 1);
  }, { skip });

  test(`${Class.name} refuses options of a wrong kind`, () => {
    const make = (options: unknown) => new Class(options as never);
    for (const name of ["maxWorkers", "tasksPerWorker", "maxTasksPerChild", "maxPending"]) {
      for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
        assertThrows(() => make({ [name]: value }), RangeError, name);
      }
      for (const value of ["1", null, true, {}, 1n]) {
        assertThrows(() => make({ [name]: value }), TypeError, name);
      }
    }
    for (const name of ["idleTimeout", "grace"]) {
      for (const value of [NaN, "1", null, true]) {
        assertThrows(() => make({ [name]: value }), TypeError, name);
      }
    }
    for (const value of [0, -1, 1.5, NaN]) {
      assertThrows(() => make(value), RangeError, "maxWorkers");
    }
    for (const value of ["4", true, null]) assertThrows(() => make(value), TypeError);
    assertThrows(() => make({ threadNamePrefix: 1 }), TypeError, "threadNamePrefix");
    assertThrows(() => make({ initializer: 1 }), TypeError);
    assertThrows(() => make({ initargs: 1 }), TypeError, "initargs");
    assertThrows(() => make({ onCrash: "ignore" }), TypeError, "onCrash");
    assertThrows(() => make({ worker: 1 }), TypeError, "worker");
    assertThrows(() => make({ env: 1 }), TypeError, "env");
    assertThrows(() => make({ permissions: 1 }), TypeError, "permissions");
    assertThrows(() => make({ runtime: 1 }), TypeError, "runtime");
    assertThrows(() => make({ runtime: {} }), TypeError, "runtime");
    assertThrows(() => make({ env: { A: 1 } }), TypeError, "expected A to be a string");
    assertThrows(() => make({ maxWorkers: 1e9 }), RangeError, "at most 65536");
    for (const value of [1, null, []]) {
      assertThrows(() => make({ initializer: value }), TypeError);
    }
    make({ maxWorkers: 65_536, tasksPerWorker: 1e9, maxPending: 2 ** 53 - 1 });
  }, { skip });

  test(`${Class.name} numbers its default threadNamePrefix`, async () => {
    await using first = new Class(1);
    await using second = new Class(1);
    const names = [await first.submit(nameOf), await second.submit(nameOf)];
    const numbers = names.map((name) => {
      const [, executorName, number] = /^(.*)-(\d+)_0$/.exec(name)!;
      assertEquals(executorName, Class.name);
      return Number(number);
    });
    assertEquals(numbers[1], numbers[0]! + 1);
  }, { skip });
}

test("ProcessPoolExecutor refuses a cwd and a command of a wrong kind", () => {
  const make = (options: unknown) => new ProcessPoolExecutor(options as never);
  for (const value of [1, null, {}]) assertThrows(() => make({ cwd: value }), TypeError, "cwd");
  for (const value of [1, null, "python", {}, { path: 1 }]) {
    assertThrows(() => make({ command: value }), TypeError, "command");
  }
}, { skip: NO_PROCESSES });

test("InlineExecutor runs 32 tasks at once by default", async () => {
  await using executor = new InlineExecutor();
  assertEquals(executor.maxWorkers, 32);
  assertEquals(executor.capabilities.parallel, false);
});

test("InlineExecutor clones by default, as a worker would", async () => {
  await using cloning = new InlineExecutor();
  await using sharing = new InlineExecutor({ clone: false });
  const value = { a: 1 };
  const same = (other: unknown) => other;
  assertNotEquals(await cloning.submit((other: unknown) => other === value, value), true);
  assertEquals(await cloning.submit(same, value), value);
  assertStrictEquals(await sharing.submit(same, value), value);
});

test("createExecutor() makes threads where the runtime has them", async () => {
  await using executor = createExecutor({ maxWorkers: 2 });
  assertInstanceOf(executor, ThreadPoolExecutor);
  assertEquals(executor.maxWorkers, 2);
});

test("InlineExecutor and createExecutor() refuse options of a wrong kind", () => {
  for (const value of [0, -1, 1.5, NaN]) {
    assertThrows(() => new InlineExecutor({ maxWorkers: value }), RangeError, "maxWorkers");
    assertThrows(() => createExecutor({ maxWorkers: value }), RangeError, "maxWorkers");
  }
  assertThrows(() => new InlineExecutor({ clone: 1 as never }), TypeError, "clone");
});

for (const kind of ALL_EXECUTORS) {
  const on = `[${kind.name}]`;
  const workers = { skip: noWorkers(kind) };

  test(`threadNamePrefix and an index make the workerName ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: kind.several, threadNamePrefix: "crew" });
    await executor.warmUp();
    const names = Array.from({ length: kind.several }, (_, i) => `crew_${i}`);
    assertEquals((await executor.broadcast(nameOf)).sort(), names);
  }, workers);

  test(`A task has its context as this ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const context = await executor.submit(function (this: TaskContext) {
      return [typeof this.workerName, this.signal.aborted, typeof this.report];
    });
    assertEquals(context, ["string", false, "function"]);
  });

  // --- initializer ---

  test(`initializer runs once per worker, with initargs, before the first task ${on}`, async () => {
    using gate = new Gate(kind);
    await using executor = kind.create({
      maxWorkers: 2,
      initializer: (handle: Handle, greeting: string) => {
        if (typeof handle === "string") {
          process.getBuiltinModule("node:fs").appendFileSync(`${handle}/entered`, ".");
        } else Atomics.add(new Int32Array(handle), 1, 1);
        (globalThis as { greeting?: string }).greeting = greeting;
      },
      initargs: [gate.handle, "hello"],
    });
    const greet = () => (globalThis as { greeting?: string }).greeting;
    assertEquals(await executor.submit(greet), "hello");
    await executor.warmUp();
    const results = await Promise.all(Array.from({ length: 20 }, () => executor.submit(greet)));
    assertEquals(new Set(results), new Set(["hello"]));
    assertEquals(await executor.broadcast(greet), ["hello", "hello"]);
    assertEquals(gate.entered, 2);
  }, workers);

  test(`initializer may be async: tasks wait for it ${on}`, async () => {
    await using executor = kind.create({
      maxWorkers: 1,
      initializer: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        (globalThis as { ready?: boolean }).ready = true;
      },
    });
    assertEquals(await executor.submit(() => (globalThis as { ready?: boolean }).ready), true);
  }, workers);

  for (const asynchronous of [false, true]) {
    const how = asynchronous ? "rejects" : "throws";
    test(`initializer that ${how} breaks the executor ${on}`, async () => {
      await using executor = kind.create({
        maxWorkers: 2,
        initializer: asynchronous ? () => Promise.reject(new RangeError("not today")) : () => {
          throw new RangeError("not today");
        },
      });
      const pending = [1, 2, 3, 4, 5].map((x) => executor.submit((x: number) => x, x));
      for (const future of pending) {
        const error = await future.exception();
        assertInstanceOf(error, kind.brokenError);
        assertInstanceOf(error.cause, RangeError);
        assertEquals(error.cause.message, "not today");
      }
      const error = assertThrows(() => executor.submit(() => 1), kind.brokenError);
      assertInstanceOf(error.cause, RangeError);
      assertThrows(() => executor.map((x: number) => x, [1]), kind.brokenError);
      await assertRejects(async () => await executor.warmUp(), kind.brokenError);
      await until(() => executor.stats().workers === 0);
    }, workers);
  }

  test(`initializer that fails rejects warmUp() and a map ${on}`, async () => {
    await using executor = kind.create({
      maxWorkers: 2,
      initializer: () => {
        throw new RangeError("not today");
      },
    });
    const results = executor.map((x: number) => x, [1, 2, 3]);
    await assertRejects(() => executor.warmUp(), kind.brokenError);
    await assertRejects(() => results.next(), kind.brokenError);
    assertEquals(await results.next(), { done: true, value: undefined });
  }, workers);

  test(`initargs that cannot be cloned break the executor ${on}`, async () => {
    await using executor = kind.create({
      maxWorkers: 1,
      initializer: (_: unknown) => {},
      initargs: [() => {}],
    });
    const error = await executor.submit(() => 1).exception();
    assertInstanceOf(error, kind.brokenError);
    assert(error.cause !== undefined);
  }, workers);

  // --- lives of workers ---

  test(`maxTasksPerChild replaces the worker ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, maxTasksPerChild: 2 });
    const names: string[] = [];
    for (let i = 0; i < 6; i++) names.push(await executor.submit(nameOf));
    assertEquals(new Set(names).size, 3);
    assertEquals([names[0], names[2], names[4]], [names[1], names[3], names[5]]);
  }, workers);

  test(`maxTasksPerChild loses none of many tasks ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2, maxTasksPerChild: 3 });
    const task = (x: number) => [x, (globalThis as { ran?: number }).ran ?? 0];
    const counting = function (this: TaskContext, x: number) {
      const global = globalThis as { ran?: number };
      global.ran = (global.ran ?? 0) + 1;
      return [x, global.ran];
    };
    assertEquals(await executor.submit(task, 0), [0, 0]);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => executor.submit(counting, i)),
    );
    assertEquals(results.map(([x]) => x), Array.from({ length: 20 }, (_, i) => i));
    assert(results.every(([_, ran]) => ran! <= 3));
    assertEquals(executor.stats().crashed, 0);
  }, workers);

  test(`idleTimeout lets an idle worker go, and a new task starts another ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2, idleTimeout: 20 });
    assertEquals(await executor.submit((x: number) => x, 1), 1);
    await until(() => executor.stats().workers === 0);
    assertEquals(await executor.submit((x: number) => x, 2), 2);
    assertEquals(executor.stats().crashed, 0);
  }, workers);

  test(`idleTimeout lets no busy worker go ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, idleTimeout: 10 });
    using gate = new Gate(kind);
    const future = executor.submit(hold, gate.handle, 5);
    await gate.waitEntered(1);
    await settle(40);
    gate.open();
    assertEquals(await future, 5);
  }, workers);

  test(`Workers start lazily: n submits start min(n, maxWorkers) ${on}`, async () => {
    const { several } = kind;
    await using executor = kind.create({ maxWorkers: several, tasksPerWorker: 1 });
    using gate = new Gate(kind);
    assertEquals(executor.stats().workers, 0);
    for (let i = 1; i < several; i++) {
      executor.submit(hold, gate.handle);
      await gate.waitEntered(i);
      assertEquals(executor.stats().workers, i);
    }
    for (let i = 0; i < 5; i++) executor.submit(hold, gate.handle);
    await gate.waitEntered(several);
    await settle();
    assertEquals([executor.stats().workers, gate.entered], [several, several]);
  }, workers);

  test(`Idle workers are reused first ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 4 });
    const names = new Set<string>();
    for (let i = 0; i < 8; i++) names.add(await executor.submit(nameOf));
    assertEquals(names.size, 1);
    assertEquals(executor.stats().workers, 1);
  });

  test(`No more tasks run at once than workers can have ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    using gate = new Gate(kind);
    const width = 2 * kind.perWorker;
    for (let i = 0; i < width + 6; i++) executor.submit(hold, gate.handle);
    await gate.waitEntered(width);
    await settle();
    assertEquals(gate.entered, width);
    assertEquals(executor.stats().running, width);
    assertEquals(executor.stats().pending, 6);
  });

  test(`A task behind a blocked worker is pending, and can be cancelled ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using ran = new Gate(kind);
    const blocked = executor.submit(block, gate.handle, 1);
    await gate.waitEntered(1);
    const behind = [1, 2, 3].map(() => executor.submit(hold, ran.handle));
    await settle();
    assertEquals(behind.map((future) => future.running()), [false, false, false]);
    assertEquals(behind.map((future) => future.cancel()), [true, true, true]);
    gate.open();
    assertEquals(await blocked, 1);
    await executor.shutdown();
    assertEquals(ran.entered, 0);
  }, { skip: noThreads(kind) ?? holdsUp(kind) });

  test(`warmUp() starts all workers ${on}`, async () => {
    const { several } = kind;
    await using executor = kind.create({ maxWorkers: several });
    await executor.warmUp();
    const { workers, idle, running } = executor.stats();
    assertEquals([workers, idle, running], [several, several, 0]);
    await executor.warmUp();
    assertEquals(executor.stats().workers, several);
  }, workers);

  test(`warmUp() resolves ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    await executor.warmUp();
    assertEquals(await executor.submit(() => 1), 1);
  });

  test(`broadcast() runs once on every live worker ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: kind.several });
    await executor.warmUp();
    const names = await executor.broadcast(nameOf);
    assertEquals(new Set(names).size, executor.stats().workers);
    assertEquals(names.length, executor.stats().workers);
    assertEquals(
      new Set(await executor.broadcast((a: number, b: number) => a + b, 1, 2)),
      new Set([3]),
    );
  });

  test(`broadcast() reaches a worker that is busy ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    await executor.warmUp();
    using gate = new Gate(kind);
    executor.submit(hold, gate.handle);
    await gate.waitEntered(1);
    const names = executor.broadcast(nameOf);
    await settle();
    gate.open();
    assertEquals((await names).length, executor.stats().workers);
  });

  test(`broadcast() rejects with a worker's error ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    await executor.warmUp();
    await assertRejects(
      () =>
        executor.broadcast(() => {
          throw new RangeError("everywhere");
        }),
      RangeError,
      "everywhere",
    );
    assertThrows(() => void executor.broadcast("x" as never), TypeError);
  });

  // --- maxPending ---

  test(`maxPending bounds what is pending; ready() waits for room ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, maxPending: 2 });
    using gate = new Gate(kind);
    for (let i = 0; i < kind.perWorker; i++) {
      await executor.ready();
      executor.submit(hold, gate.handle);
      await gate.waitEntered(i + 1);
      await until(() => executor.stats().pending === 0);
    }
    await executor.ready();
    const first = executor.submit((x: number) => x, 1);
    await executor.ready();
    const second = executor.submit((x: number) => x, 2);
    assertThrows(() => executor.submit(() => 3), QueueFullError);
    let room = false;
    const ready = executor.ready().then(() => room = true);
    await settle();
    assertEquals(room, false);
    gate.open();
    await ready;
    const third = executor.submit((x: number) => x, 3);
    assertEquals(await Promise.all([first, second, third]), [1, 2, 3]);
  }, workers);

  test(`A cancelled task makes room under maxPending ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, maxPending: 1 });
    using gate = new Gate(kind);
    for (let i = 0; i < kind.perWorker; i++) {
      await executor.ready();
      executor.submit(hold, gate.handle);
      await gate.waitEntered(i + 1);
    }
    await executor.ready();
    const pending = executor.submit((x: number) => x, 1);
    const ready = executor.ready();
    assertThrows(() => executor.submit(() => 2), QueueFullError);
    assertEquals(pending.cancel(), true);
    await ready;
    const next = executor.submit((x: number) => x, 3);
    gate.open();
    assertEquals(await next, 3);
  }, workers);

  test(`ready() is fair: each waiter finds room ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2, maxPending: 2 });
    const results = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      for (;;) {
        await executor.ready();
        try {
          return await executor.submit((x: number) => x, i);
        } catch (error) {
          if (!(error instanceof QueueFullError)) throw error;
        }
      }
    }));
    assertEquals(results, Array.from({ length: 20 }, (_, i) => i));
  }, workers);

  test(`ready() resolves at once without a limit ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    for (let i = 0; i < noted(kind, 100); i++) executor.submit(hold, gate.handle);
    await executor.ready();
  });

  // --- stats ---

  test(`stats() counts ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    assertEquals(executor.stats(), {
      workers: 0,
      idle: 0,
      pending: 0,
      running: 0,
      waiting: 0,
      completed: 0,
      failed: 0,
      cancelled: 0,
      crashed: 0,
    });
    const held = Array.from({ length: kind.perWorker }, () => executor.submit(hold, gate.handle));
    await gate.waitEntered(kind.perWorker);
    const completes = executor.submit((x: number) => x, 1);
    const fails = executor.submit(() => {
      throw new Error("counted");
    });
    const cancelled = executor.submit((x: number) => x, 2);
    cancelled.cancel();
    const busy = executor.stats();
    assertEquals([busy.running, busy.pending, busy.idle], [kind.perWorker, 2, 0]);
    assertEquals(busy.cancelled, 1);
    gate.open();
    await Promise.all(held);
    await completes;
    await fails.exception();
    await until(() => executor.stats().idle === 1);
    assertEquals(executor.stats(), {
      workers: 1,
      idle: 1,
      pending: 0,
      running: 0,
      waiting: 0,
      completed: kind.perWorker + 1,
      failed: 1,
      cancelled: 1,
      crashed: 0,
    });
  });

  // --- order ---

  test(`Tasks start in submit order ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using notes = new Notes(kind);
    await occupy(kind, executor, gate);
    const futures = Array.from({ length: 30 }, (_, i) => executor.submit(begin, notes.handle, i));
    gate.open();
    assertEquals(await Promise.all(futures), futures.map((_, i) => i));
    assertEquals(notes.values, futures.map((_, i) => i));
  });

  test(`priority: higher ones start first, equal ones in submit order ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using notes = new Notes(kind);
    await occupy(kind, executor, gate);
    const low = executor.with({ priority: -1 });
    const high = executor.with({ priority: 10 });
    const higher = executor.with({ priority: 10.5 });
    const futures = [low, executor, high, executor, low, higher, high].map((through, i) =>
      through.submit(begin, notes.handle, i)
    );
    gate.open();
    await Promise.all(futures);
    assertEquals(notes.values, [5, 2, 6, 1, 3, 0, 4]);
  });

  test(`priority overtakes what was sent ahead ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using notes = new Notes(kind);
    await occupy(kind, executor, gate);
    const first = [1, 2, 3].map((x) => executor.submit(begin, notes.handle, x));
    await settle();
    const urgent = executor.with({ priority: 1 }).submit(begin, notes.handle, 0);
    await settle();
    gate.open();
    await Promise.all([urgent, ...first]);
    assertEquals(notes.values, [0, 1, 2, 3]);
  });

  test(`priority holds for map() too ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using notes = new Notes(kind);
    await occupy(kind, executor, gate);
    const later = executor.submit(begin, notes.handle, 2);
    const handles = [notes.handle, notes.handle];
    const results = executor.with({ priority: 1 }).map(begin, handles, [0, 1], { chunkSize: 1 });
    gate.open();
    assertEquals(await results.toArray(), [0, 1]);
    await later;
    assertEquals(notes.values, [0, 1, 2]);
  });

  // --- with() ---

  test(`with() refuses options of a wrong kind ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const make = (options: unknown) => executor.with(options as never);
    for (const value of [NaN, "1", null, {}]) {
      assertThrows(() => make({ timeout: value }), TypeError, "timeout");
      assertThrows(() => make({ priority: value }), TypeError, "priority");
    }
    assertThrows(() => make({ signal: {} }), TypeError, "signal");
    assertThrows(() => make({ onProgress: 1 }), TypeError, "onProgress");
    assertThrows(() => make(null), TypeError);
    assertThrows(() => make(1), TypeError);
  });

  test(`with() shares the workers, its options add up ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const values: unknown[] = [];
    const view = executor.with({ onProgress: (value) => values.push(value) }).with({ priority: 1 });
    assertEquals(view.maxWorkers, executor.maxWorkers);
    const future = view.submit(function (this: TaskContext) {
      this.report("seen");
      return this.workerName;
    });
    assertEquals(await future, await executor.submit(nameOf));
    assertEquals(values, ["seen"]);
    assertEquals(executor.stats().completed, 2);
    assertEquals(view.stats(), executor.stats());
  });

  test(`onProgress gets each report in order, before the result ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const values: unknown[] = [];
    const futures = new Set<unknown>();
    let doneBefore = false;
    const future: Future<string> = executor.with({
      onProgress: (value, of) => {
        values.push(value);
        futures.add(of);
        doneBefore ||= of.done();
      },
    }).submit(async function (this: TaskContext, n: number) {
      for (let i = 0; i < n; i++) {
        this.report({ i });
        if (i % 3 === 0) await Promise.resolve();
      }
      return "end";
    }, 10);
    future.addDoneCallback(() => values.push("done"));
    assertEquals(await future, "end");
    await settle();
    assertEquals(values, [...Array.from({ length: 10 }, (_, i) => ({ i })), "done"]);
    assertEquals([...futures], [future]);
    assertEquals(doneBefore, false);
  });

  test(`onProgress that throws changes nothing ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const { error } = console;
    const reported: unknown[][] = [];
    console.error = (...args: unknown[]) => void reported.push(args);
    try {
      const view = executor.with({
        onProgress: () => {
          throw new Error("of the listener");
        },
      });
      const future = view.submit(function (this: TaskContext) {
        this.report(1);
        this.report(2);
        return 3;
      });
      assertEquals(await future, 3);
      await settle();
    } finally {
      console.error = error;
    }
    assertEquals(reported.length, 2);
  });

  test(`report() without a listener is nothing ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const future = executor.submit(function (this: TaskContext) {
      this.report(1);
      return 2;
    });
    assertEquals(await future, 2);
  });

  test(`report() of what cannot be cloned does not break the transport ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const values: unknown[] = [];
    const future = executor.with({ onProgress: (value) => values.push(value) }).submit(
      function (this: TaskContext) {
        try {
          this.report(() => {});
        } catch { /* told at the call: fine */ }
        this.report("after");
        return 1;
      },
    );
    assertEquals(await future, 1);
    assertEquals(values.at(-1), "after");
    assertEquals(await executor.submit(() => 2), 2);
  });

  test(`signal that is aborted already cancels with its reason ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const reason = new RangeError("too late");
    const future = executor.with({ signal: AbortSignal.abort(reason) }).submit(hold, gate.handle);
    assertStrictEquals(await future.then(() => "ran", (error) => error), reason);
    assertEquals(future.done(), true);
    await executor.submit(() => 1);
    assertEquals(gate.entered, 0);
  });

  test(`signal before dispatch cancels with its reason, at once ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using ran = new Gate(kind);
    await occupy(kind, executor, gate);
    const controller = new AbortController();
    const future = executor.with({ signal: controller.signal }).submit(hold, ran.handle);
    const other = executor.submit((x: number) => x, 1);
    const reason = { why: "no need" };
    controller.abort(reason);
    assertEquals(future.done(), true);
    assertEquals(future.cancelled(), true);
    assertStrictEquals(await future.then(() => "ran", (error) => error), reason);
    gate.open();
    assertEquals(await other, 1);
    assertEquals(ran.entered, 0);
  });

  test(`signal that is aborted with null cancels with null ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const controller = new AbortController();
    const future = executor.with({ signal: controller.signal }).submit(hold, gate.handle);
    controller.abort(null);
    assertEquals(await future.then(() => "ran", (error) => error), null);
  });

  test(`signal while running aborts this.signal with its reason ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, grace: 60_000 });
    using gate = new Gate(kind);
    const controller = new AbortController();
    const future = executor.with({ signal: controller.signal }).submit(obey, gate.handle);
    await gate.waitEntered(1);
    await until(() => future.running());
    assertEquals(future.cancel(), false);
    const reason = new RangeError("enough");
    controller.abort(reason);
    assertStrictEquals(await future.then(() => "ran", (error) => error), reason);
    await until(() => gate.left === 1);
    assertEquals(await executor.submit((x: number) => x, 1), 1);
    assertEquals(executor.stats().crashed, 0);
  });

  test(`signal replaces a worker whose task does not obey ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, grace: 20, tasksPerWorker: 1 });
    using gate = new Gate(kind);
    const controller = new AbortController();
    const before = await executor.submit(nameOf);
    const future = executor.with({ signal: controller.signal }).submit(block, gate.handle);
    const behind = [1, 2].map((x) => executor.submit((x: number) => x, x));
    await gate.waitEntered(1);
    controller.abort(new RangeError("enough"));
    await assertRejects(() => future.result(), RangeError, "enough");
    assertEquals(await Promise.all(behind), [1, 2]);
    assertNotEquals(await executor.submit(nameOf), before);
    assertEquals(gate.left, 0);
  }, { skip: noThreads(kind) });

  test(`signal leaves no listener behind ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    }) as typeof signal.addEventListener;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    }) as typeof signal.removeEventListener;
    const view = executor.with({ signal });
    await Promise.all([1, 2, 3].map((x) => view.submit((x: number) => x, x)));
    await view.submit(() => {
      throw new Error("failed");
    }).exception();
    assertEquals(listeners, 0);
  });

  test(`timeout ends a task that obeys, from its start ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, grace: 60_000 });
    using gate = new Gate(kind);
    using held = new Gate(kind);
    await occupy(kind, executor, held);
    const future = executor.with({ timeout: 30 }).submit(obey, gate.handle);
    // What waits does not run: its time has not begun.
    const started = performance.now();
    await until(() => performance.now() - started > 60);
    assertEquals(future.state, "pending");
    held.open();
    await assertRejects(() => future.result(), TimeoutError);
    await until(() => gate.left === 1);
    assertEquals(future.cancelled(), false);
    assertEquals(await executor.submit((x: number) => x, 1), 1);
  });

  test(`timeout ends a task that blocks, and replaces its worker ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1, grace: 10, tasksPerWorker: 1 });
    using gate = new Gate(kind);
    const before = await executor.submit(nameOf);
    const future = executor.with({ timeout: 30 }).submit(block, gate.handle);
    const behind = executor.submit((x: number) => x, 1);
    await assertRejects(() => future.result(), TimeoutError);
    assertEquals(await behind, 1);
    assertNotEquals(await executor.submit(nameOf), before);
  }, { skip: noThreads(kind) });

  test(`timeout does not touch a task that is in time ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const view = executor.with({ timeout: 60_000 });
    assertEquals(await view.submit((x: number) => x, 1), 1);
    const forever = executor.with({ timeout: Infinity });
    assertEquals(await forever.submit((x: number) => x, 2), 2);
  });

  test(`with() holds for each item of map() ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2, grace: 60_000 });
    const task = async function (this: TaskContext, x: number) {
      if (x === 1) {
        await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
      }
      return x;
    };
    await executor.warmUp();
    const outcomes = await executor.with({ timeout: 100 }).map(task, [0, 1, 2], { settled: true })
      .toArray();
    assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
    assert(outcomes[1]?.status === "rejected");
    assertInstanceOf(outcomes[1].reason, TimeoutError);
  });

  test(`with({ signal }) ends a map() ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const controller = new AbortController();
    const results = executor.with({ signal: controller.signal }).map((x: number) => x, [1, 2, 3]);
    const next = assertRejects(() => results.next(), RangeError, "enough");
    controller.abort(new RangeError("enough"));
    await next;
    assertEquals(await results.next(), { done: true, value: undefined });
  });

  test(`shutdown({ cancelFutures: true }) cancels without a reason of a signal ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const { signal } = new AbortController();
    const future = executor.with({ signal }).submit(hold, gate.handle);
    const ended = executor.shutdown({ cancelFutures: true });
    await assertRejects(() => future.result(), CancelledError);
    gate.open();
    await ended;
  });
}
