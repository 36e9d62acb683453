import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import process from "node:process";
import {
  CancelledError,
  type Executor,
  SerializationError,
  ShutdownError,
  TimeoutError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import {
  ALL_EXECUTORS,
  count,
  Gate,
  type Handle,
  hold,
  occupy,
  settle,
  until,
} from "./executors.ts";
import { testEach } from "./subjects.ts";

/** How many run, or were sent to a process that has not said yet that it gives them back: they may still begin. */
function begunOrAsked(executor: Executor): number {
  const { pending, running } = executor.stats();
  return pending + running;
}

const END = { done: true, value: undefined } as const;

function double(x: number): number {
  return x * 2;
}

function failAt3(x: number): number {
  if (x === 3) throw new RangeError("three");
  return x;
}

/** A task that fails if there is no gate to hold it. */
async function failOrHold(handle: Handle | undefined): Promise<void> {
  if (handle === undefined) throw new RangeError("first");
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
  if (typeof handle === "string") {
    const { appendFileSync, existsSync } = process.getBuiltinModule("node:fs");
    appendFileSync(`${handle}/entered`, ".");
    while (existsSync(`${handle}/closed`)) await pause();
  } else {
    const cells = new Int32Array(handle);
    Atomics.add(cells, 1, 1);
    while (Atomics.load(cells, 0) === 0) await pause();
  }
}

/** Counts what is read of it, and whether it was closed. */
class Input implements Iterable<number> {
  reads = 0;
  closed = 0;
  readonly #length: number;

  constructor(length = Infinity) {
    this.#length = length;
  }

  *[Symbol.iterator](): Iterator<number> {
    try {
      while (this.reads < this.#length) yield this.reads++;
    } finally {
      this.closed++;
    }
  }
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await delay(0);
    yield item;
  }
}

/** Resolves when it has nothing to do, and has had the time to find more. */
async function idle(executor: Executor): Promise<void> {
  const quiet = () => {
    const { pending, running } = executor.stats();
    return pending === 0 && running === 0;
  };
  for (let i = 0; i < 3; i++) {
    await until(quiet);
    await settle(3);
  }
}

for (const kind of ALL_EXECUTORS) {
  const on = `[${kind.name}]`;

  test(`map() yields in input order ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    using first = new Gate(kind);
    using others = new Gate(kind);
    others.open();
    const handles = [first, others, others, others].map((gate) => gate.handle);
    const seen: number[] = [];
    const results = executor.map(hold, handles, [0, 1, 2, 3], { chunkSize: 1 });
    await until(() => others.left === 3);
    first.open(); // its item ends last
    for await (const x of results) seen.push(x);
    assertEquals(seen, [0, 1, 2, 3]);
  });

  test(`map() yields thousands in input order ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: kind.several });
    const items = Array.from({ length: 5000 }, (_, i) => i);
    assertEquals(await executor.map(double, items).toArray(), items.map(double));
  });

  for (
    const [name, items, expected] of [
      ["an array", [1, 2, 3], [1, 2, 3]],
      ["a typed array", new Uint8Array([1, 2, 3]), [1, 2, 3]],
      ["a set", new Set([1, 2, 3]), [1, 2, 3]],
      ["a map", new Map([[1, 2], [3, 4]]), [[1, 2], [3, 4]]],
      ["a string", "a😀", ["a", "😀"]],
    ] as [string, Iterable<unknown>, unknown[]][]
  ) {
    test(`map() of ${name} runs without iteration ${on}`, async () => {
      await using executor = kind.create({ maxWorkers: 2 });
      using gate = new Gate(kind);
      const handles = expected.map(() => gate.handle);
      const results = executor.map(count<unknown>, items, handles);
      await executor.shutdown();
      assertEquals(gate.entered, expected.length);
      assertEquals(await results.toArray(), expected);
    });
  }

  test(`map() takes the items at the call ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const items = [1, 2, 3];
    const results = executor.map(double, items);
    items.push(4);
    items[0] = 100;
    gate.open();
    assertEquals(await results.toArray(), [2, 4, 6]);
  });

  test(`map() reads a lazy input at most bufferSize ahead, never one more ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const input = new Input();
    const results = executor.map(double, input, { bufferSize: 3 });
    await idle(executor);
    assertEquals(input.reads, 3);
    for (let taken = 1; taken <= 5; taken++) {
      assertEquals(await results.next(), { done: false, value: 2 * (taken - 1) });
      await idle(executor);
      assertEquals(input.reads, 3 + taken);
    }
    await results.return!();
    await idle(executor);
    assertEquals(input.reads, 8);
  });

  test(`map() reads nothing more while the worker is held ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const input = new Input();
    const results = executor.map(double, input, { bufferSize: 5 });
    const first = results.next();
    await settle();
    assertEquals(input.reads, 5);
    gate.open();
    assertEquals(await first, { done: false, value: 0 });
    await idle(executor);
    assertEquals(input.reads, 6);
    await results.return!();
  });

  test(`map() with a bufferSize of 1 reads one ahead ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const input = new Input(4);
    const results = executor.map(double, input, { bufferSize: 1 });
    await idle(executor);
    assertEquals(input.reads, 1);
    assertEquals(await results.toArray(), [0, 2, 4, 6]);
  });

  test(`map() never reads more than bufferSize ahead with a chunkSize ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const input = new Input();
    const results = executor.map(double, input, { bufferSize: 5, chunkSize: 2 });
    for (let taken = 0; taken < 12; taken++) {
      await idle(executor);
      assert(input.reads <= 5 + taken, `${input.reads} read, ${taken} taken`);
      assertEquals(await results.next(), { done: false, value: 2 * taken });
    }
    await results.return!();
  });

  test(`map() with a chunkSize beyond bufferSize does not starve ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const input = new Input(10);
    const results = executor.map(double, input, { bufferSize: 2, chunkSize: 100 });
    await idle(executor);
    assertEquals(input.reads, 2);
    assertEquals((await results.toArray()).length, 10);
  });

  test(`map() reads 4 × workers × chunkSize ahead by default ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const single = new Input();
    const results = executor.map(double, single, { chunkSize: 1 });
    await idle(executor);
    const chunked = new Input();
    const chunks = executor.map(double, chunked, { chunkSize: 3 });
    await idle(executor);
    await results.return!();
    await chunks.return!();
    assertEquals([single.reads, chunked.reads], [8, 24]);
  });

  test(`map() reads an async input at most bufferSize ahead ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const input = new Input();
    const source = {
      async *[Symbol.asyncIterator]() {
        yield* input;
      },
    };
    const results = executor.map(double, source, { bufferSize: 3 });
    await until(() => input.reads >= 3);
    await idle(executor);
    assertEquals(input.reads, 3);
    assertEquals(await results.next(), { done: false, value: 0 });
    await idle(executor);
    assertEquals(input.reads, 4);
    await results.return!();
  });

  test(`map() takes async iterables ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    assertEquals(await executor.map(double, later([1, 2, 3])).toArray(), [2, 4, 6]);
    assertEquals(await executor.map(double, later([])).toArray(), []);
  });

  test(`map() gives a result before the async input has its next item ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const more = Promise.withResolvers<void>();
    const results = executor.map(
      double,
      (async function* () {
        yield 1;
        await more.promise;
        yield 2;
      })(),
    );
    assertEquals(await results.next(), { done: false, value: 2 });
    more.resolve();
    assertEquals(await results.next(), { done: false, value: 4 });
    assertEquals(await results.next(), END);
  });

  test(`map() takes an infinite generator ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const input = new Input();
    const seen: number[] = [];
    for await (const x of executor.map(double, input)) {
      seen.push(x);
      if (seen.length === 100) break;
    }
    assertEquals(seen, Array.from({ length: 100 }, (_, i) => 2 * i));
    assertEquals(input.closed, 1);
  });

  test(`map() of two iterables stops at the shortest ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const add = (a: number, b: number) => a + b;
    assertEquals(await executor.map(add, [1, 2, 3], [10, 20]).toArray(), [11, 22]);
    assertEquals(await executor.map(add, [1, 2], new Input()).toArray(), [1, 3]);
    assertEquals(await executor.map(add, new Input(), [1, 2]).toArray(), [1, 3]);
    assertEquals(await executor.map(add, later([1, 2, 3]), [10, 20]).toArray(), [11, 22]);
    assertEquals(await executor.map(add, [], [10, 20]).toArray(), []);
  });

  test(`map() of three iterables stops at the shortest ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const join = (a: number, b: string, c: number) => `${a}${b}${c}`;
    assertEquals(
      await executor.map(join, [1, 2, 3], "ab", new Set([7, 8, 9])).toArray(),
      ["1a7", "2b8"],
    );
    assertEquals(
      await executor.map(join, new Input(), later("abc"), [7, 8], { chunkSize: 2 }).toArray(),
      ["0a7", "1b8"],
    );
  });

  test(`map() closes the longer inputs ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const longer = new Input();
    await executor.map((a: number, b: number) => a + b, longer, new Input(2)).toArray();
    await settle();
    assertEquals(longer.closed, 1);
  });

  for (const chunkSize of [1, 2, 3, 7, 100]) {
    test(`map() with a chunkSize of ${chunkSize} gives each item its outcome ${on}`, async () => {
      await using executor = kind.create({ maxWorkers: 2 });
      const items = [0, 1, 2, 3, 4, 5, 6];
      const settled = await executor.map(failAt3, items, { chunkSize, settled: true }).toArray();
      const lazy = await executor.map(failAt3, new Input(7), { chunkSize, settled: true })
        .toArray();
      for (const outcomes of [settled, lazy]) {
        assertEquals(outcomes.length, 7);
        for (const [i, outcome] of outcomes.entries()) {
          if (i === 3) {
            assert(outcome.status === "rejected");
            assertInstanceOf(outcome.reason, RangeError);
            assertEquals(outcome.reason.message, "three");
          } else assertEquals(outcome, { status: "fulfilled", value: i });
        }
      }
    });

    test(`map() with a chunkSize of ${chunkSize} fails at the item's position ${on}`, async () => {
      await using executor = kind.create({ maxWorkers: 2 });
      for (const items of [[0, 1, 2, 3, 4, 5], new Input(6)]) {
        const results = executor.map(failAt3, items, { chunkSize });
        for (let i = 0; i < 3; i++) assertEquals(await results.next(), { done: false, value: i });
        await assertRejects(() => results.next(), RangeError, "three");
        assertEquals(await results.next(), END);
        assertEquals(await results.next(), END);
      }
    });
  }

  test(`map() with chunkSize runs a group in one task ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const before = executor.stats().completed;
    await executor.map(double, [1, 2, 3, 4, 5, 6, 7], { chunkSize: 3 }).toArray();
    assertEquals(executor.stats().completed - before, 3);
  });

  test(`map() cancels what has not started after a failure ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const inputs = [undefined, ...Array.from({ length: 49 }, () => gate.handle)];
    const results = executor.map(failOrHold, inputs, { chunkSize: 1 });
    await assertRejects(() => results.next(), RangeError, "first");
    gate.open();
    await executor.shutdown();
    assert(gate.entered <= kind.perWorker, `${gate.entered} have run`);
    assertEquals(await results.next(), END);
  });

  test(`map() rejects toArray() with the first error in input order ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const task = (x: number) => {
      if (x % 2 === 1) throw new RangeError(`item ${x}`);
      return x;
    };
    await assertRejects(() => executor.map(task, [0, 1, 2, 3]).toArray(), RangeError, "item 1");
  });

  for (const [name, thrown] of [["undefined", undefined], ["null", null], ["0", 0], ['""', ""]]) {
    test(`map() takes a thrown ${name} for a failure ${on}`, async () => {
      await using executor = kind.create({ maxWorkers: 1 });
      const task = (value: unknown) => {
        throw value;
      };
      const [outcome] = await executor.map(task, [thrown], { settled: true }).toArray();
      assertEquals(outcome, { status: "rejected", reason: thrown });
      const results = executor.map(task, [thrown]);
      let caught: unknown = "nothing";
      await results.next().catch((error) => caught = error);
      assertStrictEquals(caught, thrown);
    });
  }

  test(`map() with settled ends at the input's end ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const results = executor.map(failAt3, [3, 1], { settled: true });
    assertEquals((await results.next()).value?.status, "rejected");
    assertEquals(await results.next(), { done: false, value: { status: "fulfilled", value: 1 } });
    assertEquals(await results.next(), END);
  });

  test(`map() yields what is ready, then its TimeoutError, then the end ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using free = new Gate(kind);
    using gate = new Gate(kind);
    free.open();
    await executor.submit(() => 0);
    const items = Array.from({ length: 20 }, (_, i) => i);
    const started = performance.now();
    const handles = items.map((i) => (i < 2 ? free : gate).handle);
    const results = executor.map(hold, handles, items, { chunkSize: 1, timeout: 300 });
    await gate.waitEntered(kind.perWorker);
    await until(() => performance.now() - started > 310);
    assertEquals(await results.next(), { done: false, value: 0 });
    assertEquals(await results.next(), { done: false, value: 1 });
    await assertRejects(() => results.next(), TimeoutError);
    assertEquals(await results.next(), END);
    // What was sent ahead to a process is asked back first.
    await until(() => begunOrAsked(executor) <= kind.perWorker);
    gate.open();
    await executor.shutdown();
    assertEquals(
      [free.entered, gate.entered],
      [2, kind.perWorker],
      "what was to be cancelled has run",
    );
  });

  for (const timeout of [0, -5]) {
    test(`map() with a timeout of ${timeout} polls ${on}`, async () => {
      await using executor = kind.create({ maxWorkers: 1 });
      using gate = new Gate(kind);
      await occupy(kind, executor, gate);
      const results = executor.map(double, [1, 2], { timeout });
      await assertRejects(() => results.next(), TimeoutError);
      assertEquals(await results.next(), END);
      const ready = (gate.open(), executor.map(double, [1, 2], { timeout, chunkSize: 1 }));
      await idle(executor);
      assertEquals(await ready.toArray(), [2, 4]);
    });
  }

  test(`map() times out while next() waits ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const results = executor.map(double, [1, 2], { timeout: 20 });
    await assertRejects(() => results.next(), TimeoutError);
    assertEquals(await results.next(), END);
  });

  test(`map() times out while the input waits ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const never = Promise.withResolvers<void>();
    await executor.warmUp();
    const results = executor.map(
      double,
      (async function* () {
        yield 1;
        await never.promise;
      })(),
      { timeout: 200 },
    );
    assertEquals(await results.next(), { done: false, value: 2 });
    await assertRejects(() => results.next(), TimeoutError);
    assertEquals(await results.next(), END);
    never.resolve();
  });

  test(`map() with settled ends at its timeout all the same ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const results = executor.map(double, [1, 2], { timeout: 10, settled: true });
    await assertRejects(() => results.next(), TimeoutError);
    assertEquals(await results.next(), END);
  });

  test(`map() takes a TimeoutError of a task for a failure of its item ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const task = (x: number) => {
      if (x === 1) throw new DOMException("mine", "TimeoutError");
      return x;
    };
    const outcomes = await executor.map(task, [0, 1, 2], { settled: true, timeout: 60_000 })
      .toArray();
    assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  });

  for (const chunkSize of [1, 4]) {
    test(`map() gives the input's error at its position, chunkSize ${chunkSize} ${on}`, async () => {
      await using executor = kind.create({ maxWorkers: 2 });
      function* broken() {
        yield 1;
        yield 2;
        throw new RangeError("of the input");
      }
      async function* brokenLater() {
        yield* broken();
        await Promise.resolve();
      }
      for (const input of [broken(), brokenLater()]) {
        const results = executor.map(double, input, { chunkSize });
        assertEquals(await results.next(), { done: false, value: 2 });
        assertEquals(await results.next(), { done: false, value: 4 });
        await assertRejects(() => results.next(), RangeError, "of the input");
        assertEquals(await results.next(), END);
      }
    });
  }

  test(`map() refuses an input whose next() gives no object ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    for (const result of [5, "done", undefined, null, Symbol("done")]) {
      for (const key of [Symbol.iterator, Symbol.asyncIterator]) {
        const input = { [key]: () => ({ next: () => result }) } as unknown as Iterable<number>;
        await assertRejects(() => executor.map(double, input).toArray(), TypeError, "next()");
      }
    }
    assertEquals(await executor.submit(double, 2), 4);
  });

  test(`map() gives the input's error with settled as a rejection ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    function* broken() {
      yield 1;
      throw new RangeError("of the input");
    }
    const results = executor.map(double, broken(), { settled: true });
    assertEquals(await results.next(), { done: false, value: { status: "fulfilled", value: 2 } });
    await assertRejects(() => results.next(), RangeError, "of the input");
    assertEquals(await results.next(), END);
  });

  test(`map() closes the other input when one fails ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const other = new Input();
    const add = (a: number, b: number) => a + b;
    const results = executor.map(
      add,
      other,
      (function* () {
        yield 1;
        throw new RangeError("of the input");
      })(),
    );
    await assertRejects(() => results.toArray(), RangeError, "of the input");
    assertEquals(other.closed, 1);
  });

  test(`map() cancels what has not started when its loop is left ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using free = new Gate(kind);
    using gate = new Gate(kind);
    free.open();
    const items = Array.from({ length: 50 }, (_, i) => i);
    const handles = items.map((i) => (i === 0 ? free : gate).handle);
    for await (const x of executor.map(hold, handles, items, { chunkSize: 1 })) {
      assertEquals(x, 0);
      break;
    }
    await until(() => begunOrAsked(executor) <= kind.perWorker); // as above
    gate.open();
    await executor.shutdown();
    assert(gate.entered <= kind.perWorker, `${gate.entered} have run`);
  });

  test(`map() runs nothing when return() comes before the first next() ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using ran = new Gate(kind);
    await occupy(kind, executor, gate);
    const items = [1, 2, 3];
    const known = executor.map(count<number>, items, items.map(() => ran.handle));
    const input = new Input();
    const lazy = executor.map(
      count<number>,
      input,
      (function* () {
        for (;;) yield ran.handle;
      })(),
    );
    assertEquals(await known.return!(), END);
    assertEquals(await lazy.return!(), END);
    assertEquals(input.closed, 1);
    gate.open();
    await executor.shutdown();
    assertEquals(ran.entered, 0);
    assertEquals(await known.next(), END);
    assertEquals(await lazy.next(), END);
    assertEquals(await known.toArray(), []);
  });

  test(`map() frees those who wait when return() is called ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const results = executor.map(double, [1, 2]);
    const waiting = [results.next(), results.next()];
    await results.return!();
    assertEquals(await Promise.all(waiting), [END, END]);
  });

  test(`map() ends with await using ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const input = new Input();
    {
      await using results = executor.map(double, input);
      await results.next();
    }
    assertEquals(input.closed, 1);
  });

  test(`map() serves calls of next() at once in order ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const results = executor.map(double, [1, 2, 3]);
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => results.next()));
    assertEquals(all.map(({ value }) => value), [2, 4, 6, undefined, undefined]);
    assertEquals(all.map(({ done }) => done), [false, false, false, true, true]);
  });

  test(`map() says done again and again after the end ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const results = executor.map(double, [1]);
    assertEquals(await results.toArray(), [2]);
    assertEquals(await results.next(), END);
    assertEquals(await results.next(), END);
    assertEquals(await results.return!(), END);
    assertEquals(await results.toArray(), []);
    for await (const _ of results) throw new Error("it has ended");
  });

  test(`map() toArray() gives what is left ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const results = executor.map(double, [1, 2, 3, 4], { chunkSize: 3 });
    await results.next();
    assertEquals(await results.toArray(), [4, 6, 8]);
  });

  test(`map() toArray() keeps undefined and settled results ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    assertEquals(await executor.map(() => undefined, [1, 2]).toArray(), [undefined, undefined]);
    assertEquals(await executor.map(double, [1], { settled: true }).toArray(), [
      { status: "fulfilled", value: 2 },
    ]);
  });

  test(`map() of nothing ends at once ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    assertEquals(await executor.map(double, []).toArray(), []);
    assertEquals(await executor.map(double, new Set<number>()).next(), END);
    assertEquals(await executor.map(double, new Input(0)).next(), END);
    assertEquals(executor.stats().completed, 0);
  });

  test(`map() is its own async iterator ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const results = executor.map(double, [1]);
    assertStrictEquals(results[Symbol.asyncIterator](), results);
    await results.return!();
  });

  test(`map() fails an item that cannot be cloned alone ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const kindOf = (x: unknown) => typeof x;
    const items = [1, () => {}, "a", 4];
    for (const chunkSize of [1, 2, 4, undefined]) {
      for (const input of [items, new Set(items).values()]) {
        const options = chunkSize === undefined ? {} : { chunkSize };
        const outcomes = await executor.map(kindOf, input, { ...options, settled: true }).toArray();
        assertEquals(
          outcomes.map(({ status }) => status),
          ["fulfilled", "rejected", "fulfilled", "fulfilled"],
        );
        const [, bad] = outcomes;
        assert(bad?.status === "rejected");
        assertInstanceOf(bad.reason, SerializationError);
      }
    }
  });

  test(`map() fails a result that cannot be cloned alone ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const task = (x: number) => x === 1 ? () => x : x;
    for (const chunkSize of [1, 3]) {
      const outcomes = await executor.map(task, [0, 1, 2], { chunkSize, settled: true }).toArray();
      assertEquals(
        outcomes.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      const [, bad] = outcomes;
      assert(bad?.status === "rejected");
      assertInstanceOf(bad.reason, SerializationError);
    }
  });

  test(`map() that nobody looks at raises nothing when it fails ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    executor.map(failAt3, [3, 3, 3]);
    executor.map(failAt3, [3, 3, 3], { settled: true });
    await executor.shutdown();
    await settle();
  });

  test(`map() refuses options of a wrong kind before it starts anything ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const input = new Input();
    for (const name of ["chunkSize", "bufferSize"]) {
      for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
        assertThrows(() => executor.map(double, input, { [name]: value }), RangeError, name);
      }
      for (const value of ["1", null, true, {}]) {
        assertThrows(() => executor.map(double, input, { [name]: value }), TypeError, name);
      }
    }
    for (const value of [NaN, "1", null, true]) {
      assertThrows(() => executor.map(double, input, { timeout: value as never }), TypeError);
    }
    assertThrows(() => executor.map(double, input, { settled: 1 as never }), TypeError);
    assertEquals([input.reads, executor.stats().workers], [0, 0]);
  });

  test(`map() refuses what is no task or no input before it starts anything ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const input = new Input();
    assertThrows(() => executor.map(undefined as never, input), TypeError);
    assertThrows(() => executor.map("double" as never, input), TypeError);
    assertThrows(() => executor.map(double(1) as never, input), TypeError);
    assertThrows(() => executor.map(double, 5 as never), TypeError);
    assertThrows(() => executor.map(double, undefined as never), TypeError);
    assertThrows(() => executor.map(double, null as never), TypeError);
    assertThrows(() => executor.map(double, input, 5 as never), TypeError);
    assertThrows(() => (executor.map as (...args: unknown[]) => unknown)(double), TypeError);
    assertEquals([input.reads, executor.stats().workers], [0, 0]);
  });

  test(`map() on an executor that is shut down reads nothing ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    await executor.shutdown();
    const input = new Input();
    assertThrows(() => executor.map(double, input), ShutdownError);
    assertEquals(input.reads, 0);
  });

  test(`map() whose executor is shut down on the way gives what it has ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const results = executor.map(double, new Input(), { bufferSize: 2 });
    assertEquals(await results.next(), { done: false, value: 0 });
    await executor.shutdown();
    const seen: number[] = [];
    await assertRejects(async () => {
      for await (const x of results) seen.push(x);
    }, ShutdownError);
    assertEquals(seen.slice(0, 1), [2]);
    assertEquals(await results.next(), END);
  });

  test(`map() is cancelled by shutdown({ cancelFutures: true }) ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    using ran = new Gate(kind);
    await occupy(kind, executor, gate);
    const items = [1, 2, 3];
    const results = executor.map(count<number>, items, items.map(() => ran.handle));
    const ended = executor.shutdown({ cancelFutures: true });
    await assertRejects(() => results.next(), CancelledError);
    assertEquals(await results.next(), END);
    gate.open();
    await ended;
    assertEquals(ran.entered, 0);
  });

  test(`map() leaves room for other tasks ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const results = executor.map(double, new Input());
    assertEquals(await executor.submit(double, 4), 8);
    await results.return!();
  });

  test(`map() of tasks that wait runs them all ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: kind.several });
    using gate = new Gate(kind);
    const items = Array.from({ length: kind.several }, (_, i) => i);
    const results = executor.map(hold, items.map(() => gate.handle), items, { chunkSize: 1 });
    await gate.waitEntered(items.length);
    gate.open();
    assertEquals(await results.toArray(), items);
  });
}

testEach("map() tells how many items there are and how many have ended", async (kind) => {
  await using executor = kind.create();
  const known = executor.map((x: number) => x + 1, [1, 2, 3, 4, 5], { chunkSize: 2 });
  assertEquals([known.completed, known.total], [0, 5]);
  assertEquals((await known.next()).value, 2);
  assert(known.completed >= 2); // its chunk, whether all of it was taken or not
  await known.toArray();
  assertEquals([known.completed, known.total], [5, 5]);

  const read = executor.map((x: number) => x + 1, new Set([1, 2, 3]).values(), { bufferSize: 2 });
  assertEquals([read.completed, read.total], [0, undefined]);
  await read.toArray();
  assertEquals([read.completed, read.total], [3, 3]);

  const failing = executor.map(
    (x: number) => {
      if (x === 2) throw new Error("no");
    },
    [1, 2, 3, 4],
    { chunkSize: 1, settled: true },
  );
  await failing.toArray();
  assertEquals(failing.completed, 4); // failed ones have ended, too

  const left = executor.map((x: number) => x, [1, 2, 3], { chunkSize: 1 });
  await left.next();
  await left.return();
  const { completed } = left;
  assert(completed >= 1);
  await executor.submit(() => {});
  assertEquals(left.completed, completed); // nobody counts any more
});
