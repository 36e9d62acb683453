import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { SerializationError, TimeoutError } from "../../mod.ts";
import { test } from "../harness.ts";
import {
  double,
  END,
  failAfter,
  failAt3,
  Gate,
  Input,
  later,
  outcomesOf,
  POOLS,
  settle,
  soon,
  tasks,
} from "./pools.ts";

for (const kind of POOLS) {
  const on = `[${kind.name}]`;
  const pool = kind.make(2);

  for (const method of ["imap", "imapUnordered"] as const) {
    const imap = pool[method].bind(pool) as typeof pool.imap;
    const here = `${method}()`;
    const sorted = (values: unknown[]) => (values as number[]).toSorted((a, b) => a - b);

    // --- inputs ---

    for (
      const [name, items] of [
        ["an array", () => [0, 1, 2, 3, 4]],
        ["a set", () => new Set([0, 1, 2, 3, 4])],
        ["an iterator", () => new Input(5)],
        ["an asynchronous iterator", () => later([0, 1, 2, 3, 4])],
      ] as [string, () => Iterable<number> | AsyncIterable<number>][]
    ) {
      test(`${here} gives every result of ${name}, whatever the chunkSize ${on}`, async () => {
        for (const options of [undefined, {}, { chunkSize: 2 }, { chunkSize: 100 }]) {
          const results: number[] = [];
          for await (const x of imap(double, items(), options)) results.push(x);
          assertEquals(method === "imap" ? results : sorted(results), [0, 2, 4, 6, 8]);
        }
        const one: number[] = [];
        for await (const x of imap(double, items(), { bufferSize: 1 })) one.push(x);
        assertEquals(method === "imap" ? one : sorted(one), [0, 2, 4, 6, 8]);
      });
    }

    test(`${here} of nothing is done at once, and stays so ${on}`, async () => {
      for (const items of [[], new Input(0), later([])]) {
        const results = imap(double, items as Iterable<number>);
        for (let i = 0; i < 3; i++) assertEquals(await results.next(), END);
        assertEquals(await results.next({ timeout: 0 }), END);
      }
    });

    test(`${here} says done for ever after the end ${on}`, async () => {
      const results = imap(double, [1]);
      assertEquals(await results.next(), { done: false, value: 2 });
      for (let i = 0; i < 3; i++) assertEquals(await results.next(), END);
      assertEquals(await results.return(), END);
    });

    test(`${here} is its own iterator ${on}`, async () => {
      const results = imap(double, [1, 2]);
      assertStrictEquals(results[Symbol.asyncIterator](), results);
      assertEquals(sorted(await outcomesOf(results)), [2, 4]);
    });

    // --- errors ---

    for (const chunkSize of [1, 2, 3, 10]) {
      test(`${here} with chunkSize ${chunkSize} goes on after an item that fails ${on}`, async () => {
        for (const items of [[1, 2, 3, 4, 5, 6], new Input(7), later([2, 3, 4])]) {
          const outcomes = await outcomesOf(imap(failAt3, items as number[], { chunkSize }));
          const expected: unknown[] = items instanceof Input
            ? [0, 1, 2, "RangeError: three", 4, 5, 6]
            : Array.isArray(items)
            ? [1, 2, "RangeError: three", 4, 5, 6]
            : [2, "RangeError: three", 4];
          if (method === "imap") assertEquals(outcomes, expected);
          else assertEquals(new Set(outcomes), new Set(expected));
          assertEquals(outcomes.length, expected.length);
        }
      });

      test(`${here} with chunkSize ${chunkSize} gives an error of the input after all results ${on}`, async () => {
        const thrown = new RangeError("of the input");
        for (const make of [failAfter, failLater]) {
          const results = imap(double, make([0, 1, 2, 3, 4, 5, 6], thrown), { chunkSize });
          const values: number[] = [];
          for (let i = 0; i < 7; i++) values.push((await results.next()).value!);
          assertEquals(sorted(values), [0, 2, 4, 6, 8, 10, 12]);
          assertStrictEquals(await assertRejects(() => results.next()), thrown);
          assertEquals(await results.next(), END);
          assertEquals(await results.next(), END);
        }
      });
    }

    test(`${here} rejects at once with the error of an input that cannot be opened ${on}`, async () => {
      const thrown = new RangeError("shut");
      const shut: Iterable<number> = {
        [Symbol.iterator]() {
          throw thrown;
        },
      };
      const results = imap(double, shut);
      assertStrictEquals(await assertRejects(() => results.next()), thrown);
      assertEquals(await results.next(), END);
    });

    test(`${here} rejects for what cannot be cloned, and goes on ${on}`, async () => {
      const items: unknown[] = [1, () => 1, 3];
      const results = imap((x: unknown) => x, items);
      const outcomes = (await outcomesOf(results)).map((x) => typeof x);
      assertEquals(outcomes.toSorted(), ["number", "number", "string"]);
      const bad = imap((x: number) => () => x, [1]);
      await assertRejects(() => bad.next(), SerializationError);
      assertEquals(await bad.next(), END);
    });

    test(`${here} ends a for await at an item that fails, which closes the input ${on}`, async () => {
      const input = new Input(100);
      const seen: number[] = [];
      await assertRejects(
        async () => {
          const task = (x: number) => {
            if (x === 0) throw new RangeError("zero");
            return x;
          };
          for await (const x of imap(task, input, { bufferSize: 1 })) seen.push(x);
        },
        RangeError,
        "zero",
      );
      assertEquals(seen, []);
      // A `for await` does not call return() for what next() rejects with: it is left as it is.
      assert(input.reads <= 2);
    });

    // --- reading on demand ---

    test(`${here} reads an endless input at most bufferSize ahead ${on}`, async () => {
      const input = new Input();
      const results = imap(double, input, { bufferSize: 3 });
      for (let i = 0; i < 20; i++) {
        assertEquals((await results.next()).done, false);
        input.taken++;
      }
      await settle();
      // One is read while its place is given, before the test can count it as taken.
      assert(input.ahead <= 4, `${input.ahead} ahead`);
      assert(input.reads <= 23, `${input.reads} read`);
      assertEquals(await results.return(), END);
      assertEquals(input.closed, 1);
      assertEquals(await results.next(), END);
    });

    test(`${here} reads bufferSize items before any is taken, and no more ${on}`, async () => {
      for (
        const [options, expected] of [
          [{ bufferSize: 1 }, 1],
          [{ bufferSize: 5 }, 5],
          [{ bufferSize: 5, chunkSize: 2 }, 5],
          [{}, 8],
          [{ chunkSize: 3 }, 24],
        ] as const
      ) {
        const input = new Input();
        const results = imap(double, input, options);
        await pool.apply(double, [1]);
        await settle();
        assertEquals(input.reads, expected);
        await results.return();
      }
    });

    test(`${here} with a chunkSize beyond bufferSize does not starve ${on}`, async () => {
      const results = imap(double, new Input(6), { chunkSize: 10, bufferSize: 2 });
      assertEquals(sorted(await outcomesOf(results)), [0, 2, 4, 6, 8, 10]);
    });

    // --- next({ timeout }) ---

    for (const chunkSize of [1, 2]) {
      test(`next({ timeout }) of ${here} with chunkSize ${chunkSize} loses nothing ${on}`, async () => {
        using gate = new Gate();
        const results = imap(tasks.hold, gate.row(4), { chunkSize });
        for (const timeout of [0, -1, 1, 5]) {
          await assertRejects(() => results.next({ timeout }), TimeoutError, "next result");
        }
        gate.open();
        const values: unknown[] = [];
        for (let i = 0; i < 4; i++) values.push((await results.next({ timeout: 5_000 })).value);
        assertEquals(method === "imap" ? values : sorted(values), [0, 1, 2, 3]);
        assertEquals(await results.next({ timeout: 0 }), END);
      });
    }

    test(`next({ timeout }) of ${here} loses no error and not the end ${on}`, async () => {
      using gate = new Gate();
      const results = imap(tasks.hold, [gate.held(0, true)]);
      await assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
      await assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
      gate.open();
      await assertRejects(() => results.next(), RangeError, "0");
      const end = Promise.withResolvers<void>();
      const open = imap(double, waitFor(end.promise));
      await assertRejects(() => open.next({ timeout: 1 }), TimeoutError);
      end.resolve();
      assertEquals(await open.next(), END);
      assertEquals(await open.next(), END);
    });

    test(`next({ timeout: 0 }) of ${here} gives what is there ${on}`, async () => {
      using gate = new Gate();
      const results = imap(tasks.hold, gate.row(1));
      const first = results.next();
      const second = results.next({ timeout: 10_000 });
      gate.open();
      assertEquals(await first, { done: false, value: 0 });
      assertEquals(await second, END);
      const two = imap(tasks.whoAmI, [1, 2], { chunkSize: 2 });
      assertEquals((await two.next()).done, false); // and so the other is there, too
      assertEquals((await two.next({ timeout: 0 })).done, false);
      assertEquals(await two.next({ timeout: 0 }), END);
    });

    test(`next() of ${here} refuses a timeout of a wrong kind ${on}`, async () => {
      const results = imap(double, [1]);
      for (const timeout of [NaN, "1", null]) {
        await assertRejects(
          async () => await results.next({ timeout: timeout as never }),
          TypeError,
        );
      }
      assertEquals(await results.next({ timeout: Infinity }), { done: false, value: 2 });
    });

    test(`next() of ${here} may be called many times at once ${on}`, async () => {
      const results = imap(double, [0, 1, 2]);
      const all = await Promise.all(Array.from({ length: 5 }, () => results.next()));
      const values = all.map(({ value }) => value);
      assertEquals(method === "imap" ? values : sorted(values.slice(0, 3)), [
        ...[0, 2, 4],
        ...(method === "imap" ? [undefined, undefined] : []),
      ]);
      assertEquals(all.map(({ done }) => done), [false, false, false, true, true]);
    });

    test(`next() of ${here} without a timeout waits beside one with ${on}`, async () => {
      using gate = new Gate();
      const results = imap(tasks.hold, gate.row(2));
      const patient = results.next();
      await assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
      gate.open();
      const values = [(await patient).value, (await results.next()).value];
      assertEquals(method === "imap" ? values : sorted(values), [0, 1]);
      assertEquals(await results.next(), END);
    });

    // --- leaving ---

    test(`leaving the loop over ${here} cancels what has not begun ${on}`, async () => {
      using gate = new Gate();
      gate.open(0);
      for await (const first of imap(tasks.hold, gate.row(30))) {
        assertEquals(first, 0);
        break;
      }
      gate.open();
      // First in, first out: whatever was not cancelled runs before these.
      await Promise.all([
        pool.apply(tasks.hold, [gate.held(98)]),
        pool.apply(tasks.hold, [gate.held(99)]),
      ]);
      const ran = gate.entered.filter((value) => Number(value) < 98);
      // To processes some are sent ahead, since the first took no time.
      assert(ran.length <= (kind.name === "Pool" ? 10 : 3), `${ran} ran`);
    });

    test(`return() of ${here} before the first next() cancels what has not begun ${on}`, async () => {
      using gate = new Gate();
      const held = [0, 1].map((i) => pool.applyAsync(tasks.hold, [gate.held(i)]));
      await gate.waitEntered(2);
      const results = imap(tasks.enter, gate.row(10).slice(2));
      assertEquals(await results.return(), END);
      assertEquals(await results.return(), END);
      assertEquals(await results.next(), END);
      gate.open();
      await Promise.all(held);
      await Promise.all([pool.apply(double, [1]), pool.apply(double, [1])]);
      assertEquals(gate.entered.length, 2);
    });

    test(`return() of ${here} ends a next() that waits ${on}`, async () => {
      using gate = new Gate();
      const results = imap(tasks.hold, gate.row(1));
      const waiting = [results.next(), results.next({ timeout: 10_000 })];
      assertEquals(await results.return(), END);
      assertEquals(await Promise.all(waiting), [END, END]);
    });

    test(`return() of ${here} closes the input ${on}`, async () => {
      const input = new Input();
      const results = imap(double, input);
      await results.return();
      assertEquals(input.closed, 1);
      let closed = 0;
      async function* items(): AsyncGenerator<number> {
        try {
          for (let i = 0;; i++) yield i;
        } finally {
          closed++;
        }
      }
      for await (const x of imap(double, items())) if (x >= 0) break;
      await settle();
      assertEquals(closed, 1);
    });

    test(`await using of ${here} cancels what has not begun ${on}`, async () => {
      const input = new Input();
      {
        await using results = imap(double, input);
        assertEquals((await results.next()).done, false);
      }
      assertEquals(input.closed, 1);
      const { reads } = input;
      await settle();
      assertEquals(input.reads, reads);
    });

    test(`${here} of known length runs without iteration ${on}`, async () => {
      using gate = new Gate();
      gate.open();
      const results = imap(tasks.enter, gate.row(12));
      await gate.waitEntered(12);
      assertEquals(sorted(await outcomesOf(results)), gate.row(12).map(({ value }) => value));
    });
  }

  test(`imap() gives input order though the first item ends last ${on}`, async () => {
    using gate = new Gate();
    const results = pool.imap(tasks.hold, gate.row(3));
    gate.open(1, 2);
    await assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
    while (gate.left.length < 2) await settle(1);
    await assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
    gate.open();
    assertEquals(await outcomesOf(results), [0, 1, 2]);
    // The two that were let go together may end in either order: if "hold" was short before, 1 may have
    // been sent ahead behind 0, so that 2 runs first and then 1 is taken over.
    assertEquals([gate.left.slice(0, 2).toSorted(), gate.left[2]], [["1", "2"], "0"]);
  });

  test(`imapUnordered() gives results as they come ${on}`, async () => {
    for (const make of [(gate: Gate) => gate.row(4), (gate: Gate) => later(gate.row(4))]) {
      using gate = new Gate();
      const results = pool.imapUnordered(tasks.hold, make(gate));
      for (const value of [1, 2, 3, 0]) {
        gate.open(value);
        assertEquals(await results.next(), { done: false, value });
      }
      assertEquals(await results.next(), END);
    }
  });

  test(`imapUnordered() gives errors as they come, too ${on}`, async () => {
    using gate = new Gate();
    const results = pool.imapUnordered(tasks.hold, [
      gate.held(0),
      gate.held(1, true),
      gate.held(2),
    ]);
    gate.open(1);
    await assertRejects(() => results.next(), RangeError, "1");
    gate.open(2);
    assertEquals(await results.next(), { done: false, value: 2 });
    gate.open(0);
    assertEquals(await results.next(), { done: false, value: 0 });
    assertEquals(await results.next(), END);
  });

  test(`imap() reads its input while its results are awaited, not all before ${on}`, async () => {
    const gate = Promise.withResolvers<void>();
    async function* items(): AsyncGenerator<number> {
      yield 1;
      await gate.promise;
      yield 2;
    }
    const results = pool.imap(double, items());
    assertEquals(await soon("the first result", results.next()), { done: false, value: 2 });
    gate.resolve();
    assertEquals(await results.next(), { done: false, value: 4 });
    assertEquals(await results.next(), END);
  });

  test(`close() and join() end the pool of these tests ${on}`, async () => {
    pool.close();
    await pool.join();
  });
}

async function* failLater<T>(items: Iterable<T>, error: unknown): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
  throw error;
}

// deno-lint-ignore require-yield
async function* waitFor(end: Promise<void>): AsyncGenerator<number> {
  await end;
}
