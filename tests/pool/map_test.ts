import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type AsyncResult, SerializationError } from "../../mod.ts";
import { test } from "../harness.ts";
import { double, errorsOf, failAfter, Gate, Input, POOLS, settle, square, tasks } from "./pools.ts";

/** The lengths of the runs of equal neighbours. */
function runs(names: readonly string[]): number[] {
  const lengths: number[] = [];
  names.forEach((name, i) => {
    if (i > 0 && names[i - 1] === name) lengths[lengths.length - 1]!++;
    else lengths.push(1);
  });
  return lengths;
}

for (const kind of POOLS) {
  const on = `[${kind.name}]`;
  const pool = kind.make(2);

  // --- results ---

  test(`map() and mapAsync() give all results, in input order ${on}`, async () => {
    assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
    assertEquals(await pool.mapAsync(square, [1, 2, 3]), [1, 4, 9]);
    assertEquals(await pool.mapAsync(square, [4]).get(), [16]);
    const items = Array.from({ length: 3000 }, (_, i) => i);
    assertEquals(await pool.map(double, items), items.map(double));
  });

  test(`map() gives input order though the first item ends last ${on}`, async () => {
    using gate = new Gate();
    const result = pool.mapAsync(tasks.hold, gate.row(3), { chunkSize: 1 });
    gate.open(1, 2);
    const left = async (count: number) => {
      while (gate.left.length < count) await settle(1);
    };
    await left(2);
    assertEquals(result.ready(), false);
    gate.open();
    assertEquals(await result, [0, 1, 2]);
    // The two that were let go together may end in either order: see imap_test.ts.
    assertEquals([gate.left.slice(0, 2).toSorted(), gate.left[2]], [["1", "2"], "0"]);
  });

  for (
    const [name, items, expected] of [
      ["a set", () => new Set([1, 2, 3]), [1, 2, 3]],
      ["a map", () => new Map([[1, 2], [3, 4]]), [[1, 2], [3, 4]]],
      ["a string", () => "a😀", ["a", "😀"]],
      ["a typed array", () => new Float32Array([1, 2.5]), [1, 2.5]],
      ["a generator", () => failAfter([1, 2], "never").take(2), [1, 2]],
      ["an iterator that is closed by nobody", () => new Input(3), [0, 1, 2]],
      ["an array with holes", () => [1, , 3], [1, undefined, 3]], // deno-lint-ignore no-sparse-arrays
      ["arrays, each one argument", () => [[1, 2], [], [3]], [[1, 2], [], [3]]],
    ] as [string, () => Iterable<unknown>, unknown[]][]
  ) {
    test(`map() takes ${name} ${on}`, async () => {
      assertEquals(await pool.map((x: unknown) => x, items()), expected);
      assertEquals(await pool.map((x: unknown) => x, items(), 1), expected);
      const outcomes: unknown[] = [];
      for await (const x of pool.imap((x: unknown) => x, items())) outcomes.push(x);
      assertEquals(outcomes, expected);
    });
  }

  test(`map() calls the task with the item alone ${on}`, async () => {
    assertEquals(await pool.map((...all: [unknown]) => all.length, ["a", [1, 2], undefined]), [
      1,
      1,
      1,
    ]);
  });

  test(`map() takes the items at the call ${on}`, async () => {
    const items = [1, 2, 3];
    const result = pool.mapAsync(double, items);
    items.push(4);
    items[0] = 100;
    assertEquals(await result, [2, 4, 6]);
  });

  test(`map() of asynchronous tasks and of results of all kinds ${on}`, async () => {
    const later = async (x: number) => await Promise.resolve({ x });
    assertEquals(await pool.map(later, [1, 2]), [{ x: 1 }, { x: 2 }]);
    assertEquals(await pool.map(() => {}, [1, 2, 3]), [undefined, undefined, undefined]);
  });

  test(`two maps at once do not mix ${on}`, async () => {
    const items = Array.from({ length: 200 }, (_, i) => i);
    const [a, b, c] = await Promise.all([
      pool.map(double, items),
      pool.map(square, items, 3),
      pool.starmap((x: number, y: number) => x - y, items.map((x) => [x, 1])),
    ]);
    assertEquals([a, b, c], [items.map(double), items.map(square), items.map((x) => x - 1)]);
  });

  // --- empty input ---

  for (
    const [name, issue] of [
      ["mapAsync", (options) => pool.mapAsync(double, [], options)],
      ["starmapAsync", (options) => pool.starmapAsync(double, [], options)],
      ["mapAsync of a generator", (options) => pool.mapAsync(double, new Input(0), options)],
    ] as [string, (options: { callback(value: unknown): void }) => AsyncResult<unknown>][]
  ) {
    test(`${name}() of nothing gives [] and calls the callback with it ${on}`, async () => {
      const seen: unknown[] = [];
      const result = issue({ callback: (value) => void seen.push(value) });
      assertEquals(await result, []);
      await settle(2);
      assertEquals(seen, [[]]);
      assertEquals(result.successful(), true);
    });
  }

  test(`map() and starmap() of nothing give [] ${on}`, async () => {
    assertEquals(await pool.map(double, []), []);
    assertEquals(await pool.map(double, [], 5), []);
    assertEquals(await pool.starmap(double, []), []);
  });

  // --- starmap ---

  test(`starmap() calls the task with each array of arguments ${on}`, async () => {
    const minus = (a: number, b: number) => a - b;
    assertEquals(await pool.starmap(minus, [[3, 1], [5, 2], [9, 9]]), [2, 3, 0]);
    assertEquals(await pool.starmapAsync(minus, [[3, 1], [5, 2]]), [2, 3]);
    assertEquals(await pool.starmap(minus, new Map([[3, 1], [5, 2]])), [2, 3]);
    assertEquals(await pool.starmap(minus, new Set<[number, number]>([[3, 1]]), 1), [2]);
    assertEquals(await pool.starmap(double, [[1], [2]]), [2, 4]);
    const wide = Array.from({ length: 40 }, (_, i) => i);
    assertEquals(
      await pool.starmap((...all: number[]) => all.reduce((a, b) => a + b), [wide, wide]),
      [780, 780],
    );
  });

  test(`starmap() takes rows of mixed length, and of length 0 ${on}`, async () => {
    const all = (...args: unknown[]) => args;
    for (
      const rows of [
        [[1], [1, 2], [], [1, 2, 3]],
        [[], []],
        [[]],
        [[], [1]],
        [[1], []],
        [[undefined], [undefined, undefined]],
        [[[1, 2]], [[3]]],
      ]
    ) {
      assertEquals(await pool.starmap(all, rows), rows);
      assertEquals(await pool.starmap(all, rows, 2), rows);
    }
    const rows = Array.from({ length: 300 }, (_, i) => Array.from({ length: i % 3 }, () => i));
    assertEquals(await pool.starmap(all, rows), rows);
  });

  test(`starmap() leaves out what optional parameters are not given ${on}`, async () => {
    const task = (a: number, b = 10) => a + b;
    assertEquals(await pool.starmap(task, [[1], [1, 2]]), [11, 3]);
  });

  test(`starmap() takes a generator of rows ${on}`, async () => {
    function* rows(): Generator<[number, number]> {
      for (let i = 0; i < 5; i++) yield [i, 10];
    }
    assertEquals(await pool.starmap((a: number, b: number) => a * b, rows()), [0, 10, 20, 30, 40]);
  });

  for (const [name, bad] of [["a number", 5], ["a string", "ab"], ["undefined", undefined]]) {
    test(`starmap() with ${name} for a row rejects, and nothing runs ${on}`, async () => {
      using gate = new Gate();
      const seen: unknown[] = [];
      const rows = [[gate.held(0)], bad, [gate.held(1)]] as [ReturnType<Gate["held"]>][];
      const result = pool.starmapAsync(tasks.enter, rows, {
        errorCallback: (error) => void seen.push(error),
      });
      const error = await assertRejects(() => result.get(), TypeError, "array of arguments");
      assertEquals(await pool.apply(double, [1]), 2);
      assertEquals(seen, [error]);
      assertEquals(gate.entered, []);
    });
  }

  // --- failures ---

  test(`map() runs all items though some fail ${on}`, async () => {
    using gate = new Gate();
    const items = gate.row(9).map((held, i) => ({ ...held, fails: i % 4 === 1 }));
    await assertRejects(() => pool.map(tasks.enter, items, 3), RangeError, "1");
    assertEquals(gate.entered.toSorted(), items.map(({ value }) => `${value}`));
  });

  test(`starmap() of mixed rows runs all though some fail ${on}`, async () => {
    const task = (...args: number[]) => {
      if (args.length > 1) throw new RangeError(`${args}`);
      return args;
    };
    await assertRejects(() => pool.starmap(task, [[1], [2, 3], [], [4, 5]]), RangeError, "2,3");
  });

  test(`map() rejects with thrown values of any kind ${on}`, async () => {
    for (const value of [undefined, null, 0, ""]) {
      const result = pool.mapAsync((x: unknown) => {
        throw x;
      }, [value]);
      await result.wait();
      assertEquals(result.successful(), false);
      assertStrictEquals(await result.then(() => "resolved", (reason) => reason), value);
    }
  });

  test(`map() rejects for an item or a result that cannot be cloned ${on}`, async () => {
    const items: unknown[] = [1, () => 1, 3];
    for (const chunkSize of [1, 3, undefined]) {
      await assertRejects(() => pool.map((x: unknown) => x, items, chunkSize), SerializationError);
      await assertRejects(
        () => pool.map((x: number) => x === 2 ? () => x : x, [1, 2, 3], chunkSize),
        SerializationError,
      );
    }
    assertEquals(await pool.map(double, [1]), [2]);
  });

  test(`map() of an input that throws rejects with its error, and nothing runs ${on}`, async () => {
    using gate = new Gate();
    const thrown = new RangeError("of the input");
    const seen: unknown[] = [];
    const input = failAfter(gate.row(2), thrown);
    const result = pool.mapAsync(tasks.enter, input, {
      callback: () => void seen.push("callback"),
      errorCallback: (error) => void seen.push(error),
    });
    assertStrictEquals(await assertRejects(() => result.get()), thrown);
    assertStrictEquals(
      await assertRejects(() => pool.map(double, failAfter([1], thrown))),
      thrown,
    );
    assertStrictEquals(
      await assertRejects(() => pool.starmap(double, failAfter([[1]] as [number][], thrown))),
      thrown,
    );
    assertEquals(await pool.apply(double, [1]), 2);
    assertEquals(seen, [thrown]);
    assertEquals(gate.entered, []);
  });

  test(`map() of an iterable that cannot be opened rejects with its error ${on}`, async () => {
    const thrown = new RangeError("shut");
    const shut: Iterable<number> = {
      [Symbol.iterator]() {
        throw thrown;
      },
    };
    assertStrictEquals(await assertRejects(() => pool.map(double, shut)), thrown);
    assertEquals(await pool.map(double, [1]), [2]);
  });

  // --- callbacks ---

  test(`callback of mapAsync() and starmapAsync() gets the whole list, once ${on}`, async () => {
    const seen: unknown[][] = [];
    const options = {
      chunkSize: 1,
      callback: (...args: unknown[]) => void seen.push(args),
      errorCallback: () => void seen.push(["errorCallback"]),
    };
    await pool.mapAsync(double, [1, 2, 3], options);
    await pool.starmapAsync(double, [[4], [5]], options);
    await settle(2);
    assertEquals(seen, [[[2, 4, 6]], [[8, 10]]]);
  });

  test(`errorCallback of mapAsync() gets one error, once ${on}`, async () => {
    const seen: unknown[] = [];
    const result = pool.mapAsync(
      (x: number) => {
        throw new RangeError(`${x}`);
      },
      [1, 2, 3],
      {
        chunkSize: 1,
        callback: () => void seen.push("callback"),
        errorCallback: (error) => void seen.push(String(error)),
      },
    );
    await result.wait();
    await settle(2);
    assertEquals(seen, ["RangeError: 1"]);
  });

  test(`callback of mapAsync() that throws is reported and changes nothing ${on}`, async () => {
    const thrown = new Error("of the callback");
    const told = await errorsOf(async () => {
      const result = pool.mapAsync(double, [1, 2], {
        callback: () => {
          throw thrown;
        },
      });
      assertEquals(await result, [2, 4]);
      assertEquals(await pool.map(double, [3]), [6]);
    });
    assertEquals(told.length, 1);
    assert(told[0]!.includes(thrown));
  });

  test(`close() and join() end the pool of these tests ${on}`, async () => {
    pool.close();
    await pool.join();
  });

  // --- chunks ---

  // A worker that ends after one task shows what a task was.
  test(`chunkSize of map() and starmap() is ceil(n / (4 * workers)), or as given ${on}`, async () => {
    await using pool = kind.make({ processes: 2, maxTasksPerChild: 1 });
    const items = Array.from({ length: 9 }, (_, i) => i);
    const names = await pool.map(tasks.whoAmI, items);
    assertEquals(runs(names), [2, 2, 2, 2, 1]);
    assertEquals(new Set(names).size, 5);
    assertEquals(runs(await pool.map(tasks.whoAmI, items, 5)), [5, 4]);
    assertEquals(runs(await pool.starmap(tasks.whoAmI, items.map((x) => [x]), 8)), [8, 1]);
    const one = pool.mapAsync(tasks.whoAmI, items, { chunkSize: Number.MAX_SAFE_INTEGER });
    assertEquals(runs(await one), [9]);
  });
}
