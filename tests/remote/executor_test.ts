import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  asCompleted,
  CancelledError,
  Pool,
  QueueFullError,
  SerializationError,
  ShutdownError,
  ThreadPool,
  TimeoutError,
  wait,
  WorkerCrashError,
} from "../../mod.ts";
import type { Future } from "../../mod.ts";
import { memoryTransport, RemoteWorker, UnknownTaskError } from "../../src/remote/mod.ts";
import { remoteTasks } from "../../src/remote/mod.ts";
import { test } from "../harness.ts";
import { fleet, tasks, until } from "./fleet.ts";
import { gateOf } from "./tasks.ts";

test("DistributedExecutor runs tasks by name", async () => {
  await using f = fleet();
  assertEquals(await f.executor.submit(tasks.double, 21), 42);
  assertEquals(await f.executor.submit(tasks.add, 1, 2), 3);
  const value = new Map<string, unknown>([["a", new Date(5)], ["b", [1n, new Uint8Array([1])]]]);
  assertEquals(await f.executor.submit(tasks.echo, value as unknown), value);
});

test("DistributedExecutor gives errors back with class, cause and own fields", async () => {
  await using f = fleet();
  const error = await assertRejects(
    () => f.executor.submit(tasks.fail, "too far").result(),
    RangeError,
    "too far",
  );
  assertEquals((error as RangeError & { code: string }).code, "E_NO");
  assert(error.cause instanceof TypeError);
});

test("DistributedExecutor tells a task its id and its attempt", async () => {
  await using f = fleet();
  const { id, attempt } = await f.executor.submit(tasks.whoAmI);
  assertEquals(typeof id, "string");
  assertEquals(attempt, 1);
  const named = await f.executor.with({ taskId: "mine: ü/1" }).submit(tasks.whoAmI);
  assertEquals(named.id, "t-bWluZTogw7wvMQ");
});

test("DistributedExecutor maps in chunks whose items fail alone", async () => {
  await using f = fleet();
  const items = Array.from({ length: 100 }, (_, i) => i);
  assertEquals(
    await f.executor.map(tasks.double, items, { chunkSize: 7 }).toArray(),
    items.map((x) => 2 * x),
  );
  const outcomes = await f.executor.map(tasks.failOdd, items, { chunkSize: 10, settled: true })
    .toArray();
  assertEquals(outcomes.map(({ status }) => status === "fulfilled"), items.map((x) => x % 2 === 0));
  const error = await assertRejects(
    () => f.executor.map(tasks.failOdd, [0, 2, 3], { chunkSize: 3 }).toArray(),
    RangeError,
    "3 is odd",
  );
  assert(error instanceof RangeError);
});

test("DistributedExecutor reads an endless input no further than bufferSize", async () => {
  await using f = fleet();
  let read = 0;
  function* numbers(): Generator<number> {
    for (;;) yield read++;
  }
  const results: number[] = [];
  for await (const x of f.executor.map(tasks.double, numbers(), { bufferSize: 10 })) {
    results.push(x);
    assert(read <= results.length + 10);
    if (results.length === 50) break;
  }
  assertEquals(results.at(-1), 98);
});

test("DistributedExecutor takes back from the engine what a broken loop does not want", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("broken loop");
  const run = f.executor.map(tasks.hold, Array.from({ length: 2000 }, () => "broken loop"));
  await until(() => gate.runs.length === 1);
  await run.return!();
  await until(() => f.engine.status().waiting === 0);
  gate.open();
  await f.executor.shutdown();
  assertEquals(gate.runs.length, 1);
  assertEquals(f.executor.stats().cancelled, 1999);
});

test("DistributedExecutor ends a map at its timeout", async () => {
  await using f = fleet();
  gateOf("map timeout");
  const run = f.executor.map(tasks.hold, ["map timeout", "map timeout"], { timeout: 20 });
  await assertRejects(() => run.next(), TimeoutError);
});

test("DistributedExecutor works with wait, asCompleted and callbacks", async () => {
  await using f = fleet();
  const gate = gateOf("waited");
  const slow = f.executor.submit(tasks.hold, "waited");
  const quick = f.executor.submit(tasks.double, 1);
  const seen: Future<unknown>[] = [];
  slow.addDoneCallback((future) => seen.push(future));
  const { done, notDone } = await wait([slow, quick] as Future<unknown>[], {
    returnWhen: "FIRST_COMPLETED",
  });
  assertEquals([done.has(quick), notDone.has(slow)], [true, true]);
  gate.open();
  const order: unknown[] = [];
  for await (const future of asCompleted([slow, quick] as Future<unknown>[])) order.push(future);
  assertStrictEquals(order[0], quick);
  await slow;
  assertEquals(seen.length, 1);
  assertStrictEquals(seen[0], slow as Future<unknown>);
});

test("DistributedExecutor waits for futures among arguments", async () => {
  await using f = fleet();
  const first = f.executor.submit(tasks.double, 1);
  assertEquals(await f.executor.submit(tasks.add, first, f.executor.submit(tasks.double, 2)), 6);
  const failed = f.executor.submit(tasks.fail, "first");
  await assertRejects(
    () => f.executor.submit(tasks.double, failed as unknown as Future<number>).result(),
    RangeError,
    "first",
  );
});

for (const PoolClass of [Pool, ThreadPool]) {
  test(`${PoolClass.name}({ executor }) runs its ways over a fleet`, async () => {
    await using f = fleet();
    const pool = new PoolClass({ executor: f.executor });
    assertEquals(await pool.apply(tasks.double, [1]), 2);
    assertEquals(await pool.map(tasks.double, [1, 2, 3]), [2, 4, 6]);
    assertEquals(await pool.starmap(tasks.add, [[1, 2], [3, 4]]), [3, 7]);
    const unordered: number[] = [];
    for await (const x of pool.imapUnordered(tasks.double, [1, 2, 3])) unordered.push(x);
    assertEquals(unordered.sort(), [2, 4, 6]);
    assertEquals(await pool.applyAsync(tasks.add, [2, 3]).get(), 5);
    pool.close();
    await pool.join();
    assertEquals(await f.executor.submit(tasks.double, 4), 8);
  });
}

test("DistributedExecutor.submit refuses what cannot travel by name", async () => {
  await using f = fleet();
  const { executor } = f;
  const error = assertThrows(() => executor.submit((x: number) => x, 1), TypeError);
  assert(error.message.includes("remoteTasks()"), error.message);
  assertThrows(() => executor.submit("task" as never), TypeError, "Cannot submit");
  assertThrows(() => executor.map((x: number) => x, [1]), TypeError);
});

test("DistributedExecutor fails only the future whose task is unknown", async () => {
  await using f = fleet({ worker: { allow: ["tests#double"] } });
  const { nope, answer, constructor: own } = tasks as unknown as Record<
    string,
    typeof tasks.double
  >;
  const other = remoteTasks<typeof import("./tasks.ts")>("others").double;
  for (const task of [nope!, own!, answer!, other, tasks.add as never]) {
    const error = await f.executor.submit(task as typeof tasks.double, 1).exception();
    assert(error instanceof UnknownTaskError, String(error));
    assertEquals(error.code, "ERR_UNKNOWN_TASK");
  }
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
});

test("DistributedExecutor refuses what cannot be sent, and what is too large, for its future alone", async () => {
  await using f = fleet({ maxPayload: 1000 });
  const { executor } = f;
  const cases = [
    executor.submit(tasks.echo, (() => {}) as unknown),
    executor.submit(tasks.echo, new Uint8Array(2000) as unknown),
    executor.submit(tasks.large, 2000),
    executor.submit(tasks.unsendable),
  ] as Future<unknown>[];
  for (const future of cases) {
    const error = await future.exception();
    assert(error instanceof SerializationError, String(error));
  }
  assertEquals(await executor.submit(tasks.double, 1), 2);
});

test("DistributedExecutor fails the items of a chunk that cannot be sent alone", async () => {
  await using f = fleet();
  const bad = (): void => {};
  for (const items of [[1, bad, 2, bad, 3], [bad, bad]]) {
    const outcomes = await f.executor.map(tasks.echo, items as unknown[], {
      chunkSize: 5,
      settled: true,
    }).toArray();
    assertEquals(outcomes.length, items.length);
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") assertEquals(outcome.value, items[i]);
      else assert(items[i] === bad && outcome.reason instanceof SerializationError);
    }
  }
});

test("DistributedExecutor.cancel is true only for what was not handed to the engine", async () => {
  await using f = fleet({ workers: 0 });
  const here = f.executor.submit(tasks.double, 1);
  assertEquals(here.cancel(), true);
  assertEquals(here.cancelled(), true);
  const there = f.executor.submit(tasks.double, 1);
  await until(() => f.engine.status().waiting === 1);
  assertEquals(there.cancel(), false);
  assertEquals(await f.executor.revoke(there), true);
  assertEquals(there.cancelled(), true);
  assertEquals(f.engine.status().waiting, 0);
  await assertRejects(() => there.result(), CancelledError);
});

test("DistributedExecutor.revoke is false for what a worker has", async () => {
  await using f = fleet();
  const gate = gateOf("revoked");
  const future = f.executor.submit(tasks.hold, "revoked");
  await until(() => gate.runs.length === 1);
  assertEquals(await f.executor.revoke(future), false);
  gate.open();
  assertEquals(await future, 1);
  assertEquals(await f.executor.revoke(future), false);
});

test("DistributedExecutor: running() is true from the moment a worker says that it began", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("running");
  const futures = [1, 2].map(() => f.executor.submit(tasks.hold, "running"));
  assertEquals(futures[0]!.running(), false);
  await until(() => futures[0]!.running());
  assertEquals(futures[1]!.running(), false);
  assertEquals([f.executor.stats().running, f.executor.stats().pending], [1, 1]);
  gate.open();
  assertEquals(await Promise.all(futures), [1, 1]);
  assertEquals(f.executor.stats().running, 0);
});

test("DistributedExecutor rejects at once when a signal is aborted, and ends the task where it runs", async () => {
  await using f = fleet();
  const gate = gateOf("aborted");
  const stop = new AbortController();
  const future = f.executor.with({ signal: stop.signal }).submit(tasks.hold, "aborted");
  await until(() => gate.runs.length === 1);
  const reason = new Error("enough");
  stop.abort(reason);
  assertEquals(future.done(), true);
  assertStrictEquals(await future.exception(), reason);
  await until(() => gate.left === 1);
});

test("DistributedExecutor takes a task back whose signal is aborted before it began", async () => {
  await using f = fleet({ workers: 0 });
  const stop = new AbortController();
  const view = f.executor.with({ signal: stop.signal });
  const futures = [view.submit(tasks.double, 1), view.submit(tasks.double, 2)];
  await until(() => f.engine.status().waiting === 2);
  stop.abort();
  assertEquals(futures.map((future) => future.done()), [true, true]);
  await until(() => f.engine.status().waiting === 0);
  const late = view.submit(tasks.double, 3);
  assertEquals(late.cancelled(), true);
});

test("DistributedExecutor ends a busy task at its timeout, with our TimeoutError", async () => {
  await using f = fleet({ threads: true });
  const future = f.executor.with({ timeout: 50 }).submit(tasks.forEver);
  await assertRejects(() => future.result(), TimeoutError);
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
}, { deadline: 30_000 });

test("DistributedExecutor gives each value that a task reports, in order, before its result", async () => {
  await using f = fleet();
  const seen: unknown[] = [];
  const view = f.executor.with({ onProgress: (value) => seen.push(value) });
  assertEquals(await view.submit(tasks.report, 3), "done");
  assertEquals(seen, [{ step: 0 }, { step: 1 }, { step: 2 }]);
});

test("DistributedExecutor runs higher priorities first, equal ones in order", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("first");
  const first = f.executor.submit(tasks.hold, "first");
  await until(() => gate.runs.length === 1);
  const order: number[] = [];
  const futures = [0, -5, 7, 0, 7].map((priority, i) => {
    const future = f.executor.with({ priority }).submit(tasks.double, i);
    future.addDoneCallback(() => order.push(i));
    return future;
  });
  await until(() => f.engine.status().waiting === 5);
  gate.open();
  await Promise.all([first, ...futures]);
  assertEquals(order, [2, 4, 0, 3, 1]);
});

test("DistributedExecutor retries what throws, as often as it is told", async () => {
  await using f = fleet();
  assertEquals(await f.executor.with({ retries: 2 }).submit(tasks.failUntil, 2), 2);
  const error = await f.executor.submit(tasks.failUntil, 2).exception();
  assertEquals((error as Error).message, "attempt 1");
});

test("DistributedExecutor: a thread that dies fails its task alone", async () => {
  await using f = fleet({ threads: true });
  const error = await f.executor.submit(tasks.leave, 3).exception();
  assert(error instanceof WorkerCrashError, String(error));
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
}, { deadline: 30_000 });

test("DistributedExecutor holds maxPending, and ready() tells when there is room", async () => {
  await using f = fleet({ workers: 0, maxPending: 2 });
  const futures = [1, 2].map((x) => f.executor.submit(tasks.double, x));
  assertThrows(() => f.executor.submit(tasks.double, 3), QueueFullError);
  f.hire();
  await f.executor.ready();
  futures.push(f.executor.submit(tasks.double, 3));
  assertEquals(await Promise.all(futures), [2, 4, 6]);
});

test("DistributedExecutor.workers tells of each worker", async () => {
  await using f = fleet({ workers: 2, worker: { build: "b7" } });
  await until(() => f.engine.workers().length === 2);
  const workers = await f.executor.workers();
  assertEquals(workers.map(({ places, build }) => [places, build]), [[4, "b7"], [4, "b7"]]);
  assertEquals(new Set(workers.map(({ name }) => name)).size, 2);
  assert(workers.every(({ pid, runtime }) => pid > 0 && /^(deno|bun|node) \d/.test(runtime)));
  assertEquals(f.executor.maxWorkers, 8);
});

test("DistributedExecutor.shutdown ends this client alone", async () => {
  await using f = fleet();
  const gate = gateOf("shut down");
  const other = f.client();
  const mine = f.executor.submit(tasks.hold, "shut down");
  const theirs = other.submit(tasks.hold, "shut down");
  const ended = f.executor.shutdown();
  assertThrows(() => f.executor.submit(tasks.double, 1), ShutdownError);
  gate.open();
  await ended;
  assertEquals(mine.done(), true);
  assertEquals(await theirs, 1);
  assertEquals(f.engine.channels, 1);
  assertEquals(await other.submit(tasks.double, 1), 2);
});

test("DistributedExecutor.shutdown({ cancelFutures }) takes back what no worker has", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("cancelled");
  const running = f.executor.submit(tasks.hold, "cancelled");
  const rest = Array.from({ length: 1200 }, (_, i) => f.executor.submit(tasks.double, i));
  await until(() => gate.runs.length === 1);
  const ended = f.executor.shutdown({ cancelFutures: true });
  await until(() => rest.every((future) => future.cancelled()));
  gate.open();
  await ended;
  assertEquals(await running, 1);
  assertEquals(f.engine.status().waiting, 0);
});

test("DistributedExecutor.terminate settles all that is left", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("terminated");
  const futures = [1, 2].map(() => f.executor.submit(tasks.hold, "terminated"));
  await until(() => gate.runs.length === 1);
  await f.executor.terminate();
  assertEquals(futures.map((future) => future.state), ["finished", "cancelled"]);
  await until(() => gate.left === 1);
  assertEquals(f.engine.channels, 0);
});

test("a RemoteWorker that has ended listens to its signal no more", async () => {
  let listeners = 0;
  const { signal } = new AbortController();
  const own = {
    aborted: false,
    reason: undefined,
    addEventListener: (...args: Parameters<AbortSignal["addEventListener"]>) => {
      listeners++;
      signal.addEventListener(...args);
    },
    removeEventListener: () => void listeners--,
  } as unknown as AbortSignal;
  const { engine } = memoryTransport();
  const worker = new RemoteWorker(memoryTransport(engine), {
    modules: { none: new URL("./does_not_exist.ts", import.meta.url) },
    concurrency: 1,
  });
  await assertRejects(() => worker.run({ signal: own }), Error, 'Cannot load module "none"');
  assertEquals(listeners, 0);
});

test("DistributedExecutor.observe() tells a second observer nothing of what was before it", async () => {
  await using f = fleet();
  using _first = f.executor.observe(() => {});
  const future = f.executor.submit(tasks.double, 1);
  const types: string[] = [];
  using _second = f.executor.observe(({ type }) => types.push(type));
  await future;
  assertEquals(types.includes("submitted"), false, types.join());
  await until(() => types.includes("ended"));
});
