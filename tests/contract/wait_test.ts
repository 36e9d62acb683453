import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  asCompleted,
  CancelledError,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type Future,
  TimeoutError,
  wait,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { ALL_EXECUTORS, block, Gate, hold, holdsUp, noThreads, occupy } from "./executors.ts";

function fail(text: string): never {
  throw new RangeError(text);
}

for (const kind of ALL_EXECUTORS) {
  const on = `[${kind.name}]`;

  test(`wait() for tasks waits for all ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const futures = [1, 2, 3, 4].map((x) => executor.submit((x: number) => x, x));
    const { done, notDone } = await wait(futures);
    assertEquals([...done], futures);
    assertEquals(notDone.size, 0);
  });

  test(`wait() for the first leaves the others ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    using first = new Gate(kind);
    using second = new Gate(kind);
    const futures = [first, second].map((gate) => executor.submit(hold, gate.handle));
    await second.waitEntered(1);
    second.open();
    const { done, notDone } = await wait(futures, { returnWhen: FIRST_COMPLETED });
    assertEquals([[...done], [...notDone]], [[futures[1]], [futures[0]]]);
  });

  test(`wait() for the first exception returns at a task's error ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    using gate = new Gate(kind);
    const held = executor.submit(hold, gate.handle);
    await gate.waitEntered(1);
    const good = executor.submit((x: number) => x, 1);
    const bad = executor.submit(fail, "failed");
    const { done, notDone } = await wait([held, good, bad], {
      returnWhen: FIRST_EXCEPTION,
    });
    assert(done.has(bad));
    assert(notDone.has(held));
  });

  test(`wait() times out while tasks run, and they go on ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const future = executor.submit(hold, gate.handle, 3);
    await gate.waitEntered(1);
    const { done, notDone } = await wait([future], { timeout: 5 });
    assertEquals([done.size, notDone.size], [0, 1]);
    gate.open();
    assertEquals(await future, 3);
  });

  test(`wait() and asCompleted() see a cancelled task at once ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const [first, second] = [1, 2].map((x) => executor.submit((x: number) => x, x)) as [
      Future<number>,
      Future<number>,
    ];
    const waiting = wait([first, second], { returnWhen: FIRST_COMPLETED });
    const next = asCompleted([first, second]).next();
    // The worker is held all the time: nobody else could tell.
    assertEquals(second.cancel(), true);
    assertEquals([...(await waiting).done], [second]);
    assertStrictEquals((await next).value, second);
    await assertRejects(() => second.result(), CancelledError);
    assertEquals([...(await wait([second])).done], [second]);
    gate.open();
    assertEquals(await first, 1);
  });

  test(`wait() sees tasks that shutdown() cancels ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const futures = [1, 2, 3].map((x) => executor.submit((x: number) => x, x));
    const waiting = wait(futures);
    const shut = executor.shutdown({ cancelFutures: true });
    assertEquals((await waiting).done.size, 3);
    gate.open();
    await shut;
  });

  test(`wait() ends when the executor is terminated ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const futures = [1, 2, 3, 4, 5, 6].map((x) => executor.submit(hold, gate.handle, x));
    await gate.waitEntered(1);
    const waiting = wait(futures);
    await executor.terminate();
    assertEquals((await waiting).done.size, 6);
  });

  test(`asCompleted() yields tasks in order of completion ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 3 });
    using a = new Gate(kind);
    using b = new Gate(kind);
    using c = new Gate(kind);
    const gates = [a, b, c];
    const futures = gates.map((gate, i) => executor.submit(hold, gate.handle, i));
    for (const gate of gates) await gate.waitEntered(1);
    const iterator = asCompleted(futures);
    for (const i of [2, 0, 1]) {
      gates[i]!.open();
      const { value } = await iterator.next();
      assertStrictEquals(value, futures[i]);
      assertEquals(await value, i);
    }
    assertEquals((await iterator.next()).done, true);
  });

  test(`asCompleted() yields failed tasks as futures ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const futures = ["a", "b"].map((text) => executor.submit(fail, text));
    const iterator = asCompleted(futures);
    for (let i = 0; i < 2; i++) {
      const { value } = await iterator.next();
      assertInstanceOf(await value!.exception(), RangeError);
    }
    assertEquals((await iterator.next()).done, true);
  });

  test(`asCompleted() times out while a task runs ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    using gate = new Gate(kind);
    const held = executor.submit(hold, gate.handle);
    const quick = executor.submit((x: number) => x, 1);
    await quick;
    const iterator = asCompleted([held, quick], { timeout: 5 });
    assertStrictEquals((await iterator.next()).value, quick);
    await assertRejects(() => iterator.next(), TimeoutError, "1 (of 2) futures unfinished");
  });

  test(`wait() and asCompleted() take hundreds of tasks ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const futures = Array.from({ length: 500 }, (_, i) => executor.submit((x: number) => x, i));
    const seen = new Set<unknown>();
    const iterator = asCompleted(futures);
    for (;;) {
      const { done, value } = await iterator.next();
      if (done) break;
      seen.add(value);
    }
    assertEquals(seen, new Set<unknown>(futures));
    assertEquals((await wait(futures)).done.size, 500);
  });

  test(`Future.result() times out while its task runs ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const future = executor.submit(hold, gate.handle, 2);
    await gate.waitEntered(1);
    await assertRejects(() => future.result({ timeout: 5 }), TimeoutError);
    assertEquals([future.running(), future.cancel()], [true, false]);
    gate.open();
    assertEquals(await future, 2);
  });

  test(`wait() is not held up by a task that blocks its worker ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const blocked = executor.submit(block, gate.handle, 1);
    await gate.waitEntered(1);
    const behind = executor.submit((x: number) => x, 2);
    assertEquals((await wait([blocked, behind], { timeout: 5 })).notDone.size, 2);
    assertEquals([blocked.running(), behind.running()], [true, false]);
    gate.open();
    assertEquals((await wait([blocked, behind])).done.size, 2);
  }, { skip: noThreads(kind) ?? holdsUp(kind) });
}

test("wait() and asCompleted() take futures of different executors", async () => {
  await using first = ALL_EXECUTORS[0]!.create({ maxWorkers: 1 });
  await using second = ALL_EXECUTORS[1]!.create({ maxWorkers: 1 });
  await using third = ALL_EXECUTORS.find(({ inline }) => inline)!.create({ maxWorkers: 1 });
  await using fourth = ALL_EXECUTORS.at(-1)!.create({ maxWorkers: 1 });
  const futures = [first, second, third, fourth].map((executor, i) =>
    executor.submit((x: number) => x * 2, i)
  );
  const { done } = await wait(futures);
  assertEquals([...done], futures);
  const iterator = asCompleted(futures);
  for (const future of futures) assertStrictEquals((await iterator.next()).value, future);
});
