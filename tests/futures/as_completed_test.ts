import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import {
  as_completed,
  asCompleted,
  Future,
  FutureSource,
  TimeoutError,
} from "../../src/futures/mod.ts";
import { test } from "../harness.ts";

const END = { done: true, value: undefined };

function sources(count: number): { all: FutureSource<number>[]; futures: Future<number>[] } {
  const all = Array.from({ length: count }, () => new FutureSource<number>());
  return { all, futures: all.map(({ future }) => future) };
}

async function order(
  iterator: ReturnType<typeof asCompleted<Future<number>>>,
  futures: readonly Future<number>[],
): Promise<number[]> {
  const seen: number[] = [];
  for await (const future of iterator) {
    // What TypeScript takes for a result is the future itself.
    seen.push(futures.indexOf(future as unknown as Future<number>));
  }
  return seen;
}

test("as_completed is asCompleted", () => {
  assertStrictEquals(as_completed, asCompleted);
});

test("asCompleted() of nothing ends at once", async () => {
  const iterator = asCompleted([]);
  assertEquals<unknown>(await iterator.next(), END);
  assertEquals<unknown>(await iterator.next(), END);
});

test("asCompleted() yields in order of completion", async () => {
  const { all, futures } = sources(4);
  const seen = order(asCompleted(futures), futures);
  for (const i of [2, 0, 3, 1]) all[i]!.setResult(i);
  assertEquals(await seen, [2, 0, 3, 1]);
});

test("asCompleted() yields each when it is done, not later", async () => {
  const { all, futures } = sources(3);
  const iterator = asCompleted(futures);
  for (const i of [1, 2, 0]) {
    const next = iterator.next();
    all[i]!.setResult(i);
    assertStrictEquals((await next).value, futures[i]);
  }
  assertEquals<unknown>(await iterator.next(), END);
});

test("asCompleted() yields what is done first, in input order", async () => {
  const { all, futures } = sources(5);
  for (const i of [4, 1]) all[i]!.setResult(i);
  futures[2]!.cancel();
  const seen = order(asCompleted(futures), futures);
  all[3]!.setResult(3);
  all[0]!.setResult(0);
  assertEquals(await seen, [1, 2, 4, 3, 0]);
});

test("asCompleted() yields the future, never its value", async () => {
  const { all, futures } = sources(2);
  all[0]!.setResult(7);
  all[1]!.setException(new Error("failed"));
  // TypeScript may take the loop's variable for a number: it awaits what an async iterable yields.
  for await (const future of asCompleted(futures)) assert(future as unknown instanceof Future);
  const { value } = await asCompleted(futures).next();
  assertStrictEquals(value, futures[0]);
});

test("asCompleted() yields failed and cancelled futures too", async () => {
  const { all, futures } = sources(3);
  const seen = order(asCompleted(futures), futures);
  all[1]!.setException(undefined);
  futures[0]!.cancel();
  all[2]!.setResult(1);
  assertEquals(await seen, [1, 0, 2]);
});

test("asCompleted() counts duplicates once", async () => {
  const { all, futures } = sources(2);
  const [a, b] = futures as [Future<number>, Future<number>];
  all[0]!.setResult(1);
  const seen = order(asCompleted([b, a, b, a]), futures);
  all[1]!.setResult(1);
  assertEquals(await seen, [0, 1]);
  await assertRejects(
    async () => {
      for await (const _ of asCompleted([new FutureSource<number>().future, a, a], { timeout: 0 }));
    },
    TimeoutError,
    "1 (of 2) futures unfinished",
  );
});

for (const timeout of [0, -1, 5]) {
  test(`asCompleted() with a timeout of ${timeout} yields what is done, then rejects`, async () => {
    const { all, futures } = sources(4);
    all[3]!.setResult(1);
    all[1]!.setResult(1);
    const iterator = asCompleted(futures, { timeout });
    assertStrictEquals((await iterator.next()).value, futures[1]);
    assertStrictEquals((await iterator.next()).value, futures[3]);
    await assertRejects(() => iterator.next(), TimeoutError, "2 (of 4) futures unfinished");
    assertEquals<unknown>(await iterator.next(), END);
    assertEquals<unknown>(await iterator.next(), END);
  });
}

test("asCompleted() with a timeout of 0 yields all if all are done", async () => {
  const { all, futures } = sources(2);
  for (const source of all) source.setResult(1);
  assertEquals(await order(asCompleted(futures, { timeout: 0 }), futures), [0, 1]);
});

test("asCompleted() starts its clock at the call", async () => {
  const { all, futures } = sources(2);
  const iterator = asCompleted(futures, { timeout: 20 });
  all[0]!.setResult(1);
  await delay(40); // due after the other, however late both are
  for (let turns = 0; turns < 6; turns++) await delay(2); // and what had arrived by then was read
  // Too late: its time is over, though nobody asked yet.
  all[1]!.setResult(1);
  assertStrictEquals((await iterator.next()).value, futures[0]);
  await assertRejects(() => iterator.next(), TimeoutError, "1 (of 2) futures unfinished");
});

test("asCompleted() that times out and is never taken raises nothing", async () => {
  const { futures } = sources(2);
  asCompleted(futures, { timeout: 0 });
  asCompleted(futures, { timeout: 1 });
  await delay(20);
});

test("asCompleted() validates at the call", () => {
  const { futures } = sources(1);
  for (
    const input of [futures[0], [Promise.resolve(1)], [1], [undefined], 5, null, undefined, {}]
  ) {
    assertThrows(() => asCompleted(input as never), TypeError);
  }
  for (const timeout of [NaN, "1", null, {}]) {
    assertThrows(() => asCompleted(futures, { timeout: timeout as never }), TypeError, "timeout");
  }
  assertThrows(() => asCompleted(futures, { signal: {} as never }), TypeError, "signal");
  assertThrows(() => asCompleted(futures, 5 as never), TypeError);
});

test("asCompleted() stops when its signal is aborted", async () => {
  const { all, futures } = sources(3);
  const controller = new AbortController();
  const iterator = asCompleted(futures, { signal: controller.signal });
  all[2]!.setResult(1);
  assertStrictEquals((await iterator.next()).value, futures[2]);
  const next = iterator.next();
  const reason = new RangeError("enough");
  controller.abort(reason);
  assertStrictEquals(await next.catch((error) => error), reason);
  assertEquals<unknown>(await iterator.next(), END);
});

test("asCompleted() with an aborted signal rejects unless all are done", async () => {
  const { all, futures } = sources(1);
  const signal = AbortSignal.abort(new RangeError("enough"));
  await assertRejects(() => asCompleted(futures, { signal }).next(), RangeError, "enough");
  all[0]!.setResult(1);
  assertStrictEquals((await asCompleted(futures, { signal }).next()).value, futures[0]);
});

test("asCompleted() ends when its loop is left", async () => {
  const { all, futures } = sources(3);
  const iterator = asCompleted(futures, { timeout: 60_000 });
  all[0]!.setResult(1);
  for await (const future of iterator) {
    assertStrictEquals(future, futures[0]);
    break;
  }
  all[1]!.setResult(1);
  assertEquals<unknown>(await iterator.next(), END);
});

test("asCompleted() removes every listener when its loop is left", async () => {
  const { futures } = sources(3);
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  }) as typeof signal.addEventListener;
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  }) as typeof signal.removeEventListener;
  const iterator = asCompleted(futures, { signal });
  assertEquals(listeners, 1);
  await iterator.return!();
  assertEquals(listeners, 0);
});

test("asCompleted() frees those who wait when return() is called", async () => {
  const { futures } = sources(2);
  const iterator = asCompleted(futures);
  const waiting = [iterator.next(), iterator.next()];
  await iterator.return!();
  assertEquals<unknown>(await Promise.all(waiting), [END, END]);
});

test("asCompleted() ends with await using", async () => {
  const { all, futures } = sources(2);
  const iterator = asCompleted(futures);
  {
    await using _ = iterator;
  }
  all[0]!.setResult(1);
  assertEquals<unknown>(await iterator.next(), END);
});

test("asCompleted() is its own async iterator", () => {
  const iterator = asCompleted([]);
  assertStrictEquals(iterator[Symbol.asyncIterator](), iterator);
});

test("asCompleted() serves calls of next() at once in order", async () => {
  const { all, futures } = sources(3);
  const iterator = asCompleted(futures);
  const waiting = [1, 2, 3, 4].map(() => iterator.next());
  for (const i of [2, 1, 0]) all[i]!.setResult(i);
  const results = await Promise.all(waiting);
  assertEquals(results.map(({ value }) => value && futures.indexOf(value)), [2, 1, 0, undefined]);
});

test("asCompleted() may be called for the same futures many times at once", async () => {
  const { all, futures } = sources(3);
  const first = order(asCompleted(futures), futures);
  const second = order(asCompleted([...futures].reverse()), futures);
  for (const i of [1, 0, 2]) all[i]!.setResult(i);
  assertEquals([await first, await second], [[1, 0, 2], [1, 0, 2]]);
});

test("asCompleted() takes any iterable", async () => {
  const { all, futures } = sources(2);
  for (const source of all) source.setResult(1);
  assertEquals(await order(asCompleted(new Set(futures)), futures), [0, 1]);
  assertEquals(await order(asCompleted(futures.values()), futures), [0, 1]);
});

test("asCompleted() of 100,000 futures costs linear time", async () => {
  const { all, futures } = sources(100_000);
  const iterator = asCompleted(futures, { timeout: 60_000 });
  for (const source of all) source.setResult(1);
  let seen = 0;
  for await (const _ of iterator) seen++;
  assertEquals(seen, 100_000);
});
