/**
 * Every future settles once, with its own value or an error that says what happened: over an engine in memory
 * that is made to fail. `F…` are the rows of the table of faults in `docs/distributed.md`.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { BrokenExecutorError, SerializationError, TimeoutError, wait } from "../../mod.ts";
import type { Future } from "../../mod.ts";
import {
  DistributedExecutor,
  EngineFullError,
  ExpiredError,
  memoryTransport,
  RemoteWorker,
  ResultLostError,
  WorkerLostError,
} from "../../src/remote/mod.ts";
import type { Job, MemoryFaults, Transport } from "../../src/remote/mod.ts";
import { encodeTask } from "../../src/remote/envelope.ts";
import { sweepTimes } from "../../src/remote/sweep.ts";
import { test } from "../harness.ts";
import { fleet, tasks, until } from "./fleet.ts";
import { gateOf } from "./tasks.ts";

sweepTimes.interval = 100;
sweepTimes.overdue = 200;

const SECRET = "a secret of this test";

const REPLY_FAULTS: readonly (readonly [name: string, faults: MemoryFaults])[] = [
  ["doubled (F10)", { duplicate: true }],
  ["late", { late: 30 }],
  ["in the opposite order", { reorder: true }],
  ["doubled, late and in the opposite order", { duplicate: true, late: 10, reorder: true }],
  ["lost, all of them", { lose: () => true }],
  ["lost, those of the starts", { lose: ({ kind }) => kind === "started" }],
];

for (const [name, faults] of REPLY_FAULTS) {
  for (const secret of [undefined, SECRET]) {
    const signed = secret === undefined ? "" : ", signed";
    test(`replies that are ${name}${signed}: every future settles once`, async () => {
      await using f = fleet({
        faults,
        worker: { secret },
        ...(secret === undefined ? {} : { secret }),
      });
      let settled = 0;
      const futures = Array.from({ length: 40 }, (_, i) => f.executor.submit(tasks.failOdd, i));
      for (const future of futures) future.addDoneCallback(() => settled++);
      const { done } = await wait(futures);
      assertEquals(done.size, 40);
      for (const [i, future] of futures.entries()) {
        const error = await future.exception();
        if (i % 2 === 0) assertEquals(await future, i);
        else assert(error instanceof RangeError && error.message === `${i} is odd`, String(error));
      }
      assertEquals(settled, 40);
      const { completed, failed, pending, running } = f.executor.stats();
      assertEquals([completed, failed, pending, running], [20, 20, 0, 0]);
    });
  }
}

test("an engine that is away: submit gives futures, which are sent when it is back (F5)", async () => {
  await using f = fleet({ faults: { away: true }, workers: 0 });
  const future = f.executor.submit(tasks.double, 4);
  const given = f.executor.submit(tasks.double, 5);
  await assertRejects(() => future.result({ timeout: 60 }), TimeoutError);
  assertEquals(given.cancel(), true); // in no hands but ours
  f.engine.faults = {};
  f.hire();
  assertEquals(await future, 8);
});

test("ready() rejects when the engine does not answer within readyTimeout", async () => {
  await using f = fleet({ faults: { away: true }, workers: 0, readyTimeout: 30 });
  const error = await assertRejects(() => f.executor.ready(), TimeoutError);
  assert(error.message.includes("memory"), error.message);
  f.engine.faults = {};
  await f.executor.ready();
});

test("add() that fails after it was done: nothing runs twice", async () => {
  await using f = fleet({ faults: { add: "away" }, worker: { concurrency: 4 } });
  const gate = gateOf("added twice");
  const future = f.executor.submit(tasks.hold, "added twice");
  await until(() => gate.runs.length === 1);
  gate.open();
  f.engine.faults = {};
  assertEquals(await future, 1);
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
  assertEquals(gate.runs.length, 1);
});

test("a full engine refuses what does not fit, and takes the rest (F15)", async () => {
  await using f = fleet({ workers: 0, faults: { room: 5 } });
  const futures = Array.from({ length: 20 }, (_, i) => f.executor.submit(tasks.double, i));
  await until(() => futures.filter((future) => future.done()).length === 15);
  f.hire();
  const outcomes = await Promise.allSettled(futures.map((future) => future.result()));
  const full = outcomes.filter((each) =>
    each.status === "rejected" && each.reason instanceof EngineFullError &&
    each.reason.code === "ERR_ENGINE_FULL"
  );
  assertEquals(full.length, 15);
  assertEquals(outcomes.filter(({ status }) => status === "fulfilled").length, 5);
  f.engine.faults = {};
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
});

test("a lock that is lost: the task runs elsewhere, and the late result is refused (F6)", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("lost lock");
  const future = f.executor.submit(tasks.hold, "lost lock");
  await until(() => gate.runs.length === 1);
  assertEquals(f.engine.loseLock(f.engine.held[0]!), true);
  await until(() => gate.runs.length === 2);
  gate.open();
  assertEquals(await future, 2);
  assertEquals(gate.runs.map(([, attempt]) => attempt), [1, 2]);
  assertEquals(gate.runs[0]![0], gate.runs[1]![0]);
});

test("a task whose worker is lost too often rejects with WorkerLostError, alone", async () => {
  await using f = fleet({ maxRedeliveries: 2 });
  const gate = gateOf("lost too often");
  const future = f.executor.submit(tasks.hold, "lost too often");
  for (const runs of [1, 2, 3]) {
    await until(() => gate.runs.length === runs);
    f.engine.loseLock(f.engine.held[0]!);
  }
  const error = await future.exception();
  assert(error instanceof WorkerLostError && error instanceof BrokenExecutorError, String(error));
  assertEquals(error.code, "ERR_WORKER_LOST");
  assert(error.message.includes("may have run"), error.message);
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
});

test("an engine that forgets rejects with ResultLostError after two looks (F14)", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("forgotten");
  const futures = [1, 2].map(() => f.executor.submit(tasks.hold, "forgotten"));
  await until(() => gate.runs.length === 1);
  f.engine.flush();
  for (const future of futures) {
    const error = await future.exception();
    assert(error instanceof ResultLostError, String(error));
    assertEquals(error.code, "ERR_RESULT_LOST");
  }
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
}, { deadline: 30_000 });

test("expires: a task that waited too long rejects, with a worker and without one", async () => {
  await using f = fleet({ worker: { concurrency: 1 } });
  const gate = gateOf("expires");
  const first = f.executor.submit(tasks.hold, "expires");
  await until(() => gate.runs.length === 1);
  const late = f.executor.with({ expires: 1 }).submit(tasks.double, 1);
  await until(() => f.engine.status().waiting === 1 && f.engine.status().oldest! > 1);
  gate.open();
  assert(await late.exception() instanceof ExpiredError);
  assertEquals(await first, 1);
  await f.workers[0]!.stop();
  const nobody = f.executor.with({ expires: 1 }).submit(tasks.double, 1);
  assert(await nobody.exception() instanceof ExpiredError);
  assertEquals(f.engine.status().waiting, 0);
}, { deadline: 30_000 });

test("taskId: what the engine knows does not run again, for any client", async () => {
  await using f = fleet();
  const gate = gateOf("named");
  const first = f.executor.with({ taskId: "job 1" });
  const other = f.client();
  const a = first.submit(tasks.hold, "named");
  const b = first.submit(tasks.hold, "named");
  assertStrictEquals(a, b);
  await until(() => gate.runs.length === 1);
  const c = other.with({ taskId: "job 1" }).submit(tasks.hold, "named");
  const d = other.attach<number>("job 1");
  gate.open();
  assertEquals(await Promise.all([a, c, d]), [1, 1, 1]);
  assertEquals(gate.runs.length, 1);
  assertEquals(await f.client().attach<number>("job 1"), 1);
  const unknown = await f.client().attach("job 2").exception();
  assert(unknown instanceof ResultLostError, String(unknown));
}, { deadline: 30_000 });

test("a worker that is stopped hands back what it has, and another one runs it (F13)", async () => {
  await using f = fleet({ worker: { concurrency: 2, grace: 20 } });
  const gate = gateOf("handed back");
  const futures = [1, 2].map(() => f.executor.submit(tasks.hold, "handed back"));
  await until(() => gate.runs.length === 2);
  const second = f.hire();
  await f.workers[0]!.stop();
  await until(() => gate.runs.length === 4);
  gate.open();
  assertEquals(await Promise.all(futures), [1, 1]); // the attempt is the same
  const lines = f.workers[0]!.events.map(({ message }) => message);
  assert(lines.some((line) => line.startsWith("handed back 2: tests#hold")), lines.join("\n"));
  await second.stop();
});

test("a worker whose tasks run on its own thread says what that means (F3)", async () => {
  await using f = fleet();
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
  const warnings = f.workers[0]!.events.filter(({ level }) => level === "warning");
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.message.includes("runs elsewhere as well"), warnings[0]!.message);
});

test("a worker that is stopped waits for what it has, within grace", async () => {
  await using f = fleet({ worker: { grace: 60_000 } });
  const gate = gateOf("grace");
  const future = f.executor.submit(tasks.hold, "grace");
  await until(() => gate.runs.length === 1);
  const ended = f.workers[0]!.stop();
  const waiting = f.executor.submit(tasks.double, 1);
  await until(() => f.engine.status().waiting === 1);
  gate.open();
  assertEquals(await future, 1);
  await ended;
  assertEquals(waiting.done(), false); // it took no more
});

test("tasks that end their thread fail alone, however many (F16)", async () => {
  await using f = fleet({ threads: true, worker: { executor: undefined, concurrency: 2 } });
  const poison = Array.from({ length: 5 }, () => f.executor.submit(tasks.leave, 3));
  const others = Array.from({ length: 10 }, (_, i) => f.executor.submit(tasks.double, i));
  for (const future of poison) assert(await future.exception() instanceof BrokenExecutorError);
  assertEquals(await Promise.all(others), others.map((_, i) => 2 * i));
}, { deadline: 60_000, leaves: "the worker's own threads end with it" });

test("a client of a wrong secret, and one without, run nothing (F17)", async () => {
  await using f = fleet({ worker: { secret: SECRET }, secret: SECRET });
  const warnings = () => f.workers[0]!.events.filter(({ message }) => message.includes("refused"));
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
  await withoutErrors(async () => {
    for (const options of [{ secret: "another secret of 16" }, {}]) {
      const gate = gateOf("forged");
      const error = await f.client(options).submit(tasks.hold, "forged").exception();
      assert(error instanceof SerializationError, String(error));
      assertEquals(gate.runs.length, 0);
    }
  });
  assertEquals(warnings().length, 1); // once
  assert(!warnings()[0]!.message.includes(SECRET));
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
});

test("a forged outcome is not believed (F17)", async () => {
  await using f = fleet({ workers: 0, secret: SECRET });
  const forged = await withoutErrors(async () => {
    const future = f.executor.submit(tasks.double, 1);
    const worker = memoryTransport(f.engine);
    const consumer = await worker.consume(consumeOptions(), () => {
      return Promise.resolve({ status: "completed", payload: new Uint8Array(64) });
    });
    const error = await future.exception();
    await consumer.close();
    await worker.close();
    return error;
  });
  assert(forged instanceof SerializationError, String(forged));
  assert(forged.message.includes("signature"), forged.message);
});

/** Payloads that anybody could have written to the queue. */
const HOSTILE: readonly (readonly [name: string, payload: () => Uint8Array])[] = [
  ["no bytes", () => new Uint8Array()],
  ["bytes of nothing", () => crypto.getRandomValues(new Uint8Array(500))],
  ["a value of another form", () => new Uint8Array([128])],
  ["a task of __proto__", () => encoded({ module: "__proto__", name: "__proto__" })],
  ["a task of constructor", () => encoded({ module: "tests", name: "constructor" })],
  ["a task of toString", () => encoded({ module: "tests", name: "toString" })],
  [
    "an address for a module",
    () => encoded({ module: "data:text/javascript,export function x(){}", name: "x" }),
  ],
  ["more items than arguments", () => encoded({ items: 7, args: [1, 2] })],
  ["a count below zero", () => encoded({ items: -1 })],
  ["a million items of nothing", () => encoded({ items: 1_000_000 })],
  ["too deep arguments", () => encoded({ args: [deep(5_000)] })],
  ["a timeout that is none", () => encoded({ timeout: Number.NaN })],
];

test("hostile jobs are refused, logged without their content, and harm nobody (F17)", async () => {
  await using f = fleet();
  const attacker = memoryTransport(f.engine);
  const settled: unknown[] = [];
  await attacker.replies((replies) => {
    for (const reply of replies) if (reply.kind === "outcome") settled.push(reply.outcome.status);
  });
  await attacker.add(HOSTILE.map(([, payload], i) => job(`hostile-${i}`, payload())));
  await until(() => settled.length === HOSTILE.length);
  assertEquals(new Set(settled), new Set(["failed"]));
  assertEquals(await f.executor.submit(tasks.double, 1), 2);
  await attacker.close();
});

test("hostile outcomes reject their future alone (F17)", async () => {
  await using f = fleet({ workers: 0 });
  const futures = HOSTILE.map(() => f.executor.submit(tasks.double, 1));
  const worker = memoryTransport(f.engine);
  let at = 0;
  const consumer = await worker.consume(consumeOptions(), () => {
    const status = at % 2 === 0 ? "completed" : "failed";
    const payload = HOSTILE[at++]![1]();
    return Promise.resolve({ status, payload, summary: "", final: true });
  });
  for (const future of futures) {
    const error = await future.exception();
    assert(error instanceof SerializationError, String(error));
  }
  await consumer.close();
  await worker.close();
});

test("eight clients on one queue see their own replies alone (F18)", async () => {
  await using f = fleet({ workers: 2 });
  const clients = Array.from({ length: 8 }, () => f.client());
  const results = await Promise.all(clients.map(async (client, at) => {
    const items = Array.from({ length: 50 }, (_, i) => 1000 * at + i);
    return await client.map(tasks.double, items).toArray();
  }));
  for (const [at, values] of results.entries()) {
    assertEquals(values, Array.from({ length: 50 }, (_, i) => 2 * (1000 * at + i)));
  }
});

test("many tasks, with locks that are lost and replies that are, settle each once", async () => {
  await using f = fleet({ workers: 3 });
  let at = 0;
  f.engine.faults = { lose: () => at++ % 10 === 0, duplicate: true, reorder: true };
  const items = Array.from({ length: 2_000 }, (_, i) => i);
  const run = f.executor.map(tasks.double, items).toArray();
  let over = false;
  void run.finally(() => over = true);
  for (let i = 0; i < 50 && !over; i++) {
    for (const id of f.engine.held.slice(0, 2)) f.engine.loseLock(id);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(await run, items.map((x) => 2 * x));
  assertEquals(f.executor.stats().completed, 2_000);
}, { deadline: 60_000 });

for (const way of ["shutdown", "cancel", "terminate", "dispose"] as const) {
  test(`${way}: nothing of the client stays in the engine (F20)`, async () => {
    await using f = fleet({ worker: { concurrency: 1 } });
    const executor = f.client();
    const futures: Future<number>[] = [];
    for (let i = 0; i < 50; i++) futures.push(executor.submit(tasks.double, i));
    await futures[0];
    if (way === "shutdown") await executor.shutdown();
    else if (way === "cancel") await executor.shutdown({ cancelFutures: true });
    else if (way === "terminate") await executor.terminate();
    else await executor[Symbol.asyncDispose]();
    assertEquals(futures.every((future) => future.done()), true);
    assertEquals(f.engine.channels, 0);
    assertEquals(f.engine.status().waiting, 0);
  });
}

test("shutdown({ wait: false }) returns at once, and what was submitted still settles", async () => {
  await using f = fleet();
  const gate = gateOf("no wait");
  const executor = f.client();
  const future = executor.submit(tasks.hold, "no wait");
  await executor.shutdown({ wait: false });
  assertEquals(future.done(), false);
  gate.open();
  assertEquals(await future, 1);
  await until(() => f.engine.channels === 0);
});

test("a module that does not load ends the worker with one clear line", async () => {
  const { engine } = memoryTransport();
  const url = new URL("./not_there.ts", import.meta.url);
  const worker = new RemoteWorker(memoryTransport(engine), {
    modules: { gone: url },
    concurrency: 1,
  });
  const error = await assertRejects(() => worker.run(), Error, 'Cannot load module "gone"');
  assert(error.message.includes("not_there"), error.message);
  await assertRejects(() => worker.run(), TypeError, "twice");
}, { leaves: "its own threads end with it" });

test("options are checked before anything starts", () => {
  const transport = memoryTransport();
  const wrong: readonly (readonly [unknown, unknown])[] = [
    [undefined, undefined],
    [{}, undefined],
    [transport, { retries: -1 }],
    [transport, { batchSize: 0 }],
    [transport, { expires: 0 }],
    [transport, { secret: "short" }],
    [transport, { maxPending: "1" }],
    [transport, { retry: 1 }],
  ];
  for (const [given, options] of wrong) {
    assertThrowsOption(() => new DistributedExecutor(given as Transport, options as never));
  }
  const executor = new DistributedExecutor(transport);
  for (
    const options of [{ taskId: "" }, { taskId: 5 }, { retries: 0.5 }, { task: 1 }, {
      priority: Infinity,
    }]
  ) {
    assertThrowsOption(() => executor.with(options as never));
  }
  const modules = { tests: new URL("./tasks.ts", import.meta.url) };
  for (
    const options of [
      {},
      { modules: {} },
      { modules: { "a b": modules.tests } },
      { modules: { a: "./tasks.ts" } },
      { modules, lock: 100, check: 60 },
      { modules, allow: ["double"] },
      { modules, executor: {} },
      { modules, module: 1 },
    ]
  ) assertThrowsOption(() => new RemoteWorker(transport, options as never));
});

function assertThrowsOption(make: () => unknown): void {
  let thrown: unknown;
  try {
    make();
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof TypeError || thrown instanceof RangeError, String(thrown));
  assert(thrown.message.startsWith("Cannot "), thrown.message);
}

function encoded(more: Partial<Parameters<typeof encodeTask>[0]>): Uint8Array {
  return encodeTask({
    ...{ module: "tests", name: "double", items: 0, args: [], timeout: undefined },
    ...{ expires: undefined, maxPayload: 1000, reports: false, times: false, carrier: undefined },
    ...more,
  });
}

function deep(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

function job(id: string, payload: Uint8Array): Job {
  return {
    ...{ id, name: "tests#double", payload, priority: 0, retries: 0, backoff: 1 },
    ...{ maxRedeliveries: 3, resultTtl: 60_000 },
  };
}

function consumeOptions(): Parameters<Transport["consume"]>[0] {
  const info = { name: "other", runtime: "x", host: "x", pid: 1, places: 1, running: 0, done: 0 };
  return {
    ...{ concurrency: 1, lock: 1000, check: 500, onTrouble() {} },
    describe: () => ({ ...info, since: 0 }),
  };
}

/** Runs what makes the client say, once, that somebody forges replies. */
async function withoutErrors<T>(run: () => Promise<T>): Promise<T> {
  const { error } = console;
  console.error = () => {};
  try {
    return await run();
  } finally {
    console.error = error;
  }
}
