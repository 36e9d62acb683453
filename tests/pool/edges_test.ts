/** The edges of pools: where close, terminate and timeouts meet inputs, callbacks and each other. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import process from "node:process";
import {
  BrokenExecutorError,
  CancelledError,
  type Future,
  FutureSource,
  TimeoutError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import {
  double,
  END,
  errorsOf,
  Gate,
  Input,
  later,
  outcomesOf,
  POOLS,
  settle,
  soon,
  tasks,
} from "./pools.ts";

function* nineTimes(future: Future<number>): Generator<Future<number>> {
  for (let i = 0; i < 9; i++) yield future;
}

for (const kind of POOLS) {
  const on = `[${kind.name}]`;

  for (const method of ["imap", "imapUnordered"] as const) {
    for (
      const [name, make] of [
        ["an iterator", () => new Input(20)],
        ["an asynchronous one", () => later(Array.from({ length: 20 }, (_, i) => i))],
      ] as [string, () => Iterable<number>][]
    ) {
      test(`close() lets ${method}() over ${name} finish ${on}`, async () => {
        await using pool = kind.make(2);
        const results = pool[method](double, make());
        pool.close();
        const outcomes = await outcomesOf(results);
        assertEquals(
          (outcomes as number[]).toSorted((a, b) => a - b),
          Array.from({ length: 20 }, (_, i) => 2 * i),
        );
        await soon("join()", pool.join());
      });
    }

    // A chunk that was done when it was submitted was never counted as taken: join() hung.
    test(`close() lets ${method}() over failed futures read on ${on}`, async () => {
      await using pool = kind.make(1);
      const source = new FutureSource<number>();
      source.setException(new RangeError("no number"));
      const results = pool[method](double, nineTimes(source.future), {
        bufferSize: 2,
      });
      pool.close();
      await soon("join()", pool.join());
      const outcomes = await outcomesOf(results);
      assertEquals(outcomes, Array(9).fill("RangeError: no number"));
    });

    // What fails at once ended no turn: nothing else of the program ever ran again.
    test(`an endless input of ${method}() to a closed pool keeps no other from running ${on}`, async () => {
      const pool = kind.make(1);
      const source = new FutureSource<number>();
      source.setException(new RangeError("no number"));
      let isWanted = true;
      function* endless(): Generator<Future<number>> {
        while (isWanted) yield source.future;
      }
      const results = pool[method](double, endless(), {
        bufferSize: 2,
      });
      pool.close();
      await new Promise((resolve) => setTimeout(resolve));
      isWanted = false;
      await soon("join()", pool.join());
      await results.return!();
    });

    test(`terminate() ends a next() of ${method}() whose input gives nothing ${on}`, async () => {
      const pool = kind.make(1);
      const stalled: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
      };
      const next = pool[method](double, stalled).next();
      const end = next.then((result) => result, (error) => error);
      await pool.terminate();
      const result = await soon("next()", end, 1000);
      if (!(result instanceof CancelledError || result instanceof BrokenExecutorError)) {
        assertEquals(result, END);
      }
    });

    test(`terminate() closes the input of ${method}() ${on}`, async () => {
      const pool = kind.make(1);
      const input = new Input();
      pool[method](double, input);
      await pool.terminate();
      await settle();
      assertEquals(input.closed, 1);
    });

    test(`next() of ${method}() after return() is done, though one timed out before ${on}`, async () => {
      await using pool = kind.make(1);
      using gate = new Gate();
      const results = pool[method](tasks.hold, gate.row(1));
      await assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
      gate.open();
      await pool.apply(double, [1]);
      await settle();
      assertEquals(await results.return(), END);
      assertEquals(await results.next(), END);
    });

    test(`a next() of ${method}() that timed out has taken nothing: bufferSize holds ${on}`, async () => {
      await using pool = kind.make(1);
      using gate = new Gate();
      function* items() {
        for (reads = 0;;) yield gate.held(reads++);
      }
      let reads = 0;
      const results = pool[method](tasks.hold, items(), { bufferSize: 2 });
      await gate.waitEntered(1);
      await assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
      assertEquals(reads, 2);
      gate.open();
      await pool.apply(double, [1]);
      await settle();
      assertEquals(reads, 2);
      await results.return();
    });

    test(`next(5) of ${method}(), as Python spells it, is a TypeError and no endless wait ${on}`, async () => {
      await using pool = kind.make(1);
      using gate = new Gate();
      const results = pool[method](tasks.hold, gate.row(1));
      await assertRejects(
        async () => await soon("next(5)", results.next(5 as never), 500),
        TypeError,
      );
    });
  }

  test(`a callback that is asynchronous and rejects is reported and ends no program ${on}`, async () => {
    await using pool = kind.make(1);
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      const told = await errorsOf(async () => {
        await pool.applyAsync(double, [1], {
          callback: async () => await Promise.reject(new Error("later")),
        });
        await settle(5);
      });
      assertEquals([told.length, unhandled.length], [1, 0]);
    } finally {
      process.off("unhandledRejection", listener);
    }
  });

  for (const method of ["map", "mapAsync", "starmap", "starmapAsync"] as const) {
    test(`${method}() of the result of calling the task is a TypeError at once ${on}`, async () => {
      await using pool = kind.make(1);
      assertThrows(() => {
        const call = pool[method].bind(pool) as (...args: unknown[]) => PromiseLike<unknown>;
        call(double(2), [[1]]).then(() => {}, () => {});
      }, TypeError);
    });
  }

  test(`imap() keeps its order when one next() times out beside another ${on}`, async () => {
    await using pool = kind.make(1);
    using gate = new Gate();
    const results = pool.imap(tasks.hold, gate.row(2));
    const hurried = assertRejects(() => results.next({ timeout: 1 }), TimeoutError);
    const patient = results.next();
    await hurried;
    gate.open();
    assertEquals([(await patient).value, (await results.next()).value], [0, 1]);
  });

  test(`the callback has been called when await gives the result, as in Python ${on}`, async () => {
    await using pool = kind.make(1);
    const seen: unknown[] = [];
    const callback = () => void seen.push("callback");
    await pool.applyAsync(double, [1], { callback });
    seen.push("await");
    await pool.applyAsync(double, [1], { callback }).get();
    seen.push("get");
    await pool.applyAsync(double, [1], { callback }).wait();
    seen.push("wait");
    await pool.mapAsync(double, [1], { callback }).get({ timeout: 5000 });
    seen.push("get");
    await settle(2);
    assertEquals(seen, [
      "callback",
      "await",
      "callback",
      "get",
      "callback",
      "wait",
      "callback",
      "get",
    ]);
  });

  test(`a broken pool refuses all eight in the same way ${on}`, async () => {
    await using pool = kind.make({ processes: 1, initializer: tasks.dieAt, initargs: [1] });
    await assertRejects(async () => await pool.apply(double, [1]), kind.broken);
    assertThrows(() => pool.applyAsync(double, [1]), kind.broken);
    assertThrows(() => pool.imap(double, [1]), kind.broken);
    assertThrows(() => pool.mapAsync(double, [1]), kind.broken);
  });

  test(`a break between call and read of imap() over an iterator ends it ${on}`, async () => {
    await using pool = kind.make(1);
    const results = pool.imap(tasks.dieIfNegative, [-1, -2, -3, -4, -5].values(), {
      bufferSize: 1,
    });
    const outcomes = await soon("imap()", outcomesOf(results, 50));
    assertEquals(outcomes.length <= 6, true);
    assertEquals(await results.next(), END);
  });
}
