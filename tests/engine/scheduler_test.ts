import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  BrokenThreadPoolError,
  importTasks,
  ThreadPoolExecutor,
  type ThreadPoolExecutorOptions,
  WorkerCrashError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { FakeRuntime, type FakeWorker, type Memory, tick } from "./fake_runtime.ts";

/** An executor on fake workers. */
function fake(
  options: ThreadPoolExecutorOptions = {},
  memory: Memory = "shared",
): { runtime: FakeRuntime; executor: ThreadPoolExecutor } {
  const runtime = new FakeRuntime(memory);
  return { runtime, executor: new ThreadPoolExecutor({ maxWorkers: 2, runtime, ...options }) };
}

/** Starts a worker and lets it be set up. */
async function boot(worker: FakeWorker): Promise<void> {
  worker.start();
  worker.reply();
  await tick();
}

const identity = (x: number): number => x;

/** Teaches the executor that a function is short, so that it is sent ahead. */
async function teach(runtime: FakeRuntime, executor: ThreadPoolExecutor): Promise<void> {
  for (let i = 0; i < 15; i++) {
    const futures = Array.from({ length: 20 }, (_, n) => executor.submit(identity, n));
    await tick();
    for (const worker of runtime.workers) if (worker.outbox.length === 0) worker.start();
    await runtime.settle();
    assert(futures.every((future) => future.done()));
  }
}

test("a task is pending until its worker claims it, and finished when its worker says so", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit(identity, 7);
  await tick();
  const [worker] = runtime.workers;
  assertEquals(future.state, "pending");
  await boot(worker!);
  assertEquals(future.state, "pending"); // sent, but nobody has begun it
  while (worker!.receive());
  assertEquals(future.state, "finished"); // the reply is on its way, but what it tells is there to be seen
  assertEquals(await future, 7);
  while (worker!.reply());
  assertEquals([executor.stats().completed, executor.stats().running], [1, 0]);
});

test("cancel() of a task that was sent ahead wins or loses against its worker, never both", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const won = executor.submit(identity, 1);
  await tick();
  const [worker] = runtime.workers;
  await boot(worker!);
  assert(won.cancel());
  await runtime.settle();
  const lost = executor.submit(identity, 2);
  await tick();
  while (worker!.receive());
  assertEquals(lost.cancel(), false);
  await runtime.settle();
  assertEquals(await lost, 2);
  assertEquals([executor.stats().cancelled, executor.stats().completed], [1, 1]);
});

test("a worker is referenced while it has work, and only then", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit(identity, 1);
  await tick();
  const [worker] = runtime.workers;
  assert(worker!.referenced);
  await boot(worker!);
  await runtime.settle();
  assertEquals(await future, 1);
  assertEquals(worker!.referenced, false);
});

test("a worker that dies while it starts: its tasks run elsewhere", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit(identity, 5);
  await tick();
  runtime.workers[0]!.die(1);
  await tick();
  await boot(runtime.workers[1]!);
  await runtime.settle();
  assertEquals(await future, 5);
  assertEquals(executor.stats().crashed, 1);
});

test("a worker that dies between send and claim: its tasks run elsewhere", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit(identity, 5);
  await tick();
  await boot(runtime.workers[0]!);
  runtime.workers[0]!.die(1);
  await tick();
  await boot(runtime.workers[1]!);
  await runtime.settle();
  assertEquals(await future, 5);
});

test("a worker that dies between claim and reply: that task fails, those behind it run elsewhere", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  await teach(runtime, executor);
  const worker = runtime.workers[0]!;
  // An asynchronous task holds the only place, so that those behind it are not begun.
  const hanging = executor.submit(() => new Promise<void>(() => {}));
  const behind = Array.from({ length: 10 }, (_, i) => executor.submit(identity, i));
  await tick();
  while (worker.receive());
  assertEquals(hanging.state, "running");
  worker.die(9);
  await tick();
  const error = await assertRejects(() => hanging.result(), WorkerCrashError);
  assertEquals(error.exitCode, 9);
  await boot(runtime.workers[1]!);
  await runtime.settle();
  assertEquals(await Promise.all(behind), behind.map((_, i) => i));
});

test("without shared memory what was sent is running, and fails with its worker", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 }, "none");
  const sent = executor.submit(identity, 1);
  const queued = executor.submit(identity, 2);
  await tick();
  await boot(runtime.workers[0]!);
  assertEquals([sent.state, queued.state], ["running", "pending"]);
  assertEquals([sent.cancel(), queued.cancel()], [false, true]);
  runtime.workers[0]!.die(1);
  await assertRejects(() => sent.result(), WorkerCrashError);
});

test("replies that were sent before the death count", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit(identity, 3);
  await tick();
  await boot(runtime.workers[0]!);
  while (runtime.workers[0]!.receive());
  runtime.workers[0]!.die(1, true);
  assertEquals(await future, 3);
});

test("a message after the exit changes nothing", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit((x: number) => ({ x }), 3); // what only a message can tell
  await tick();
  const worker = runtime.workers[0]!;
  await boot(worker);
  while (worker.receive());
  assertEquals([future.running(), future.cancel(), future.done()], [false, false, false]);
  const late = worker.outbox.slice();
  worker.die(1);
  for (const message of late) worker.events.message(message);
  await assertRejects(() => future.result(), WorkerCrashError);
});

test("a stray error replaces the worker and is the cause of what it was running", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const hanging = executor.submit(() => new Promise<void>(() => {}));
  await tick();
  const worker = runtime.workers[0]!;
  await boot(worker);
  while (worker.receive());
  worker.uncaughtError(new RangeError("out of nowhere"));
  while (worker.reply());
  const error = await assertRejects(() => hanging.result(), WorkerCrashError);
  assertInstanceOf(error.cause, RangeError);
});

test("a message that cannot be read replaces the worker", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const hanging = executor.submit(() => new Promise<void>(() => {}));
  await tick();
  const worker = runtime.workers[0]!;
  await boot(worker);
  while (worker.receive());
  worker.events.messageError();
  await assertRejects(() => hanging.result(), WorkerCrashError);
  assert(worker.terminated);
});

test("three deaths in a row break the executor, and pending futures get the cause", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit(identity, 1);
  for (let i = 0; i < 3; i++) {
    await tick();
    runtime.workers[i]!.events.error(new Error(`death ${i}`));
    runtime.workers[i]!.die(1);
  }
  const error = await assertRejects(() => future.result(), BrokenThreadPoolError);
  assertEquals((error.cause as Error).message, "death 2");
  assertEquals(runtime.workers.length, 3);
});

test("a task done between deaths renews the crash budget", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  for (let i = 0; i < 10; i++) {
    const future = executor.submit(identity, i);
    await tick();
    const worker = runtime.workers.at(-1)!;
    await boot(worker);
    await runtime.settle();
    assertEquals(await future, i);
    worker.die(1);
    await tick();
  }
  assertEquals(executor.stats().crashed, 10);
});

test("spawn that throws breaks the executor with the error as cause", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  runtime.spawnError = new Error("no more threads");
  const future = executor.submit(identity, 1);
  const error = await assertRejects(() => future.result(), BrokenThreadPoolError);
  assertEquals((error.cause as Error).message, "no more threads");
  await executor.shutdown();
});

for (
  const [how, fail] of [
    ["throws", (runtime: FakeRuntime) => runtime.spawnError = new Error("no more threads")],
    ["gives a worker that ends before it listens", () => {}],
  ] as const
) {
  test(`spawn that ${how} beside a worker that lives leaves the work to that one`, async () => {
    const { runtime, executor } = fake({ maxWorkers: 10 });
    const first = executor.submit(identity, 0);
    await tick();
    const [worker] = runtime.workers;
    await boot(worker!);
    await runtime.settle();
    assertEquals(await first, 0);
    fail(runtime);
    const futures = Array.from({ length: 20 }, (_, i) => executor.submit(identity, i));
    await tick();
    for (const other of runtime.workers) if (other !== worker) other.die(1);
    await runtime.settle();
    assertEquals(await Promise.all(futures), futures.map((_, i) => i));
    const started = runtime.workers.length;
    await Promise.all([
      executor.submit(identity, 1),
      executor.submit(identity, 2),
      runtime.settle(),
    ]);
    assertEquals(runtime.workers.length, started, "no more are tried");
    assertEquals([executor.stats().workers, executor.stats().crashed], [1, 0]);
    const ended = executor.shutdown();
    await runtime.settle();
    await ended;
  });
}

test("warmUp() waits for no worker that the system does not give", async () => {
  const { runtime, executor } = fake({ maxWorkers: 3 });
  const warm = executor.warmUp();
  const [first, ...others] = runtime.workers;
  await boot(first!);
  for (const other of others) other.die(1);
  await runtime.settle();
  await warm;
  assertEquals(executor.stats().workers, 1);
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
});

test("an idle worker takes over half of what a busy one has not begun", async () => {
  const { runtime, executor } = fake();
  await teach(runtime, executor);
  const [first, second] = runtime.workers;
  assert(first !== undefined && second !== undefined);
  const futures = Array.from({ length: 100 }, (_, i) => executor.submit(identity, i));
  await tick();
  // The second worker does all it has; the first gets nothing delivered at all.
  for (let i = 0; i < 50; i++) {
    while (second.receive());
    while (second.reply());
    await tick();
  }
  const done = futures.filter((future) => future.done()).length;
  assert(done >= 99, `${done} of 100 are done`);
  await runtime.settle();
  assertEquals(await Promise.all(futures), futures.map((_, i) => i));
});

test("a task of higher priority goes before what was sent ahead", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  await teach(runtime, executor);
  const log: number[] = (globalThis as { log?: number[] }).log = [];
  const note = (x: number): unknown => (globalThis as { log?: number[] }).log!.push(x);
  for (let i = 0; i < 40; i++) {
    executor.submit(note, -1);
    await tick();
    await runtime.settle();
  }
  log.length = 0;
  for (let i = 0; i < 50; i++) executor.submit(note, i);
  await tick(); // sent ahead to the only worker
  executor.with({ priority: 1 }).submit(note, 1000);
  await tick();
  await runtime.settle();
  assertEquals(log.length, 51);
  assert(log.indexOf(1000) <= 1, `started as number ${log.indexOf(1000)}`);
  const others = log.filter((x) => x !== 1000);
  assertEquals(others, others.map((_, i) => i));
});

test("more broadcasts than a worker has slots wait for slots", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1 });
  const future = executor.submit(identity, 1);
  await tick();
  await boot(runtime.workers[0]!);
  const all = Array.from({ length: 5000 }, (_, n) => executor.broadcast(identity, n));
  const last = executor.submit(identity, 2);
  await runtime.settle();
  assertEquals(await future, 1);
  assertEquals(await last, 2);
  assertEquals((await Promise.all(all)).flat(), Array.from({ length: 5000 }, (_, n) => n));
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
});

test("a module that is loaded does not let younger tasks of its worker begin first", async () => {
  const { runtime, executor } = fake({ maxWorkers: 1, tasksPerWorker: 3 });
  const order: string[] = (globalThis as unknown as { order: string[] }).order = [];
  const { note, noteToo } = importTasks<typeof import("../fixtures/order.ts")>(
    new URL("../fixtures/order.ts", import.meta.url),
  );
  const futures = [executor.submit(note, "first"), executor.submit(noteToo, "second")];
  futures.push(executor.submit(() => void order.push("third")));
  await tick();
  await boot(runtime.workers[0]!);
  while (futures.some((future) => !future.done())) await runtime.settle();
  await Promise.all(futures);
  assertEquals(order, ["first", "second", "third"]);
  const ended = executor.shutdown();
  await runtime.settle();
  await ended;
});
