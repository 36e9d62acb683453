import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import process from "node:process";
import { AsyncResult, InvalidStateError, SerializationError, TimeoutError } from "../../mod.ts";
import { test } from "../harness.ts";
import { double, errorsOf, Gate, POOLS, settle, tasks } from "./pools.ts";

function fail(message: string): never {
  throw new RangeError(message);
}

test("AsyncResult cannot be constructed by users", () => {
  const Class = AsyncResult as unknown as new (...args: unknown[]) => unknown;
  assertThrows(() => new Class(), TypeError, "applyAsync");
  assertThrows(() => new Class(Symbol("make"), {}), TypeError);
});

for (const kind of POOLS) {
  const on = `[${kind.name}]`;
  const pool = kind.make(2);

  // --- apply ---

  test(`apply() calls the task with its arguments ${on}`, async () => {
    assertEquals(await pool.apply((a: number, b: number) => a - b, [44, 2]), 42);
    assertEquals(await pool.apply((...all: unknown[]) => all, [1, [2, 3], { four: 5 }]), [
      1,
      [2, 3],
      { four: 5 },
    ]);
    assertEquals(await pool.apply((...all: unknown[]) => all.length), 0);
    assertEquals(await pool.apply((...all: unknown[]) => all.length, []), 0);
    assertEquals(await pool.apply(async (x: number) => await Promise.resolve(x + 1), [1]), 2);
  });

  test(`apply() takes a task of a module, with its this ${on}`, async () => {
    assertEquals(typeof await pool.apply(tasks.whoAmI), "string");
  });

  test(`apply() gives undefined, null and other plain values as they are ${on}`, async () => {
    for (
      const value of [undefined, null, 0, -0, NaN, "", false, 10n, new Date(5), new Map([[1, 2]])]
    ) {
      assertEquals(await pool.apply((x: unknown) => x, [value]), value);
    }
  });

  test(`apply() rejects with the error of the task ${on}`, async () => {
    const error = await assertRejects(() => pool.apply(fail, ["why"]), RangeError, "why");
    assertStrictEquals(error.constructor, RangeError);
    await assertRejects(
      () => pool.apply(() => Promise.reject(new SyntaxError("later"))),
      SyntaxError,
      "later",
    );
  });

  test(`apply() rejects for an argument or a result that cannot be cloned ${on}`, async () => {
    await assertRejects(
      () => pool.apply((x: unknown) => x, [() => 1]),
      SerializationError,
      "argument 1",
    );
    await assertRejects(() => pool.apply(() => () => 1), SerializationError, "result");
    assertEquals(await pool.apply(double, [4]), 8);
  });

  test(`applyAsync() does not wait for what was issued before ${on}`, async () => {
    using gate = new Gate();
    const first = pool.applyAsync(tasks.hold, [gate.held(0)]);
    assertEquals(await pool.apply(double, [4]), 8);
    assertEquals(first.ready(), false);
    gate.open();
    assertEquals(await first, 0);
  });

  test(`applyAsync() uses all workers at once ${on}`, async () => {
    using gate = new Gate();
    const results = gate.row(2).map((held) => pool.applyAsync(tasks.hold, [held]));
    await gate.waitEntered(2);
    gate.open();
    assertEquals(await Promise.all(results), [0, 1]);
  });

  test(`applyAsync() reads its arguments at the call, not the array later ${on}`, async () => {
    const args: [number] = [1];
    const result = pool.applyAsync(double, args);
    args[0] = 100;
    assertEquals(await result, 2);
  });

  // --- AsyncResult ---

  test(`AsyncResult that is not ready says so ${on}`, async () => {
    using gate = new Gate();
    const result = pool.applyAsync(tasks.hold, [gate.held(7)]);
    assertInstanceOf(result, AsyncResult);
    assertEquals(Object.prototype.toString.call(result), "[object AsyncResult]");
    for (const running of [false, true]) {
      if (running) await gate.waitEntered(1);
      assertEquals(result.ready(), false);
      const error = assertThrows(() => result.successful(), InvalidStateError);
      assert(error.message.includes("not ready"), error.message);
      await assertRejects(() => result.get({ timeout: 0 }), TimeoutError);
      await assertRejects(() => result.get({ timeout: -5 }), TimeoutError);
      await assertRejects(() => result.get({ timeout: 5 }), TimeoutError);
      assertEquals(await result.wait({ timeout: 0 }), undefined);
      assertEquals(await result.wait({ timeout: 5 }), undefined);
    }
    assertEquals(result.ready(), false);
    gate.open();
    assertEquals(await result.wait(), undefined);
    assertEquals(result.ready(), true);
    assertEquals(result.successful(), true);
    assertEquals(await result.get({ timeout: 0 }), 7);
    assertEquals(await result.wait({ timeout: 0 }), undefined);
  });

  test(`AsyncResult gives its value as often as it is asked ${on}`, async () => {
    const result = pool.applyAsync((x: number) => ({ x }), [1]);
    const early = result.get({ timeout: 5_000 });
    const value = await result.get();
    assertEquals(value, { x: 1 });
    assertStrictEquals(await early, value);
    assertStrictEquals(await result.get(), value);
    assertStrictEquals(await result, value);
    assertStrictEquals((await Promise.all([result]))[0], value);
    assertEquals(await result.then(({ x }) => x + 1), 2);
    assertEquals(await result.then(), value);
    assertEquals(await result.then(null, null), value);
  });

  test(`AsyncResult that failed gives the same error as often as it is asked ${on}`, async () => {
    const result = pool.applyAsync(fail, ["once"]);
    assertEquals(await result.wait(), undefined);
    assertEquals(result.ready(), true);
    assertEquals(result.successful(), false);
    const error = await assertRejects(() => result.get(), RangeError, "once");
    assertStrictEquals(await assertRejects(() => result.get({ timeout: 0 })), error);
    assertStrictEquals(await result.then(() => "no", (reason) => reason), error);
    assertStrictEquals(await assertRejects(async () => await result), error);
    assertEquals(await result.wait({ timeout: 10 }), undefined);
  });

  test(`AsyncResult.get() and wait() end with their signal ${on}`, async () => {
    using gate = new Gate();
    const result = pool.applyAsync(tasks.hold, [gate.held(1)]);
    const controller = new AbortController();
    const got = assertRejects(
      () => result.get({ signal: controller.signal }),
      RangeError,
      "enough",
    );
    const waited = result.wait({ signal: controller.signal });
    controller.abort(new RangeError("enough"));
    await got;
    assertEquals(await waited, undefined);
    assertEquals(result.ready(), false);
    gate.open();
    assertEquals(await result, 1);
    assertEquals(await result.get({ signal: controller.signal }), 1); // a result that is there wins
  });

  test(`AsyncResult refuses wrong options of a wait ${on}`, async () => {
    const result = pool.applyAsync(double, [1]);
    for (const options of [{ timeout: "1" }, { timeout: NaN }, { signal: 1 }, 5, null]) {
      await assertRejects(async () => await result.get(options as never), TypeError);
      await assertRejects(async () => await result.wait(options as never), TypeError);
    }
    assertEquals(await result.get(undefined), 2);
    assertEquals(await result.get({}), 2);
    assertEquals(await result.get({ timeout: Infinity }), 2);
  });

  test(`AsyncResult whose error nobody looks at is silent ${on}`, async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      const results = [
        pool.applyAsync(fail, ["apply"]),
        pool.mapAsync(fail, ["map"]),
        pool.starmapAsync(fail, [["starmap"]]),
        pool.starmapAsync(fail, [["mixed"], ["arity", 2] as unknown as [string]]),
      ];
      const seen: unknown[] = [];
      pool.applyAsync(fail, ["callback"], { callback: (value) => seen.push(value) });
      pool.imap(fail, ["imap"]);
      for (const result of results) await result.wait();
      await settle();
      assertEquals(seen, []);
    } finally {
      process.off("unhandledRejection", listener);
    }
    assertEquals(unhandled, []);
  });

  // --- callbacks ---

  test(`callback is called once, with the result ${on}`, async () => {
    const seen: unknown[][] = [];
    const options = {
      callback: (...args: unknown[]) => void seen.push(["callback", ...args]),
      errorCallback: (...args: unknown[]) => void seen.push(["errorCallback", ...args]),
    };
    const result = pool.applyAsync(double, [21], options);
    assertEquals(seen, []);
    await result.wait();
    await settle(2);
    await result.get();
    await settle(2);
    assertEquals(seen, [["callback", 42]]);
  });

  test(`callback is called for a result that is undefined ${on}`, async () => {
    const seen: unknown[][] = [];
    await pool.applyAsync(() => {}, [], { callback: (...args) => void seen.push(args) });
    await settle(2);
    assertEquals(seen, [[undefined]]);
  });

  test(`errorCallback is called once, with the error, in place of callback ${on}`, async () => {
    const seen: unknown[][] = [];
    const options = {
      callback: (...args: unknown[]) => void seen.push(["callback", ...args]),
      errorCallback: (...args: unknown[]) => void seen.push(["errorCallback", ...args]),
    };
    const result = pool.applyAsync(fail, ["no"], options);
    const error = await assertRejects(() => result.get(), RangeError);
    await settle(2);
    assertEquals(seen.length, 1);
    assertEquals(seen[0]!.length, 2);
    assertEquals(seen[0]![0], "errorCallback");
    assertStrictEquals(seen[0]![1], error);
  });

  test(`errorCallback is called for thrown values of any kind ${on}`, async () => {
    for (const value of [undefined, null, 0, ""]) {
      const seen: unknown[] = [];
      const result = pool.applyAsync(
        (x: unknown) => {
          throw x;
        },
        [value],
        {
          callback: () => seen.push("callback"),
          errorCallback: (error) => seen.push(error),
        },
      );
      await result.wait();
      await settle(2);
      assertEquals(seen, [value]);
      assertEquals(result.successful(), false);
    }
  });

  test(`callback finds the result ready ${on}`, async () => {
    const { promise, resolve } = Promise.withResolvers<unknown[]>();
    const result: AsyncResult<number> = pool.applyAsync(double, [2], {
      callback: () => resolve([result.ready(), result.successful()]),
    });
    assertEquals(await promise, [true, true]);
  });

  test(`callback may issue more work and wait for it ${on}`, async () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    pool.applyAsync(double, [2], {
      callback: (value) => void pool.apply(double, [value]).then(resolve, reject),
    });
    assertEquals(await promise, 8);
  });

  test(`callbacks of many results are each called once ${on}`, async () => {
    const seen: number[] = [];
    const results = Array.from(
      { length: 50 },
      (_, i) => pool.applyAsync(double, [i], { callback: (value) => void seen.push(value) }),
    );
    await Promise.all(results);
    await settle(2);
    assertEquals(seen.toSorted((a, b) => a - b), Array.from({ length: 50 }, (_, i) => 2 * i));
  });

  test(`callback that throws is reported and changes nothing ${on}`, async () => {
    const thrown = new Error("of the callback");
    const failed = new Error("of the errorCallback");
    const told = await errorsOf(async () => {
      const good = pool.applyAsync(double, [2], {
        callback: () => {
          throw thrown;
        },
      });
      assertEquals(await good, 4);
      assertEquals(good.successful(), true);
      const bad = pool.applyAsync(fail, ["of the task"], {
        errorCallback: () => {
          throw failed;
        },
      });
      await assertRejects(() => bad.get(), RangeError, "of the task");
      assertEquals(await pool.apply(double, [3]), 6);
    });
    assertEquals(told.length, 2);
    assert(told[0]!.includes(thrown));
    assert(told[1]!.includes(failed));
  });

  test(`close() and join() end the pool of these tests ${on}`, async () => {
    pool.close();
    await pool.join();
  });
}
