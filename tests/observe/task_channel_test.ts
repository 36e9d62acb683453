import { assert, assertEquals, assertGreaterOrEqual, assertInstanceOf } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import type { Executor } from "../../mod.ts";
import {
  DistributedExecutor,
  memoryTransport,
  remoteTasks,
  RemoteWorker,
} from "../../src/remote/mod.ts";
import { test } from "../harness.ts";

const channel = tracingChannel("concurrent-futures.task");

interface Told {
  readonly [key: string]: unknown;
}

/** Subscribes while it runs; what was told of tasks of this executor, in order. */
async function listen(
  executor: Executor,
  run: () => Promise<void>,
): Promise<readonly (readonly [string, Told])[]> {
  const told: [string, Told][] = [];
  const add = (word: string) => (context: unknown): void => {
    const one = context as Told;
    if (one.executor === executor.name) told.push([word, one]);
  };
  const names = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;
  const listeners = names.map((name) => [name, add(name)] as const);
  for (const [name, listener] of listeners) channel[name].subscribe(listener);
  try {
    await run();
  } finally {
    for (const [name, listener] of listeners) channel[name].unsubscribe(listener);
  }
  return told;
}

const EXECUTORS: readonly [string, () => Executor][] = [
  ["threads", () => new ThreadPoolExecutor(1)],
  ["processes", () => new ProcessPoolExecutor(1)],
  ["inline", () => new InlineExecutor()],
];

for (const [name, create] of EXECUTORS) {
  test(`the channel concurrent-futures.task tells of each task: ${name}`, async () => {
    await using executor = create();
    const told = await listen(executor, async () => {
      assertEquals(
        await executor.submit(function twice(x: number) {
          return 2 * x;
        }, 4),
        8,
      );
      await executor.submit(function bad() {
        throw new TypeError("no");
      }).exception();
    });
    assertEquals(told.map(([word]) => word), [
      ...["start", "end", "asyncStart", "asyncEnd"],
      ...["start", "end", "error", "asyncStart", "asyncEnd"],
    ]);
    const [first] = told;
    const context = first![1];
    assert(told.slice(0, 4).every(([, one]) => one === context), "one object for each task");
    assertEquals([context.name, context.outcome, context.worker], [
      "twice",
      "succeeded",
      `${executor.name}_0`,
    ]);
    assertGreaterOrEqual(context.waited as number, 0);
    assertGreaterOrEqual(context.ran as number, 0);
    const failed = told.at(-1)![1];
    assertEquals(failed.outcome, "failed");
    assertInstanceOf(failed.error, TypeError);
    // Nobody listens any more, and nobody is told.
    const before = told.length;
    await executor.submit((x: number) => x, 1);
    assertEquals(told.length, before);
  });
}

test("the channel concurrent-futures.task tells of the chunks of map, and of tasks cancelled", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const told = await listen(executor, async () => {
    await executor.map((x: number) => x, [1, 2, 3], { chunkSize: 3 }).toArray();
    const future = executor.submit((x: number) => x, 1);
    assert(future.cancel());
    await executor.submit((x: number) => x, 2);
  });
  const outcomes = told.filter(([word]) => word === "asyncEnd").map(([, { outcome }]) => outcome);
  assertEquals(outcomes.sort(), ["cancelled", "succeeded", "succeeded"]);
});

test("the channel concurrent-futures.task tells of tasks on other machines", async () => {
  const { engine } = memoryTransport();
  const stop = new AbortController();
  const url = "data:text/javascript,export function double(x) { return 2 * x }";
  const ended = new RemoteWorker(memoryTransport(engine), {
    modules: { numbers: url },
    executor: new InlineExecutor(),
    log() {},
  }).run({ signal: stop.signal });
  const { double } = remoteTasks<{ double(x: number): number }>("numbers");
  const executor = new DistributedExecutor(memoryTransport(engine), { name: "distributed" });
  const told = await listen(executor, async () => {
    assertEquals(await executor.submit(double, 21), 42);
    await executor.shutdown();
  });
  stop.abort();
  await ended;
  assertEquals(told.map(([word]) => word), ["start", "end", "asyncStart", "asyncEnd"]);
  const [, { name, outcome, engine: where }] = told[0]!;
  assertEquals([name, outcome, where], ["double", "succeeded", "memory"]);
});

test("a store that is bound to the channel is there while a task is submitted, and in it, on this thread", async () => {
  const store = new AsyncLocalStorage<unknown>();
  await using executor = new InlineExecutor();
  channel.start.bindStore(store, (context) => (context as Told).name);
  try {
    const seen = await executor.submit(function mine() {
      return store.getStore();
    });
    assertEquals(seen, "mine");
    assertEquals(store.getStore(), undefined);
  } finally {
    channel.start.unbindStore(store);
  }
});

for (const [name, create] of EXECUTORS) {
  test(`AsyncLocalStorage keeps the caller's store through submit, callbacks and awaits: ${name}`, async () => {
    const store = new AsyncLocalStorage<number>();
    await using executor = create();
    await executor.submit(() => {});
    const seen = await Promise.all([1, 2, 3].map((mine) =>
      store.run(mine, async () => {
        const found: unknown[] = [];
        const future = executor.submit(async (x: number) => await Promise.resolve(x), mine);
        const called = new Promise<void>((resolve) =>
          future.addDoneCallback(() => {
            found.push(store.getStore());
            resolve();
          })
        );
        const value = await future;
        found.push(store.getStore());
        await called;
        const mapped = executor.map((x: number) => x, [value, value]);
        for await (const _ of mapped) found.push(store.getStore());
        return found;
      })
    ));
    assertEquals(seen, [1, 2, 3].map((mine) => [mine, mine, mine, mine]));
  });
}
