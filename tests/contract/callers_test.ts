/** What callers hand over may be of their own making: its failures are contained, or told at once. @module */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  asCompleted,
  CancelledError,
  FutureSource,
  ThreadPool,
  ThreadPoolExecutor,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { EXECUTORS, until } from "./executors.ts";

/** What is printed as an error meanwhile. */
class Errors implements Disposable {
  readonly lines: string[] = [];
  readonly #error = console.error;

  constructor() {
    console.error = (...parts: unknown[]) => void this.lines.push(parts.map(String).join(" "));
  }

  [Symbol.dispose](): void {
    console.error = this.#error;
  }
}

// A rejection that nobody handles would fail the test, or end the program.
test("a callback that rejects is reported, and changes nothing", async () => {
  using errors = new Errors();
  const rejects = (what: string) => () => Promise.reject(new Error(what));
  const source = new FutureSource<number>();
  source.future.addDoneCallback(rejects("done"));
  source.setResult(1);
  source.future.addDoneCallback(rejects("late"));
  await using executor = new ThreadPoolExecutor(1);
  await executor.with({ onProgress: rejects("progress") }).submit(
    function (this: { report(x: number): void }) {
      this.report(1);
    },
  );
  await using pool = new ThreadPool(1);
  await pool.applyAsync((x: number) => x, [1], { callback: rejects("callback") });
  await pool.applyAsync(
    () => {
      throw new Error("task");
    },
    [],
    { errorCallback: rejects("errorCallback") },
  ).wait();
  await until(() => errors.lines.length >= 5);
  for (const what of ["done", "late", "progress", "callback", "errorCallback"]) {
    assert(errors.lines.some((line) => line.endsWith(`Error: ${what}`)), what);
  }
});

test("a callback that gives a hostile thenable harms nobody", async () => {
  using errors = new Errors();
  const source = new FutureSource<number>();
  source.future.addDoneCallback(() => ({
    get then(): unknown {
      throw new Error("then");
    },
  } as unknown as void));
  source.future.addDoneCallback(() => ({
    then(_: unknown, reject: (error: Error) => void) {
      reject(new Error("once"));
      reject(new Error("twice"));
      throw new Error("thrice");
    },
  } as unknown as void));
  source.setResult(1);
  await until(() => errors.lines.length >= 2);
  assertEquals(errors.lines.length, 2);
});

test("Proxies that are given to then are called, and their outcome is the promise's", async () => {
  const proxy = <F extends (x: never) => unknown>(fn: F): F => new Proxy(fn, {});
  const source = new FutureSource<number>();
  const { future } = source;
  const value = future.then(proxy((x: number) => x + 1), proxy((error: unknown) => error));
  const thrown = future.then(
    proxy((): never => {
      throw new RangeError("mine");
    }),
    proxy((error: unknown) => error),
  );
  source.setResult(1);
  assertEquals(await value, 2);
  await assertRejects(() => thrown, RangeError, "mine");
});

// --- signals ---

/** A signal of one's own making; getters stay getters. */
function signal(more: object): AbortSignal {
  const plain = { aborted: false, addEventListener() {}, removeEventListener() {} };
  return Object.defineProperties(
    plain,
    Object.getOwnPropertyDescriptors(more),
  ) as unknown as AbortSignal;
}

const BAD_SIGNALS = {
  "without removeEventListener": { removeEventListener: undefined },
  "whose aborted is no boolean": { aborted: "no" },
};

for (const [what, more] of Object.entries(BAD_SIGNALS)) {
  test(`a signal ${what} is refused at once`, async () => {
    await using executor = new ThreadPoolExecutor(1);
    assertThrows(() => executor.with({ signal: signal(more) }), TypeError);
    const { future } = new FutureSource<number>();
    await assertRejects(async () => await future.result({ signal: signal(more) }), TypeError);
    assertThrows(() => asCompleted([future], { signal: signal(more) }), TypeError);
  });
}

for (const kind of EXECUTORS) {
  test(`a signal that throws when it is listened to fails submit(), and nothing is queued [${kind.name}]`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const mine = new RangeError("mine");
    const hostile = executor.with({
      signal: signal({
        addEventListener() {
          throw mine;
        },
      }),
    });
    assertThrows(() => hostile.submit((x: number) => x, 1), RangeError, "mine");
    assertThrows(() => hostile.map((x: number) => x, [1, 2]), RangeError, "mine");
    assertEquals(executor.stats().pending, 0);
    assertEquals(await executor.submit((x: number) => x, 2), 2);
  });

  test(`a signal that throws when it is let go, or asked, changes nothing [${kind.name}]`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const hostile = executor.with({
      signal: signal({
        removeEventListener() {
          throw new Error("removeEventListener");
        },
      }),
    });
    assertEquals(await hostile.submit((x: number) => x, 1), 1);
    let abort: (() => void) | undefined;
    const asked = executor.with({
      signal: signal({
        addEventListener: (_: string, listener: () => void) => abort = listener,
        get reason(): unknown {
          throw new RangeError("reason");
        },
      }),
    });
    const future = asked.submit((x: number) => x, 1);
    abort!();
    const error = await future.result().catch((error) => error);
    assert(error === 1 || error instanceof RangeError || error instanceof CancelledError);
  });
}

// --- map ---

for (const kind of EXECUTORS) {
  for (const end of ["terminate()", "shutdown({ cancelFutures: true })"] as const) {
    test(`${end} settles a map() that waits for its input [${kind.name}]`, async () => {
      const executor = kind.create({ maxWorkers: 1 });
      let closed = false;
      const input: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<never>(() => {}),
          return: () => {
            closed = true;
            return Promise.resolve({ done: true as const, value: undefined });
          },
        }),
      };
      const results = executor.map((x: number) => x, input);
      const next = results.next();
      await (end === "terminate()"
        ? executor.terminate()
        : executor.shutdown({ cancelFutures: true }));
      assertInstanceOf(await next.catch((error) => error), CancelledError);
      assertEquals(await results.next(), { done: true, value: undefined });
      assert(closed);
    });
  }
}
