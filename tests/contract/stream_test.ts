/**
 * Streams: tasks whose values come one by one.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import process from "node:process";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  FutureSource,
  importTasks,
  SerializationError,
  ShutdownError,
  type TaskContext,
  type TaskStream,
  TimeoutError,
  transfer,
  WorkerCrashError,
} from "../../mod.ts";
import {
  type ExecutorKind,
  Gate,
  type Handle,
  hold,
  leave,
  note,
  Notes,
  noWorkers,
  until,
} from "./executors.ts";
import { testEach } from "./subjects.ts";

function* upTo(count: number): Generator<number, string> {
  for (let i = 0; i < count; i++) yield i;
  return "end";
}

/** Counts what it yields, and tells when it has ended. */
function* counting(handle: Handle): Generator<number> {
  const add = (value: number): void => {
    if (typeof handle === "string") {
      process.getBuiltinModule("node:fs").appendFileSync(`${handle}/notes`, `${value}\n`);
    } else {
      const cells = new Int32Array(handle);
      cells[1 + Atomics.add(cells, 0, 1)] = value;
    }
  };
  try {
    for (let i = 0;; i++) {
      add(i);
      yield i;
    }
  } finally {
    add(-1);
  }
}

async function* waiting(this: TaskContext, count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
  await new Promise<void>((resolve) => this.signal.addEventListener("abort", () => resolve()));
}

/** Why what is the same with threads is not done twice. */
function isDouble(kind: ExecutorKind): string | undefined {
  return kind.name === "createExecutor()" && !kind.inline
    ? "it is a ThreadPoolExecutor"
    : undefined;
}

/** All values, and what came after them. */
async function read(stream: TaskStream<unknown>): Promise<[values: unknown[], error?: unknown]> {
  const values: unknown[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    return [values, error];
  }
  return [values];
}

testEach("stream() gives the values in order, then what the generator returns", async ({
  create,
}) => {
  await using executor = create();
  const stream = executor.stream(upTo, 1000);
  for (let i = 0; i < 1000; i++) assertEquals(await stream.next(), { done: false, value: i });
  assertEquals(await stream.next(), { done: true, value: "end" });
  assertEquals(await stream.next(), { done: true, value: undefined });
  assertEquals(await stream.future, "end");

  const few = executor.stream(upTo, 2);
  const asked = await Promise.all([few.next(), few.next(), few.next(), few.next()]);
  assertEquals(asked.map(({ value }) => value), [0, 1, "end", undefined]);
  assertEquals(await read(executor.stream(upTo, 0)), [[]]);

  const a = executor.stream(upTo, 300), b = executor.with({ bufferSize: 1 }).stream(upTo, 30);
  const [[inA], [inB]] = await Promise.all([read(a), read(b)]);
  assertEquals([inA.length, inB.length], [300, 30]);
  assertEquals(executor.stats().completed, 5);
});

testEach("stream() takes generators and whatever else can be iterated over", async ({ create }) => {
  await using executor = create();
  const later = async function* (): AsyncGenerator<string> {
    for (const letter of "abc") {
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield letter;
    }
  };
  assertEquals(await read(executor.stream(later)), [["a", "b", "c"]]);
  assertEquals(await read(executor.stream(() => [1, undefined, { x: 2 }])), [[
    1,
    undefined,
    { x: 2 },
  ]]);
  assertEquals(await read(executor.stream(async () => await new Set([1, 2]))), [[1, 2]]);
  assertEquals(await read(executor.stream(() => [Promise.resolve(1), 2])), [[1, 2]]);
  assertEquals(await read(executor.stream((x: number) => [x], new FutureSourceOf(7).future)), [[
    7,
  ]]);
  const [values, error] = await read(executor.stream(() => 5 as unknown as number[]));
  assertEquals(values, []);
  assertInstanceOf(error, TypeError);
  assert(error.message.includes("nothing to iterate over"), error.message);
});

/** A future that is done. */
class FutureSourceOf extends FutureSource<number> {
  constructor(value: number) {
    super();
    this.setResult(value);
  }
}

testEach("stream() never runs further ahead than bufferSize", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  for (const bufferSize of [1, 2, 7, 64]) {
    using notes = new Notes(kind);
    const stream = executor.with({ bufferSize }).stream(counting, notes.handle);
    for (let taken = 1; taken <= 3 * bufferSize && taken <= 30; taken++) {
      await stream.next();
      assert(notes.values.length <= taken + bufferSize, `${bufferSize}: ${notes.values.length}`);
    }
    const most = Math.min(3 * bufferSize, 30) + bufferSize;
    // It stands still there, or half of the buffer before.
    await until(() => notes.values.length >= most - bufferSize / 2);
    assert(notes.values.length <= most);
    await stream.return();
  }
  for (const bufferSize of [0, -1, 1.5]) {
    assertThrows(() => executor.with({ bufferSize }), RangeError, "bufferSize");
  }
});

testEach("leaving a stream ends its generator before its place is free", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  using notes = new Notes(kind);
  const stream = executor.with({ bufferSize: 4 }).stream(counting, notes.handle);
  for await (const value of stream) if (value === 10) break;
  assert(stream.future.done());
  await executor.submit(note, notes.handle, -2);
  assertEquals(notes.values.slice(-2), [-1, -2]);
  assertInstanceOf(await stream.future.exception(), CancelledError);
  assertEquals((await stream.next()).done, true);
  assertEquals((await stream.return()).done, true);

  // An asynchronous one that waits is asked by its signal.
  const asked = executor.stream(waiting, 3);
  for await (const value of asked) if (value === 2) break;
  assert(asked.future.done());
  {
    await using left = executor.stream(waiting, 1);
    await left.next();
  }
  assertEquals(executor.stats().running, 0);
});

testEach("a stream that is left before it has begun never runs", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  using gate = new Gate(kind);
  using notes = new Notes(kind);
  const held = Array.from(
    { length: kind.inline ? 1 : kind.perWorker },
    () => executor.submit(hold, gate.handle),
  );
  await gate.waitEntered(held.length);
  const stream = executor.stream(counting, notes.handle);
  const asked = stream.next();
  assertEquals(stream.future.state, "pending");
  await stream.return();
  assertEquals(stream.future.cancelled(), true);
  assertEquals((await asked).done, true);
  gate.open();
  await Promise.all(held);
  assertEquals(notes.values, []);
});

testEach("a stream takes a place until it ends", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  const streams = Array.from({ length: kind.perWorker }, () => executor.stream(waiting, 1));
  for (const stream of streams) await stream.next();
  const behind = executor.submit(() => "behind");
  if (!kind.inline) {
    await executor.stats();
    assertEquals([executor.stats().running, behind.state], [kind.perWorker, "pending"]);
  }
  for (const stream of streams) await stream.return();
  assertEquals(await behind, "behind");
}, { bug: (kind) => kind.inline ? "it has 32 places" : undefined });

testEach("a stream that fails rejects after the values that came", async ({ create }) => {
  await using executor = create();
  const failing = executor.stream(function* () {
    yield 1;
    yield 2;
    throw new RangeError("after two");
  });
  const [values, error] = await read(failing);
  assertEquals(values, [1, 2]);
  assertInstanceOf(error, RangeError);
  assertEquals(await failing.future.exception(), error);

  const rejecting = executor.stream(function* () {
    yield 1;
    yield Promise.reject(new RangeError("second"));
  });
  assertInstanceOf((await read(rejecting))[1], RangeError);
  const [before, uncloneable] = await read(executor.stream(function* () {
    yield 1;
    yield () => 2;
    yield 3;
  }));
  assertEquals(before, [1]);
  assertInstanceOf(uncloneable, SerializationError);
  assert(uncloneable.message.startsWith('Cannot send a value of stream "'), uncloneable.message);
  assertEquals(await executor.submit(() => "goes on"), "goes on");
});

testEach("a stream whose worker dies rejects after the values that came", async ({ create }) => {
  await using executor = create();
  const source = `async function* dying() {
    yield 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await (${leave})(3);
  }`;
  const dying = new Function(`return ${source}`)() as () => AsyncGenerator<number>;
  const [values, error] = await read(executor.stream(dying));
  assertEquals(values, [1]);
  assertInstanceOf(error, WorkerCrashError);
  assertEquals(await read(executor.stream(upTo, 2)), [[0, 1]]);
}, { bug: noWorkers });

testEach("a signal and a timeout end a stream, after the values that came", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  using notes = new Notes(kind);
  const controller = new AbortController();
  const stream = executor.with({ signal: controller.signal, bufferSize: 8 })
    .stream(counting, notes.handle);
  await stream.next();
  await until(() => notes.values.length === 8);
  controller.abort(new Error("enough"));
  const [values, error] = await read(stream);
  assert(values.length <= 7);
  assert(error instanceof Error && error.message === "enough", String(error));
  await executor.submit(note, notes.handle, -2);
  assertEquals(notes.values.slice(-2), [-1, -2]);

  const late = executor.with({ timeout: 200 }).stream(waiting, 2);
  const [few, timeout] = await read(late);
  assertEquals(few, [0, 1]);
  assertInstanceOf(timeout, TimeoutError);
  const never = executor.with({ signal: controller.signal }).stream(upTo, 2);
  assertEquals(never.future.cancelled(), true);
  await assertRejects(() => never.next(), Error, "enough");
});

testEach("values of a stream may be moved, and go into a ReadableStream", async ({ create }) => {
  await using executor = create();
  const stream = executor.stream(function* (mark: symbol | string) {
    for (let i = 0; i < 3; i++) {
      const bytes = new Uint8Array([i, i]);
      // What transfer() makes; a task that stands alone has no import.
      yield {
        [Symbol.for("@concurrent/futures.transfer")]: { value: bytes, transfer: [bytes.buffer] },
      } as unknown as Uint8Array;
      yield [bytes.length, mark];
    }
  }, transfer("x", []));
  const [values] = await read(stream);
  assertEquals(values.filter((_, i) => i % 2 === 0), [0, 1, 2].map((i) => new Uint8Array([i, i])));
  assertEquals(values.filter((_, i) => i % 2 === 1), Array(3).fill([0, "x"]));

  const { from } = ReadableStream as {
    from?: (values: AsyncIterable<number>) => ReadableStream<number>;
  };
  if (from === undefined) return; // Chromium has none
  let sum = 0;
  const reader = from.call(ReadableStream, executor.stream(upTo, 200)).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) sum += read.value;
  assertEquals(sum, 19_900);
}, { bug: isDouble });

testEach("submit() of a generator says to use stream()", async ({ create }) => {
  await using executor = create();
  assertThrows(() => executor.submit(upTo, 2), TypeError, "use executor.stream()");
  assertThrows(() => executor.map(upTo, [2]), TypeError, "use executor.stream()");
  await assertRejects(
    () => executor.submit(() => (function* () {})()).result(),
    SerializationError,
    "use executor.stream()",
  );
  assertThrows(() => executor.stream(5 as never), TypeError, "Cannot submit 5");
  const url = "data:text/javascript,export function* many(n) { for (;;) yield n }";
  const { many } = importTasks<{ many(n: number): Generator<number> }>(url);
  const values: number[] = [];
  for await (const value of executor.stream(many, 5)) if (values.push(value) === 3) break;
  assertEquals(values, [5, 5, 5]);
});

testEach("shutdown() lets streams end; terminate() ends them", async (kind) => {
  const executor: Executor = kind.create({ maxWorkers: 1 });
  const stream = executor.stream(upTo, 100);
  await stream.next();
  const ended = executor.shutdown();
  assertEquals((await read(stream))[0].length, 99);
  await ended;
  assertThrows(() => executor.stream(upTo, 1), ShutdownError);

  const other = kind.create({ maxWorkers: 1 });
  using notes = new Notes(kind);
  const cut = other.with({ bufferSize: 3 }).stream(counting, notes.handle);
  assertEquals((await cut.next()).value, 0);
  await until(() => notes.values.length >= 3);
  const terminated = other.terminate();
  const [values, error] = await read(cut);
  assert(values.length <= 3);
  assertInstanceOf(error, BrokenExecutorError);
  await terminated;
});

testEach("a death that breaks the executor ends its streams", async (kind) => {
  await using executor = kind.create({ maxWorkers: 2, onCrash: "break" });
  const stream = executor.stream(waiting, 2);
  await stream.next();
  // Not on the same worker, where it would only crash.
  const dying = executor.submit(leave, 3);
  const [values, error] = await read(stream);
  assert(values.length <= 1);
  assert(error instanceof BrokenExecutorError || error instanceof WorkerCrashError, String(error));
  assert(await dying.exception() instanceof Error);
  assertThrows(() => executor.stream(upTo, 1), BrokenExecutorError);
}, { bug: (kind) => noWorkers(kind) ?? isDouble(kind) });
