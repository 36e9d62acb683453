/**
 * Futures as arguments: a task waits for them, and gets what they give.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { delay } from "@std/async";
import {
  asCompleted,
  BrokenExecutorError,
  CancelledError,
  type Future,
  FutureSource,
  InlineExecutor,
  QueueFullError,
  type TaskContext,
  TaskGroup,
  ThreadPool,
  TimeoutError,
  wait,
  WorkerCrashError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { Gate, leave, note, Notes, occupy, settle } from "./executors.ts";
import { testEach } from "./subjects.ts";

const add = (a: number, b: number): number => a + b;
const double = (x: number): number => 2 * x;

function fail(message: string): number {
  throw new RangeError(message);
}

testEach("futures as arguments: the task gets their results", async ({ create }) => {
  await using executor = create();
  const a = executor.submit(double, 1);
  const b = executor.submit(double, a);
  const sum = executor.submit(add, a, b);
  const all = executor.submit((...xs: number[]) => xs.join(), a, 3, b, sum, a);
  const order: unknown[] = [];
  for await (const future of asCompleted([all, sum, b, a])) order.push(future);
  assert([a, b, sum, all].every((future, i) => order[i] === future));
  assertEquals((await wait([a, all])).done.size, 2);
  assertEquals(await all, "2,3,4,6,2");
  assertEquals(await executor.submit(add, sum, sum), 12); // all are done
  const nothing = executor.submit((x: undefined) => typeof x, executor.submit(() => undefined));
  assertEquals(await nothing, "undefined");
  const object = executor.submit(() => ({ list: [1, 2] }));
  assertEquals(await executor.submit((x: { list: number[] }) => x.list.length, object), 2);
});

testEach(
  "futures as arguments: of any executor or none, they take no place",
  async ({ create }) => {
    await using executor = create({ maxWorkers: 1 });
    await using other = new InlineExecutor();
    const source = new FutureSource<number>();
    const four = other.submit(double, 2);
    const waiting = Array.from({ length: 20 }, () => executor.submit(add, source.future, four));
    assertEquals(await executor.submit(() => "goes on"), "goes on");
    const { pending, running } = executor.stats();
    assertEquals([pending, running], [20, 0]);
    source.setResult(1);
    assertEquals(await Promise.all(waiting), Array(20).fill(5));
    assertEquals(executor.stats().pending, 0);
  },
);

testEach("futures as arguments: the first failure is the task's, at once", async ({ create }) => {
  await using executor = create();
  const failing = executor.submit(fail, "first");
  const { future: never } = new FutureSource<number>();
  const future = executor.submit(add, never, failing);
  const next = executor.submit(double, future);
  const error = await assertRejects(() => next.result(), RangeError, "first");
  assertStrictEquals(await failing.exception(), error);
  assertStrictEquals(await future.exception(), error);
  assertEquals([future.cancelled(), never.done()], [false, false]);
  assertStrictEquals(await executor.submit(add, failing, 1).exception(), error);
  assertEquals(executor.stats().failed, 4);
});

testEach("futures as arguments: a cancelled one cancels the task, and not the reverse", async ({
  create,
}) => {
  await using executor = create();
  const source = new FutureSource<number>();
  const future = executor.submit(double, source.future);
  const next = executor.submit(double, future);
  assertEquals(next.cancel(), true);
  assertEquals([future.done(), source.future.done()], [false, false]);
  const others = [executor.submit(double, future), executor.submit(add, 1, future)];
  assertEquals(source.future.cancel(), true);
  for (const each of [future, ...others]) {
    assertEquals(each.cancelled(), true); // already
    await assertRejects(() => each.result(), CancelledError);
  }
  assertEquals(executor.submit(double, future).cancelled(), true);
  assertEquals([executor.stats().pending, executor.stats().cancelled], [0, 5]);
  assertEquals(await executor.submit(double, 4), 8);
});

testEach("futures as arguments: a diamond of 10,000 tasks, in order of dependency", async ({
  create,
}) => {
  await using executor = create();
  const order: number[] = [];
  const tasks: Future<number>[] = [];
  const submit = (future: Future<number>): void => {
    const index = tasks.push(future) - 1;
    future.addDoneCallback(() => order.push(index));
  };
  submit(executor.submit(() => 1));
  for (let i = 1; i < 5_000; i++) submit(executor.submit(double, tasks[0]!));
  for (let i = 0; i < 4_999; i++) submit(executor.submit(add, tasks[i]!, tasks[i + 1]!));
  submit(executor.submit((...all: number[]) => all.length, ...tasks.slice(1)));
  assertEquals(await tasks.at(-1), 9_998);
  const place = new Array<number>(tasks.length);
  order.forEach((index, at) => place[index] = at);
  assertEquals([order[0], order.at(-1), order.length], [0, 9_999, 10_000]);
  for (let i = 0; i < 4_999; i++) {
    assert(place[5_000 + i]! > Math.max(place[i]!, place[i + 1]!), `task ${i}`);
  }
}, { deadline: 30_000 });

testEach(
  "futures as arguments: a failure runs down a chain of 10,000 tasks",
  async ({ create }) => {
    await using executor = create();
    const source = new FutureSource<number>();
    let last = executor.submit(double, source.future);
    for (let i = 0; i < 10_000; i++) last = executor.submit(double, last);
    source.setException(new RangeError("at its head"));
    assertEquals(last.done(), true);
    await assertRejects(() => last.result(), RangeError, "at its head");
    assertEquals(executor.stats().pending, 0);
  },
);

testEach("futures as arguments: a signal ends the wait", async ({ create }) => {
  await using executor = create();
  const { future: never } = new FutureSource<number>();
  const controller = new AbortController();
  const limited = executor.with({ signal: controller.signal });
  const future = limited.submit(double, never);
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals([future.cancelled(), never.done()], [true, false]);
  assertStrictEquals(await future.then(() => undefined, (error) => error), reason);
  assertEquals(limited.submit(double, never).cancelled(), true);
});

testEach("futures as arguments: a timeout counts from when all are there", async ({ create }) => {
  await using executor = create({ grace: 10 });
  const source = new FutureSource<number>();
  const limited = executor.with({ timeout: 30 });
  const endless = limited.submit(function (this: TaskContext, _: number): Promise<number> {
    return new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  }, source.future);
  await delay(150);
  assertEquals(endless.state, "pending");
  source.setResult(1);
  await assertRejects(() => endless.result(), TimeoutError);
});

testEach("futures as arguments: ready tasks go by priority", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  using gate = new Gate(kind);
  using ran = new Notes(kind);
  await occupy(kind, executor, gate);
  const source = new FutureSource<typeof ran.handle>();
  const futures = [1, 3, 2].map((priority) =>
    executor.with({ priority }).submit(note, source.future, priority)
  );
  source.setResult(ran.handle);
  gate.open();
  await Promise.all(futures);
  assertEquals(ran.values, [3, 2, 1]);
}, { serial: true });

testEach("futures as arguments: they count for maxPending", async ({ create }) => {
  await using executor = create({ maxPending: 2 });
  const source = new FutureSource<number>();
  const futures = [executor.submit(double, source.future), executor.submit(double, source.future)];
  let ready = false;
  const room = executor.ready().then(() => ready = true);
  await settle(2);
  assertEquals(ready, false);
  await assertRejects(() => Promise.try(() => executor.submit(double, 1)), QueueFullError);
  source.setResult(1);
  assertEquals(await Promise.all(futures), [2, 2]);
  await room;
}, { options: true });

testEach("futures as arguments: shutdown() waits for what they wait for", async ({ create }) => {
  const executor = create();
  const source = new FutureSource<number>();
  const future = executor.submit(double, source.future);
  const next = executor.submit(double, future);
  let ended = false;
  const end = executor.shutdown().then(() => ended = true);
  await settle();
  assertEquals([ended, future.state], [false, "pending"]);
  source.setResult(1);
  await end;
  assertEquals([await future, await next], [2, 4]);
});

testEach("futures as arguments: cancelFutures and terminate() cancel them", async ({ create }) => {
  for (const terminates of [false, true]) {
    const executor = create();
    await executor.submit(() => {});
    const { future: never } = new FutureSource<number>();
    const future = executor.submit(double, never);
    const next = executor.submit(double, future);
    await (terminates ? executor.terminate() : executor.shutdown({ cancelFutures: true }));
    assertEquals([future.cancelled(), next.cancelled(), never.done()], [true, true, false]);
  }
});

testEach("futures as arguments: a broken executor fails them", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1, onCrash: "break" });
  const { future: never } = new FutureSource<number>();
  const future = executor.submit(double, never);
  const dying = executor.submit(leave, 3);
  const next = executor.submit((x: unknown) => x, dying);
  assertInstanceOf(await future.exception(), kind.brokenError);
  assertInstanceOf(await next.exception(), BrokenExecutorError);
}, { options: true });

testEach("futures as arguments: a crash is the error of what waits for it", async (kind) => {
  await using executor = kind.create();
  const dying = executor.submit(leave, 3);
  const next = executor.submit((x: unknown) => x, dying);
  const error = await next.exception();
  assertInstanceOf(error, WorkerCrashError);
  assertStrictEquals(error, await dying.exception());
  assertEquals(await executor.submit(double, 4), 8);
}, { options: true });

test("futures as arguments: cancelling many that wait for one", async () => {
  await using executor = new InlineExecutor();
  const source = new FutureSource<number>();
  const futures = Array.from({ length: 20_000 }, () => executor.submit(double, source.future));
  for (const future of futures) assertEquals(future.cancel(), true);
  source.setResult(1);
  assertEquals(executor.stats().pending, 0);
});

testEach("map: items that are futures", async ({ create }) => {
  await using executor = create();
  const source = new FutureSource<number>();
  const failing = executor.submit(fail, "an item");
  const items = [1, source.future, executor.submit(double, 5), 4];
  const results = executor.map(double, items);
  const first = await results.next();
  assertEquals(first.value, 2);
  source.setResult(7);
  assertEquals(await results.toArray(), [14, 20, 8]);
  const sums = executor.map(add, items, [failing, 1, 2, failing], { settled: true, chunkSize: 3 });
  const outcomes = (await sums.toArray()).map((each) =>
    each.status === "fulfilled" ? each.value : (each.reason as Error).message
  );
  assertEquals(outcomes, ["an item", 8, 12, "an item"]);
  async function* given(): AsyncGenerator<number | Future<number>> {
    await Promise.resolve();
    yield 1;
    yield executor.submit(double, 1);
    yield 3;
  }
  assertEquals(await executor.map(double, given(), { chunkSize: 2 }).toArray(), [2, 4, 6]);
});

test("TaskGroup: futures as arguments take no place of its limit", async () => {
  await using executor = new InlineExecutor();
  const source = new FutureSource<number>();
  let sum: Future<number>;
  {
    await using group = new TaskGroup(executor, { limit: 1 });
    sum = group.submit(add, source.future, 1);
    const other = group.submit(double, 2);
    const behind = group.submit(add, other, 1);
    assertEquals([await other, await behind, sum.done()], [4, 5, false]);
    source.setResult(1);
  }
  assertEquals(await sum, 2);
});

test("TaskGroup: the failure of an argument is told once", async () => {
  await using executor = new InlineExecutor();
  for (const limit of [1, Infinity]) {
    const group = new TaskGroup(executor, { limit });
    const { future: never } = new FutureSource<number>();
    const failing = group.submit(fail, "of the first");
    const next = group.submit(double, failing);
    const waiting = group.submit(double, never);
    await assertRejects(() => group.close(), RangeError, "of the first");
    assertInstanceOf(await next.exception(), RangeError);
    assert(waiting.cancelled());
  }
});

test("pools: futures as arguments", async () => {
  await using executor = new InlineExecutor();
  await using pool = new ThreadPool(2);
  const future = executor.submit(double, 2);
  assertEquals(await pool.apply(add, [future, 1]), 5);
  assertEquals(await pool.map(double, [future, 1]), [8, 2]);
  assertEquals(await pool.starmap(add, [[future, 1], [2, future]]), [5, 6]);
  const results: number[] = [];
  for await (const value of pool.imap(double, [1, future])) results.push(value);
  assertEquals(results, [2, 8]);
});
