/**
 * Workers that lie: every kind of reply with every wrong value, while a task runs, waits behind it, and
 * is done. Whatever is said, every future settles, nothing runs twice, nothing is thrown in the owner, and
 * the executor ends.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ThreadPoolExecutor, WorkerCrashError } from "../../mod.ts";
import type { Future } from "../../mod.ts";
import {
  CHILD_TASK,
  CHILD_TASKS,
  HELLO,
  KINDS,
  PARKED,
  SETUP,
  SPAWN,
  STARTED,
  VALUES as GIVES,
} from "../../src/wire/messages.ts";
import { test } from "../harness.ts";
import { FakeRuntime, type FakeWorker, type Memory, tick } from "./fake_runtime.ts";

/** What `ran` on the worker that lied fails, what was `behind` it runs elsewhere, and the executor ends. */
async function breached(
  runtime: FakeRuntime,
  executor: ThreadPoolExecutor,
  liar: FakeWorker,
  ran: () => Promise<unknown>,
  behind: Future<number>,
): Promise<void> {
  for (const other of runtime.workers) if (!other.dead && other !== liar) other.start();
  await runtime.settle();
  const error = await ran().catch((error) => error);
  assertInstanceOf(error, WorkerCrashError);
  assertInstanceOf(error.cause, Error);
  assert(error.cause.message.startsWith("The worker does not keep to the protocol"));
  assertEquals(await behind, 1);
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
}

/** What is written where a number, a slot or a list should stand. */
const VALUES: readonly unknown[] = [
  undefined,
  NaN,
  -1,
  0,
  1,
  0.5,
  4096,
  -2e9,
  "constructor",
  { length: 2 ** 32 },
];

/** Messages of one kind: bare, with one value, with several, and a giant one without elements. */
function forgeries(kind: number): unknown[][] {
  const messages: unknown[][] = [[kind]];
  for (const value of VALUES) {
    messages.push([kind, value], [kind, 0, value, -1, "x"], [kind, value, 1, -1, "x"]);
  }
  const giant: unknown[] = [kind];
  giant.length = 2 ** 32 - 1;
  messages.push(giant);
  return messages;
}

/** Counts its runs where the test sees them. */
function count(name: number): number {
  const { runs } = globalThis as unknown as { runs: number[] };
  runs[name] = (runs[name] ?? 0) + 1;
  return name;
}

/** What the worker was told when it was set up. */
function secretOf(worker: FakeWorker): number {
  for (const message of worker.inbox as [number, { secret: number }][]) {
    if (message[0] === SETUP) return message[1].secret;
  }
  throw new Error("it was not set up");
}

async function lie(memory: Memory, message: unknown[], hello: boolean): Promise<void> {
  const runs: number[] = (globalThis as unknown as { runs: number[] }).runs = [];
  const runtime = new FakeRuntime(memory);
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime, grace: 0 });
  const held = executor.submit(async () => await new Promise<void>(() => {}));
  const behind = [1, 2].map((name) => executor.submit(count, name));
  await tick();
  const worker = runtime.workers[0]!;
  worker.start();
  worker.reply();
  await tick();
  const secret = secretOf(worker);
  while (worker.receive());
  const kind = message[0] as number;
  // What is giant is not copied element by element.
  message[0] = secret + kind;
  worker.events.message(hello ? [HELLO, kind, message[1]] : message);
  await tick();
  for (const other of runtime.workers) if (other !== worker && !other.dead) other.start();
  await runtime.settle();
  const ended = executor.terminate();
  await runtime.settle();
  await ended;
  for (const future of [held, ...behind]) assert(future.done());
  const error = await held.result().catch((error) => error);
  const isOutcome = error === undefined || error instanceof Error || typeof error !== "object" ||
    VALUES.includes(error);
  assert(isOutcome, String(error));
  for (const [name, times] of runs.entries()) {
    assert((times ?? 0) <= 1, `${name} ran ${times} times`);
  }
}

for (const memory of ["shared", "counted"] as const) {
  for (let kind = 0; kind < KINDS; kind++) {
    test(
      `a worker that lies in a message of kind ${kind} hangs nothing and repeats nothing [${memory}]`,
      async () => {
        const owner = Object.getOwnPropertyNames(Array);
        for (const message of forgeries(kind)) {
          await lie(memory, message, false);
          if ((message.length as number) < 100) await lie(memory, message, true);
        }
        assertEquals(Object.getOwnPropertyNames(Array), owner);
        assert(!("slot" in {}) && !("worker" in Array.prototype));
      },
      { deadline: 30_000 },
    );
  }
}

test("what a task posts of its own is not taken for the program's", async () => {
  const runtime = new FakeRuntime();
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  const future = executor.submit((x: number) => x, 7);
  await tick();
  const worker = runtime.workers[0]!;
  worker.start();
  worker.reply();
  await tick();
  const secret = secretOf(worker);
  for (
    const first of [
      ...VALUES,
      ...Array.from({ length: KINDS }, (_, kind) => kind),
      secret - 1,
      secret + KINDS,
    ]
  ) {
    worker.events.message([first, 0, 1, -1, "not the result"]);
    worker.events.message(first);
  }
  await runtime.settle();
  assertEquals(await future, 7);
  assertEquals(runtime.workers.length, 1);
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
});

test("a breach costs the task that ran, with its reason, and no other", async () => {
  const runtime = new FakeRuntime();
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  const held = executor.submit(async () => await new Promise<void>(() => {}));
  const behind = executor.submit((x: number) => x, 1);
  await tick();
  const worker = runtime.workers[0]!;
  worker.start();
  worker.reply();
  await tick();
  const secret = secretOf(worker);
  while (worker.receive());
  worker.events.message([secret + KINDS - 1]);
  await runtime.settle();
  const error = await held.result().catch((error) => error);
  assertInstanceOf(error, WorkerCrashError);
  assertInstanceOf(error.cause, Error);
  assert(error.cause.message.startsWith("The worker does not keep to the protocol"));
  for (const other of runtime.workers) if (!other.dead) other.start();
  await runtime.settle();
  assertEquals(await behind, 1);
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
});

test("a task that is said to begin twice is a breach", async () => {
  const runtime = new FakeRuntime();
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime, maxPending: 10 });
  const held = executor.submit(async () => await new Promise<void>(() => {}));
  await tick();
  const worker = runtime.workers[0]!;
  worker.start();
  worker.reply();
  await tick();
  const secret = secretOf(worker);
  while (worker.receive());
  while (worker.reply()); // it begins
  await tick();
  assert(!worker.terminated);
  worker.events.message([secret + STARTED, 0]);
  await runtime.settle();
  const error = await held.result().catch((error) => error);
  assertInstanceOf(error, WorkerCrashError);
  assertInstanceOf(error.cause, Error);
  assert(error.cause.message.includes("begins a second time"), error.cause.message);
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
});

test("a stream that gives what it may not is a breach; its values so far hold", async () => {
  const wrong = [[], Array(65).fill(0), "x", { length: 1 }, null, 5];
  for (
    const [given, ...rest] of [
      ...wrong.map((values) => [1, values]), // it is in the ring
      ...wrong.map((values) => [1, values, 0]),
      [1, [2]],
      [1, [2], 2],
      [1, [2], "0"],
      [1, undefined, 0],
      ...[...wrong, undefined].map((values) => ["left", values]), // it has left the ring
      ["left", [2], 0],
    ] as [number | string, ...unknown[]][]
  ) {
    const runtime = new FakeRuntime();
    const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
    const stream = executor.stream(async function* (value: number | string) {
      yield value;
      await new Promise<void>(() => {});
    }, given);
    const plain = executor.submit(count, 1);
    await tick();
    const worker = runtime.workers[0]!;
    worker.start();
    worker.reply();
    await tick();
    const secret = secretOf(worker);
    await runtime.settle();
    worker.events.message([secret + GIVES, 0, ...rest]);
    assertEquals(await stream.next(), { done: false, value: given });
    await tick();
    await breached(runtime, executor, worker, () => stream.next(), plain);
  }
});

test("a task that submits what it may not is a breach", async () => {
  const wire = { kind: "source", name: "f", source: "() => 1" };
  for (
    const [kind, ...rest] of [
      [CHILD_TASK, -1, wire],
      [CHILD_TASK, CHILD_TASKS, wire],
      [CHILD_TASK, 0, undefined],
      [CHILD_TASK, 0, { ...wire, kind: "other" }],
      [CHILD_TASK, 0, { ...wire, source: 5 }],
      [CHILD_TASK, 0, { ...wire, name: {} }],
      [SPAWN, 0, 0, 0, 1, 0, 1],
      [SPAWN, 0, 2 * PARKED, 0, 1, 0, 1],
      [SPAWN, 0, PARKED, -1, 1, 0, 1],
      [SPAWN, 0, PARKED, 0, 2, 0, 1],
      [SPAWN, 0, PARKED, 0, "constructor", 0, 1],
      [SPAWN, 0, PARKED, 0, 1, 1, 1],
      [SPAWN, 0, PARKED, 0, 1, 1, 2, 7],
      [SPAWN, 0, PARKED, 0, 1, -1, 1],
      [SPAWN, 0, PARKED, 0, 1, 2 ** 32, 1],
      [SPAWN, 0, PARKED, 0, 1, 0, 0],
      [SPAWN, 0, PARKED, 0, 1, 0, 2 ** 31],
      [SPAWN, 0, PARKED, 0, 1, 0, undefined],
      [SPAWN, 0, PARKED, 0, 1, 1, [5], 1],
      [SPAWN, 1, PARKED, 0, 1, 0, 1],
    ] as [number, ...unknown[]][]
  ) {
    const runtime = new FakeRuntime();
    const executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
    const held = executor.submit(async () => await new Promise<void>(() => {}));
    const plain = executor.submit(count, 1);
    await tick();
    const worker = runtime.workers[0]!;
    worker.start();
    worker.reply();
    await tick();
    const secret = secretOf(worker);
    await runtime.settle();
    worker.events.message([secret + CHILD_TASK, 1, wire]);
    assert(!worker.terminated);
    worker.events.message([secret + kind, ...rest]);
    assert(worker.terminated, JSON.stringify([kind, ...rest]));
    await tick();
    await breached(runtime, executor, worker, () => held.result(), plain);
  }
});
