/** Tasks that wait far behind, without work items. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { CancelledError, type ExecutorEvent, type Future, ThreadPoolExecutor } from "../../mod.ts";
import { rows } from "../../src/engine/item_queue.ts";
import { test } from "../harness.ts";

const COUNT = 5 * rows.from;

/** Says as which one of its worker it runs. */
function place(this: unknown, _i: number): number {
  const world = globalThis as { place?: number };
  return world.place = (world.place ?? -1) + 1;
}

const other = (i: number, j: number): number[] => [i, j];

/** Many that wait: none of them is sent in this turn. */
function submitMany(executor: ThreadPoolExecutor, count = COUNT): Future<number>[] {
  return Array.from({ length: count }, (_, i) => executor.submit(place, i));
}

test("tasks in rows run in submit order, those of priority before them", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.warmUp();
  const many = submitMany(executor);
  const first = executor.with({ priority: 1 }).submit(place, -1);
  const later = submitMany(executor);
  assertEquals(await first, 0);
  assertEquals(await Promise.all([...many, ...later]), [...many, ...later].map((_, i) => i + 1));
});

test("tasks in rows keep their functions and arguments, and wait for futures among them", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const many = submitMany(executor);
  const mixed = Array.from(
    { length: 300 },
    (_, i) => i % 3 === 0 ? executor.submit(other, i, i + 1) : executor.submit(place, i),
  );
  const fed = executor.submit(other, many[0]!, 7);
  assertEquals(await fed, [await many[0]!, 7]);
  assertEquals((await Promise.all(mixed)).filter((_, i) => i % 3 === 0), [
    ...Array.from({ length: 100 }, (_, i) => [3 * i, 3 * i + 1]),
  ]);
});

test("tasks in rows are cancelled, wherever they stand, and never run", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.warmUp();
  const many = submitMany(executor);
  const isCancelled = (i: number): boolean =>
    i % 7 === 0 || (i > 150 && i < 450) || i === COUNT - 1;
  for (const [i, future] of many.entries()) {
    if (!isCancelled(i)) continue;
    assertEquals(future.state, "pending");
    assertEquals(future.cancel(), true);
    assertEquals(future.cancel(), true);
    assertEquals(future.state, "cancelled");
  }
  const left = many.filter((_, i) => !isCancelled(i));
  assertEquals(executor.stats().pending, left.length);
  assertEquals(await Promise.all(left), left.map((_, i) => i));
  await assertRejects(() => many[0]!.result(), CancelledError);
  assertEquals(executor.stats().cancelled, COUNT - left.length);
  // Others follow where whole rows have gone.
  const next = submitMany(executor);
  for (const future of next.toReversed()) assertEquals(future.cancel(), true);
  assertEquals(await executor.submit(place, 0), left.length);
});

test("tasks in rows are cancelled with the rest that has not begun", async () => {
  const executor = new ThreadPoolExecutor(1);
  const many = submitMany(executor);
  await executor.shutdown({ cancelFutures: true });
  assertEquals(many.filter((future) => future.cancelled()).length, COUNT);
});

test("observers are told of tasks in rows, as of others", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.warmUp();
  const before = submitMany(executor); // nothing is told of these
  const events: ExecutorEvent[] = [];
  executor.observe((event) => events.push(event));
  const many = submitMany(executor);
  const first = executor.with({ priority: 1 }).submit(other, 1, 2);
  const mixed = Array.from(
    { length: 300 },
    (_, i) => i % 2 ? executor.submit(other, i, i) : executor.submit(place, i),
  );
  for (let i = 0; i < many.length; i += 3) many[i]!.cancel(); // before anything was told
  const expected = [
    ...many.map(() => "place"),
    "other",
    ...mixed.map((_, i) => i % 2 ? "other" : "place"),
  ];
  await Promise.allSettled([...before, ...many, first, ...mixed]);
  await executor.submit(place, 0);
  const tasks = new Map<number, string[]>();
  let at = 0;
  for (const event of events) {
    if (!("task" in event)) continue;
    const { id, name } = event.task;
    if (event.type === "submitted") {
      if (id < expected.length) assertEquals([id, name], [tasks.size, expected[id]!]);
      assertEquals(event.at >= at, true);
      at = event.at;
      tasks.set(id, []);
    }
    tasks.get(id)!.push(event.type === "ended" ? event.outcome : event.type);
  }
  assertEquals(tasks.size, expected.length + 1);
  for (const [id, told] of tasks) {
    const isCancelled = id < many.length && id % 3 === 0;
    const run = told.join(" ").replaceAll("sent returned ", "");
    assertEquals(run, isCancelled ? "submitted cancelled" : "submitted sent started succeeded");
  }
});

test("metrics count tasks in rows, and how long each has waited", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, metrics: true });
  await executor.warmUp();
  const began = performance.now();
  await Promise.all(submitMany(executor));
  const { waitTime, runTime } = executor.metrics();
  assertEquals([waitTime.count, runTime.count], [COUNT, COUNT]);
  assertEquals(waitTime.min >= 0 && waitTime.max <= performance.now() - began, true);
});
