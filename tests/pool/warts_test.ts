/**
 * Each wart of Python's pools, by its number in the list of them, and what this library does instead.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  BrokenExecutorError,
  CancelledError,
  SerializationError,
  TimeoutError,
  WorkerCrashError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import {
  double,
  END,
  errorsOf,
  failAfter,
  failAt3,
  Gate,
  Input,
  outcomesOf,
  POOLS,
  settle,
  soon,
  tasks,
} from "./pools.ts";

for (const kind of POOLS) {
  const on = `[${kind.name}]`;
  const pool = kind.make(2);

  test(`wart 4: an endless input of imap() is read on demand, not into memory ${on}`, async () => {
    const input = new Input();
    const seen: number[] = [];
    for await (const x of pool.imap(double, input)) if (seen.push(x) === 20) break;
    assertEquals(seen, Array.from({ length: 20 }, (_, i) => 2 * i));
    assert(input.reads <= 28, `${input.reads} read`);
  });

  test(`wart 5: an error of the input loses no result before it, with chunks too ${on}`, async () => {
    const items = Array.from({ length: 7 }, (_, i) => i);
    const input = failAfter(items, new RangeError("at 7"));
    const outcomes = await outcomesOf(pool.imap(double, input, { chunkSize: 4 }));
    assertEquals(outcomes, [...items.map(double), "RangeError: at 7"]);
  });

  test(`wart 6: an iterator that is left cancels the rest, begun or not ${on}`, async () => {
    using gate = new Gate();
    const held = gate.row(2).map((item) => pool.applyAsync(tasks.hold, [item]));
    await gate.waitEntered(2);
    await pool.imap(tasks.enter, gate.row(9)).return();
    gate.open();
    await Promise.all(held);
    await pool.map(double, [1, 2, 3, 4], 1);
    assertEquals(gate.entered.length, 2);
  });

  test(`wart 7: an input that throws in map() leaves no orphans running ${on}`, async () => {
    using gate = new Gate();
    const input = failAfter(gate.row(5), new RangeError("of the input"));
    await assertRejects(() => pool.map(tasks.enter, input, 1), RangeError, "of the input");
    await pool.map(double, [1, 2, 3, 4], 1);
    assertEquals(gate.entered, []);
  });

  test(`wart 12: a callback that throws stops no result handler ${on}`, async () => {
    class KeyError extends Error {}
    for (const thrown of [new Error("plain"), new KeyError("key"), undefined, "text"]) {
      let result;
      const told = await errorsOf(async () => {
        result = pool.applyAsync(double, [1], {
          callback: () => {
            throw thrown;
          },
        });
        assertEquals(await soon("get()", result.get()), 2);
        assertEquals(await soon("a later job", pool.apply(double, [2])), 4);
      });
      assertEquals(told.length, 1);
      assert(told[0]!.includes(thrown));
    }
  });

  test(`wart 12: a callback may wait for its own result, and end the pool ${on}`, async () => {
    const pool = kind.make(1);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const result: PromiseLike<number> = pool.applyAsync(double, [1], {
      callback: () => void result.then(resolve, reject),
    });
    assertEquals(await soon("its own result", promise), 2);
    const ended = Promise.withResolvers<void>();
    pool.applyAsync(double, [1], {
      callback: () => void pool.terminate().then(ended.resolve, ended.reject),
    });
    await soon("terminate()", ended.promise);
  });

  test(`wart 14: nothing that a task throws is more than an error ${on}`, async () => {
    for (const value of [undefined, null, 0, "", "SystemExit"]) {
      const result = pool.applyAsync((x: unknown) => {
        throw x;
      }, [value]);
      assertStrictEquals(await soon("get()", result.then(() => "none", (error) => error)), value);
    }
    assertEquals(await pool.apply(double, [1]), 2);
  });

  test(`wart 15: terminate() and await using leave no get() hanging ${on}`, async () => {
    using gate = new Gate();
    const results = [];
    {
      await using pool = kind.make(1);
      for (const held of gate.row(3)) results.push(pool.applyAsync(tasks.hold, [held]));
      await gate.waitEntered(1);
    }
    const errors = await Promise.all(
      results.map((result) => soon("get()", result.then(() => undefined, (error) => error))),
    );
    assert(errors[0] instanceof BrokenExecutorError, String(errors[0]));
    assert(errors[1] instanceof CancelledError, String(errors[1]));
    assert(errors[2] instanceof CancelledError, String(errors[2]));
  });

  test(`wart 17: a chunkSize of 0 or less is a RangeError, not a list of nothing ${on}`, () => {
    for (const chunkSize of [0, -1]) {
      assertThrows(() => pool.map(double, [1, 2], chunkSize), RangeError);
      assertThrows(() => pool.starmap(double, [[1], [2]], chunkSize), RangeError);
      assertThrows(() => pool.imap(double, [1, 2], { chunkSize }), RangeError);
    }
  });

  test(`wart 18: an input that lies about its length counts as what it gives ${on}`, async () => {
    class Lies {
      readonly length = 5;
      readonly size = 5;
      *[Symbol.iterator](): Generator<number> {
        yield 1;
        yield 2;
      }
    }
    class LiesAndFails extends Lies {
      override *[Symbol.iterator](): Generator<number> {
        yield* super[Symbol.iterator]();
        throw new RangeError("after two");
      }
    }
    assertEquals(await soon("map()", pool.map(double, new Lies(), 1)), [2, 4]);
    assertEquals(await soon("imap()", outcomesOf(pool.imap(double, new Lies()))), [2, 4]);
    await assertRejects(
      () => soon("map()", pool.map(double, new LiesAndFails(), 1)),
      RangeError,
      "after two",
    );
    assertEquals(
      await soon("imap()", outcomesOf(pool.imap(double, new LiesAndFails()))),
      [2, 4, "RangeError: after two"],
    );
  });

  test(`wart 19: a slow input holds up no other job ${on}`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<number> {
      yield 1;
      await promise;
      yield 2;
    }
    const results = pool.imap(double, slow());
    assertEquals(await soon("a later job", pool.apply(double, [5])), 10);
    assertEquals(await soon("a later map", pool.map(double, [5])), [10]);
    assertEquals(await soon("an imap", pool.imap(double, [5]).next()), { done: false, value: 10 });
    resolve();
    assertEquals(await outcomesOf(results), [2, 4]);
  });

  test(`wart 19: whatever an input throws, the pool works on ${on}`, async () => {
    for (const thrown of [undefined, null, 0, "SystemExit"]) {
      for (const method of ["imap", "imapUnordered"] as const) {
        const results = pool[method](double, failAfter([1], thrown));
        assertEquals(await results.next(), { done: false, value: 2 });
        assertStrictEquals(await results.next().then(() => "none", (error) => error), thrown);
        assertEquals(await results.next(), END);
      }
      const list = pool.map(double, failAfter([1], thrown));
      assertStrictEquals(await list.then(() => "none", (error) => error), thrown);
    }
    assertEquals(await soon("a later job", pool.apply(double, [5])), 10);
  });

  test(`wart 20: imap() with chunks has next({ timeout }) and outlives an error ${on}`, async () => {
    using gate = new Gate();
    const held = pool.imap(tasks.hold, gate.row(4), { chunkSize: 2 });
    await assertRejects(() => held.next({ timeout: 1 }), TimeoutError);
    gate.open();
    assertEquals(await outcomesOf(held), [0, 1, 2, 3]);
    const results = pool.imap(failAt3, [1, 2, 3, 4, 5, 6], { chunkSize: 3 });
    assertEquals(await outcomesOf(results), [1, 2, "RangeError: three", 4, 5, 6]);
  });

  test(`wart 21: map() rejects with the error of the first item, not the first to come ${on}`, async () => {
    using gate = new Gate();
    const items = gate.row(4).map((held) => ({ ...held, fails: held.value < 2 }));
    const result = pool.mapAsync(tasks.hold, items, { chunkSize: 1 });
    gate.open(1, 2, 3);
    while (gate.left.length < 3) await settle(1);
    assertEquals(result.ready(), false); // the first is still to come
    gate.open();
    await assertRejects(() => result.get(), RangeError, "0");
    // Those that were let go together may end in any order.
    assertEquals([gate.left.slice(0, 3).toSorted(), gate.left[3]], [["1", "2", "3"], "0"]);
  });

  test(`wart 22: what cannot be cloned breaks and hangs nothing ${on}`, async () => {
    const error = await assertRejects(
      () =>
        pool.apply(() => {
          throw Object.assign(new RangeError("kept"), { callback: () => 1, status: 404 });
        }),
      RangeError,
      "kept",
    );
    assertEquals((error as unknown as { status: number }).status, 404);
    await assertRejects(() => pool.apply(() => () => 1), SerializationError);
    await assertRejects(() => pool.map((x: unknown) => x, [1, () => 1]), SerializationError);
    assertEquals(await soon("a later job", pool.apply(double, [5])), 10);
  });

  test(`wart 29: what is ready is told without waiting ${on}`, async () => {
    const result = pool.applyAsync(double, [1]);
    await result.wait();
    assertEquals([result.ready(), result.successful()], [true, true]);
  });

  test(`§8.2: the callback of an empty mapAsync() is called ${on}`, async () => {
    const called = Promise.withResolvers<number[]>();
    pool.mapAsync(double, [], { callback: called.resolve });
    assertEquals(await soon("the callback", called.promise), []);
  });

  test(`§8.4: wait() of a failed result does not throw, and neither does a late one ${on}`, async () => {
    const result = pool.applyAsync(failAt3, [3]);
    assertEquals(await result.wait({ timeout: 5_000 }), undefined);
    assertEquals(await result.wait(), undefined);
  });

  test(`close() and join() end the pool of these tests ${on}`, async () => {
    pool.close();
    await pool.join();
  });

  test(`wart 10: a worker that dies hangs no job ${on}`, async () => {
    await using pool = kind.make(1);
    await assertRejects(() => soon("get()", pool.apply(tasks.dieAt, [1])), WorkerCrashError);
    assertEquals(await soon("a later job", pool.apply(double, [5])), 10);
  });

  test(`wart 10: workers that only die are not started for ever ${on}`, async () => {
    await using pool = kind.make(1);
    const results = Array.from({ length: 6 }, (_, i) => pool.applyAsync(tasks.dieAt, [i]));
    for (const result of results) {
      await assertRejects(() => soon("get()", result), BrokenExecutorError);
    }
  });

  test(`wart 11: an initializer that fails is not tried for ever, and hangs nothing ${on}`, async () => {
    using gate = new Gate();
    await using pool = kind.make({
      processes: 2,
      initializer: tasks.failToInitialize,
      initargs: [gate.path],
    });
    const error = await assertRejects(
      async () => await soon("get()", pool.apply(double, [1])),
      kind.broken,
    );
    assertEquals(String(error.cause), "RangeError: no luck");
    pool.close();
    await soon("join()", pool.join());
    assert(gate.entered.length <= 2, `${gate.entered.length} tries`);
  });

  test(`wart 23: a call that throws has queued nothing ${on}`, async () => {
    await using pool = kind.make(1);
    using gate = new Gate();
    const none = undefined as unknown as () => number;
    assertThrows(() => pool.applyAsync(none, []), TypeError);
    assertThrows(
      () => pool.applyAsync(tasks.enter, [gate.held(0)], { callback: 5 as never }),
      TypeError,
    );
    assertThrows(() => pool.map(tasks.enter, gate.row(2), 0), RangeError);
    assertThrows(() => pool.imap(tasks.enter, gate.row(2), { bufferSize: 0 }), RangeError);
    assertEquals(await pool.apply(double, [5]), 10);
    assertEquals(gate.entered, []);
  });
}
