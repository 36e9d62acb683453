import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { WorkerPool } from "../../mod.ts";
import { test } from "../harness.ts";
import { double, later, POOLS } from "./pools.ts";

type Loose = Record<string, (...args: unknown[]) => unknown>;

const EIGHT = [
  "apply",
  "applyAsync",
  "map",
  "mapAsync",
  "starmap",
  "starmapAsync",
  "imap",
  "imapUnordered",
];
const OVER_ITEMS = EIGHT.slice(2);
const WITH_CALLBACKS = ["applyAsync", "mapAsync", "starmapAsync"];

/** Calls a method with a task and items that fit it. */
function call(pool: WorkerPool, method: string, fn: unknown, ...rest: unknown[]): unknown {
  const items = method.startsWith("apply") ? [1] : method.startsWith("starmap") ? [[1]] : [1];
  return (pool as unknown as Loose)[method]!(fn, items, ...rest);
}

/** The same, with options where the method takes them. */
function callWith(pool: WorkerPool, method: string, options: Record<string, unknown>): unknown {
  const positional = method === "map" || method === "starmap";
  return call(pool, method, double, positional ? options.chunkSize : options);
}

for (const kind of POOLS) {
  const on = `[${kind.name}]`;

  for (
    const [options, error] of [
      [0, RangeError],
      [-1, RangeError],
      [1.5, RangeError],
      [NaN, RangeError],
      [Infinity, RangeError],
      ["2", TypeError],
      [true, TypeError],
      [2n, TypeError],
      [null, TypeError],
      [1e9, RangeError],
      [{ processes: 1e9 }, RangeError],
      [{ processes: 0 }, RangeError],
      [{ processes: -1 }, RangeError],
      [{ processes: 1.5 }, RangeError],
      [{ processes: "2" }, TypeError],
      [{ processes: null }, TypeError],
      [{ processes: 1, maxTasksPerChild: 0 }, RangeError],
      [{ processes: 1, maxTasksPerChild: -1 }, RangeError],
      [{ processes: 1, maxTasksPerChild: 1.5 }, RangeError],
      [{ processes: 1, maxTasksPerChild: "1" }, TypeError],
      [{ processes: 1, minWorkers: 2 }, RangeError],
      [{ processes: 1, minWorkers: -1 }, RangeError],
      [{ processes: 1, minWorkers: "1" }, TypeError],
      [{ processes: 1, idleTimeout: "1" }, TypeError],
      [{ processes: 1, maxWorkerMemory: 0 }, RangeError],
      [{ processes: 1, maxWorkerMemory: "1 GB" }, TypeError],
      [{ processes: 1, finalizer: 5 }, TypeError],
      [{ processes: 1, finalizerTimeout: "1" }, TypeError],
      [{ processes: 1, finaliser: double }, TypeError],
      [{ processes: 1, maxWorkers: 1 }, TypeError],
      [{ processes: 1, initializer: "print" }, TypeError],
      [{ processes: 1, initializer: 5 }, TypeError],
      [{ processes: 1, initializer: class {} }, TypeError],
      [{ processes: 1, initializer: double, initargs: "ab" }, TypeError],
      [{ processes: 1, initializer: double, initargs: 5 }, TypeError],
    ] as [unknown, typeof TypeError][]
  ) {
    const shown = typeof options === "object" ? JSON.stringify(options) : String(options);
    test(`a pool of ${typeof options} ${shown} is a ${error.name} at once ${on}`, () => {
      assertThrows(() => kind.make(options as never), error);
    });
  }

  const pool = kind.make(1);

  for (const method of EIGHT) {
    for (
      const [name, fn] of [
        ["undefined", undefined],
        ["the result of calling it", double(2)],
        ["a string", "double"],
        ["an object", {}],
        ["a class", class {}],
        ["a bound function", double.bind(null)],
        ["a native function", Math.max],
      ] as [string, unknown][]
    ) {
      test(`${method}() of ${name} in place of a task is a TypeError ${on}`, async () => {
        await assertRejects(async () => await call(pool, method, fn), TypeError, "Cannot submit");
      });
    }
  }

  for (const method of OVER_ITEMS) {
    for (const items of [undefined, null, 5, {}, true]) {
      test(`${method}() over ${items} is a TypeError at once ${on}`, () => {
        assertThrows(() => (pool as unknown as Loose)[method]!(double, items), TypeError);
      });
    }

    for (
      const [chunkSize, error] of [
        [0, RangeError],
        [-1, RangeError],
        [1.5, RangeError],
        [NaN, RangeError],
        ["1", TypeError],
        [null, TypeError],
      ] as [unknown, typeof TypeError][]
    ) {
      test(`chunkSize ${chunkSize} of ${method}() is a ${error.name} at once ${on}`, () => {
        assertThrows(() => callWith(pool, method, { chunkSize }), error, "chunkSize");
      });
    }
  }

  for (const method of ["imap", "imapUnordered"]) {
    for (
      const [bufferSize, error] of [
        [0, RangeError],
        [-1, RangeError],
        [0.5, RangeError],
        ["1", TypeError],
      ] as [unknown, typeof TypeError][]
    ) {
      test(`bufferSize ${bufferSize} of ${method}() is a ${error.name} at once ${on}`, () => {
        assertThrows(() => callWith(pool, method, { bufferSize }), error, "bufferSize");
      });
    }
  }

  for (const method of ["map", "mapAsync", "starmap", "starmapAsync"]) {
    test(`${method}() over an asynchronous iterable is a TypeError at once ${on}`, () => {
      assertThrows(
        () => (pool as unknown as Loose)[method]!(double, later([1])),
        TypeError,
        "iterable",
      );
    });
  }

  for (const method of WITH_CALLBACKS) {
    for (const name of ["callback", "errorCallback"]) {
      for (const value of [5, "print", null, {}]) {
        test(`${name} ${JSON.stringify(value)} of ${method}() is a TypeError at once ${on}`, () => {
          assertThrows(() => callWith(pool, method, { [name]: value }), TypeError, name);
        });
      }
    }
  }

  for (const method of [...WITH_CALLBACKS, "imap", "imapUnordered"]) {
    for (const options of [5, "x", null]) {
      test(`${method}() with ${JSON.stringify(options)} for options is a TypeError at once ${on}`, () => {
        assertThrows(() => call(pool, method, double, options), TypeError, "options");
      });
    }

    test(`${method}() with undefined for its options takes the defaults ${on}`, async () => {
      const result = callWith(pool, method, {
        chunkSize: undefined,
        bufferSize: undefined,
        callback: undefined,
        errorCallback: undefined,
      });
      if (method.startsWith("imap")) {
        const results = result as AsyncIterator<number>;
        assertEquals(await results.next(), { done: false, value: 2 });
      } else await (result as PromiseLike<unknown>);
    });
  }

  for (const method of ["apply", "applyAsync"]) {
    for (const args of ["ab", 5, null, {}, new Set([1])]) {
      const shown = Object.prototype.toString.call(args);
      test(`${method}() with ${shown} for arguments is a TypeError at once ${on}`, () => {
        assertThrows(() => (pool as unknown as Loose)[method]!(double, args), TypeError, "array");
      });
    }
  }

  test(`wrong calls have left nothing behind: the pool works and ends ${on}`, async () => {
    assertEquals(await pool.apply(double, [2]), 4);
    pool.close();
    await pool.join();
  });
}
