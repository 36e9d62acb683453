import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { importTasks, type TaskContext } from "../../mod.ts";
import { block, Gate, hold, holdsUp, IN_PAGE, note, noted, Notes } from "./executors.ts";
import { testEach } from "./subjects.ts";

const tasks = importTasks<typeof import("../fixtures/tasks.ts")>(
  import.meta.resolve("../fixtures/tasks.ts"),
);

testEach("submit() runs a plain function", async ({ create }) => {
  await using executor = create();
  assertEquals(await executor.submit((a: number, b: string) => a + b, 1, "x"), "1x");
  assertEquals(
    await executor.submit(function named(x: number) {
      return x * 2;
    }, 4),
    8,
  );
});

testEach("submit() runs an async function and takes what it resolves with", async ({ create }) => {
  await using executor = create();
  assertEquals(await executor.submit(async (x: number) => await Promise.resolve(x + 1), 1), 2);
  assertEquals(await executor.submit((x: number) => Promise.resolve(x), 3), 3);
  const error = await executor.submit(async () => await Promise.reject(new RangeError("late")))
    .exception();
  assert(error instanceof RangeError);
});

testEach("submit() takes a thenable's first answer only", async ({ create }) => {
  await using executor = create();
  const future = executor.submit(() => ({
    then(resolve: (value: number) => void): void {
      resolve(1);
      resolve(2);
      throw new Error("too late");
    },
  }));
  assertEquals(await future as unknown, 1);
});

testEach("submit() passes arguments and results by structured clone", async ({ create }) => {
  await using executor = create();
  const value = {
    map: new Map([[1, new Set(["a"])]]),
    date: new Date(0),
    big: 2n ** 70n,
    bytes: new Uint8Array([1, 2, 3]),
    nothing: undefined,
    nil: null,
    minusZero: -0,
    nan: NaN,
    text: "é\u{1F600}",
  };
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assertEquals(await executor.submit((x: typeof value) => x, value), value);
  const back = await executor.submit((x: typeof cycle) => x, cycle);
  assertStrictEquals(back.self, back);
  assertEquals(await executor.submit((...args: unknown[]) => args.length, undefined, null, 0), 3);
});

testEach("submit() starts tasks in submit order", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  using notes = new Notes(kind);
  const length = noted(kind, 1000);
  const futures = Array.from({ length }, (_, i) => executor.submit(note, notes.handle, i));
  for (const future of futures) await future;
  assertEquals(executor.maxWorkers, 1);
  assertEquals(notes.values, futures.map((_, i) => i));
});

testEach("submit() settles 20,000 tasks, each with its own result", async ({ create }) => {
  await using executor = create();
  const futures = Array.from({ length: 20_000 }, (_, i) => executor.submit((x: number) => -x, i));
  const results = await Promise.all(futures);
  assert(results.every((result, i) => result === -i));
});

testEach("submit() from a callback works", async ({ create }) => {
  await using executor = create();
  const { promise, resolve } = Promise.withResolvers<number>();
  executor.submit(() => 1).addDoneCallback(() => {
    executor.submit(() => 2).then(resolve);
  });
  assertEquals(await promise, 2);
});

testEach("a module's task runs, sync or async, by reference", async ({ create }) => {
  await using executor = create();
  assertEquals(await executor.submit(tasks.add, 1, 2), 3);
  assertEquals(await executor.submit(tasks.addLater, 1, 2), 3);
  assertEquals(await executor.submit(tasks.isMain), false);
});

testEach("a module is loaded once for each worker", async ({ create }) => {
  await using executor = create({ maxWorkers: 1 });
  await executor.broadcast(tasks.setState, 7);
  await executor.submit(tasks.setState, 7);
  if (executor.maxWorkers === 1) assertEquals(await executor.submit(tasks.getState), 7);
  await executor.submit(tasks.setState, 0);
});

testEach("a missing module rejects that future, and the worker lives", async ({ create }) => {
  await using executor = create({ maxWorkers: 1 });
  const missing = importTasks<{ f(): void }>("file:///no/such/module.js");
  const error = await assertRejects(
    () => executor.submit(missing.f).result(),
    TypeError,
    `Cannot run task "f" of file:///no/such/module.js`,
  );
  assert(error.cause !== undefined);
  assertEquals(await executor.submit(() => "alive"), "alive");
  assertEquals(executor.stats().crashed, 0);
});

testEach(
  "a missing export, and one that is no function, reject with a clear error",
  async ({ create }) => {
    await using executor = create();
    const all = tasks as unknown as Record<string, typeof tasks.isMain>;
    await assertRejects(
      () => executor.submit(all.missing!).result(),
      TypeError,
      `has no export named "missing"`,
    );
    await assertRejects(
      () => executor.submit(all.notAFunction!).result(),
      TypeError,
      `"notAFunction" of the module is not a function but number`,
    );
    await assertRejects(
      () => executor.submit(all.constructor as unknown as typeof tasks.isMain).result(),
      TypeError,
    );
  },
);

testEach("`this` of a task has its signal, its worker's name and report()", async ({ create }) => {
  await using executor = create({ threadNamePrefix: "test" });
  const seen: unknown[] = [];
  const future = executor.with({ onProgress: (value, of) => seen.push(value, of === future) })
    .submit(async function (this: TaskContext) {
      this.report({ step: 1 });
      await Promise.resolve();
      this.report("two");
      return [this.workerName, this.signal.aborted] as const;
    });
  const [name, aborted] = await future;
  assertMatch(name, /^.+_\d+$/);
  assertEquals(aborted, false);
  assertEquals(seen, [{ step: 1 }, true, "two", true]);
});

testEach("currentTask() gives arrow functions their context", async ({ create }) => {
  await using executor = create();
  const name = await executor.submit(tasks.whoAmI);
  assertMatch(name, /_\d+$/);
  assertMatch((await executor.submit(tasks.arrowName))!, /_\d+$/);
});

testEach("currentTask() is known after an await", async ({ create }) => {
  await using executor = create();
  const names = await Promise.all(
    Array.from({ length: 8 }, () => executor.submit(tasks.nameAfterAwait)),
  );
  for (const each of names) assertMatch(each!, /_\d+$/);
}, {
  bug: ({ perWorker, inline }) =>
    IN_PAGE && (perWorker > 1 || inline) ? "browsers have no AsyncLocalStorage" : undefined,
});

testEach("tasks run beside each other on two workers", async (kind) => {
  await using executor = kind.create();
  using gate = new Gate(kind);
  const both = [1, 2].map((x) => executor.submit(block, gate.handle, x));
  await gate.waitEntered(2);
  assertEquals(gate.left, 0);
  gate.open();
  assertEquals(await Promise.all(both), [1, 2]);
}, { parallel: true, bug: holdsUp });

testEach(
  "n submits start n workers at the most, and idle ones are used first",
  async ({ create, several }) => {
    await using executor = create({ maxWorkers: several + 1 });
    await executor.submit(() => 1);
    assertEquals(executor.stats().workers, 1);
    for (let i = 0; i < 5; i++) await executor.submit(() => 1);
    assertEquals(executor.stats().workers, 1);
    await Promise.all(Array.from({ length: several }, () => executor.submit(() => 1)));
    assertEquals(executor.stats().workers, several);
  },
  { options: true, serial: true },
);

testEach("tasksPerWorker lets a worker wait for several tasks at once", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1, tasksPerWorker: 3 });
  using gate = new Gate(kind);
  const all = [1, 2, 3].map((x) => executor.submit(hold, gate.handle, x));
  await gate.waitEntered(3);
  gate.open();
  assertEquals(await Promise.all(all), [1, 2, 3]);
}, { options: true });
