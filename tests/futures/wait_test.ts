import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type Future,
  FutureSource,
  wait,
} from "../../src/futures/mod.ts";
import { test } from "../harness.ts";

const ALL = [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED] as const;

function sources(count: number): { all: FutureSource<number>[]; futures: Future<number>[] } {
  const all = Array.from({ length: count }, () => new FutureSource<number>());
  return { all, futures: all.map(({ future }) => future) };
}

function at(futures: readonly Future<number>[], some: Set<Future<number>>): number[] {
  return [...some].map((future) => futures.indexOf(future));
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  promise.then(() => pending = false, () => pending = false);
  for (let i = 0; i < 3; i++) await delay(0);
  return pending;
}

test("The constants are strings", () => {
  assertEquals(ALL, ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"]);
});

for (const returnWhen of ALL) {
  test(`wait() for nothing gives empty sets [${returnWhen}]`, async () => {
    assertEquals(await wait([], { returnWhen }), { done: new Set(), notDone: new Set() });
  });

  test(`wait() for what is done returns at once [${returnWhen}]`, async () => {
    const { all, futures } = sources(3);
    all[0]!.setResult(1);
    all[1]!.setException(new Error("failed"));
    futures[2]!.cancel();
    const { done, notDone } = await wait(futures, { returnWhen });
    assertEquals(at(futures, done), [0, 1, 2]);
    assertEquals(notDone.size, 0);
  });

  test(`wait() does not reject because of a timeout [${returnWhen}]`, async () => {
    const { all, futures } = sources(3);
    for (const timeout of [5, 0, -1, -Infinity]) {
      const { done, notDone } = await wait(futures, { returnWhen, timeout });
      assertEquals([at(futures, done), at(futures, notDone)], [[], [0, 1, 2]]);
    }
    if (returnWhen !== FIRST_COMPLETED) {
      all[1]!.setResult(1);
      const { done, notDone } = await wait(futures, { returnWhen, timeout: 5 });
      assertEquals([at(futures, done), at(futures, notDone)], [[1], [0, 2]]);
    }
  });

  test(`wait() stops when its signal is aborted [${returnWhen}]`, async () => {
    const { all, futures } = sources(2);
    const controller = new AbortController();
    const reason = new RangeError("enough");
    const waiting = wait(futures, { returnWhen, signal: controller.signal });
    controller.abort(reason);
    assertStrictEquals(await waiting.catch((error) => error), reason);
    await assertRejects(
      () => wait(futures, { returnWhen, signal: controller.signal }),
      RangeError,
      "enough",
    );
    for (const source of all) source.setResult(1);
    assertEquals((await wait(futures, { returnWhen, signal: controller.signal })).done.size, 2);
  });
}

test("wait() waits for all by default", async () => {
  const { all, futures } = sources(3);
  const waiting = wait(futures);
  all[2]!.setResult(1);
  all[0]!.setException(new Error("failed"));
  assertEquals(await isPending(waiting), true);
  futures[1]!.cancel();
  const { done, notDone } = await waiting;
  assertEquals([at(futures, done), at(futures, notDone)], [[0, 1, 2], []]);
});

test("wait() for the first returns at the first completion", async () => {
  const { all, futures } = sources(3);
  const waiting = wait(futures, { returnWhen: FIRST_COMPLETED });
  assertEquals(await isPending(waiting), true);
  all[1]!.setRunningOrNotifyCancel();
  assertEquals(await isPending(waiting), true);
  all[1]!.setResult(1);
  const { done, notDone } = await waiting;
  assertEquals([at(futures, done), at(futures, notDone)], [[1], [0, 2]]);
});

test("wait() for the first gives all that are done already", async () => {
  const { all, futures } = sources(4);
  all[3]!.setResult(1);
  all[1]!.setResult(1);
  const { done, notDone } = await wait(futures, { returnWhen: FIRST_COMPLETED });
  assertEquals([at(futures, done), at(futures, notDone)], [[1, 3], [0, 2]]);
});

test("wait() for the first sees a cancellation", async () => {
  const { futures } = sources(2);
  const waiting = wait(futures, { returnWhen: FIRST_COMPLETED });
  assertEquals(futures[0]!.cancel(), true);
  assertEquals(at(futures, (await waiting).done), [0]);
});

test("wait() sees a cancellation that came before", async () => {
  const { futures } = sources(1);
  futures[0]!.cancel();
  assertEquals(at(futures, (await wait(futures)).done), [0]);
  assertEquals(at(futures, (await wait(futures, { timeout: 0 })).done), [0]);
});

test("wait() for the first exception returns at it", async () => {
  const { all, futures } = sources(4);
  const waiting = wait(futures, { returnWhen: FIRST_EXCEPTION });
  all[3]!.setResult(1);
  assertEquals(await isPending(waiting), true);
  all[1]!.setException(new Error("failed"));
  const { done, notDone } = await waiting;
  assertEquals([at(futures, done), at(futures, notDone)], [[1, 3], [0, 2]]);
});

test("wait() for the first exception returns at once if there is one", async () => {
  const { all, futures } = sources(3);
  all[2]!.setException(new Error("failed"));
  const { done, notDone } = await wait(futures, { returnWhen: FIRST_EXCEPTION });
  assertEquals([at(futures, done), at(futures, notDone)], [[2], [0, 1]]);
});

test("wait() for the first exception takes no cancellation for one", async () => {
  const { all, futures } = sources(3);
  futures[0]!.cancel();
  const waiting = wait(futures, { returnWhen: FIRST_EXCEPTION });
  futures[1]!.cancel();
  assertEquals(await isPending(waiting), true);
  all[2]!.setResult(1);
  assertEquals(at(futures, (await waiting).done), [0, 1, 2]);
});

for (const thrown of [undefined, null, 0, "", false]) {
  test(`wait() for the first exception takes ${JSON.stringify(thrown)} for one`, async () => {
    const { all, futures } = sources(2);
    const waiting = wait(futures, { returnWhen: FIRST_EXCEPTION });
    all[1]!.setException(thrown);
    assertEquals(at(futures, (await waiting).done), [1]);
    const again = await wait(futures, { returnWhen: FIRST_EXCEPTION });
    assertEquals(at(futures, again.notDone), [0]);
  });
}

test("wait() counts duplicates once", async () => {
  const { all, futures } = sources(2);
  const [a, b] = futures as [Future<number>, Future<number>];
  const waiting = wait([b, a, b, a, a]);
  all[0]!.setResult(1);
  assertEquals(await isPending(waiting), true);
  all[1]!.setResult(1);
  const { done, notDone } = await waiting;
  assertEquals([...done], [b, a]);
  assertEquals(notDone.size, 0);
});

test("wait() keeps input order in its sets", async () => {
  const { all, futures } = sources(6);
  for (const i of [5, 0, 3]) all[i]!.setResult(i);
  const { done, notDone } = await wait(futures, { timeout: 0 });
  assertEquals([at(futures, done), at(futures, notDone)], [[0, 3, 5], [1, 2, 4]]);
});

test("wait() takes any iterable", async () => {
  const { all, futures } = sources(2);
  for (const source of all) source.setResult(1);
  assertEquals((await wait(new Set(futures))).done.size, 2);
  assertEquals((await wait(futures.values())).done.size, 2);
  assertEquals(
    (await wait((function* () {
      yield* futures;
    })())).done.size,
    2,
  );
});

test("wait() refuses a bad returnWhen at once, whatever the input", () => {
  const { all, futures } = sources(1);
  for (const returnWhen of ["first_completed", "", null, 1, {}]) {
    assertThrows(() => void wait([], { returnWhen: returnWhen as never }), TypeError, "returnWhen");
    assertThrows(() => void wait(futures, { returnWhen: returnWhen as never }), TypeError);
  }
  all[0]!.setResult(1);
  assertThrows(() => void wait(futures, { returnWhen: "x" as never }), TypeError, "returnWhen");
});

test("wait() refuses what is no future at once", () => {
  const { futures } = sources(1);
  for (
    const input of [
      futures[0],
      [Promise.resolve(1)],
      [...futures, 1],
      [undefined],
      [{ done: () => true }],
      5,
      null,
      undefined,
      {},
    ]
  ) {
    assertThrows(() => void wait(input as never), TypeError);
  }
});

test("wait() refuses options of a wrong kind at once", () => {
  for (const timeout of [NaN, "1", null, {}]) {
    assertThrows(() => void wait([], { timeout: timeout as never }), TypeError, "timeout");
  }
  assertThrows(() => void wait([], { signal: {} as never }), TypeError, "signal");
  assertThrows(() => void wait([], 5 as never), TypeError);
});

test("wait() passes on an error of its input", () => {
  assertThrows(
    () =>
      void wait({
        [Symbol.iterator](): Iterator<Future<number>> {
          throw new RangeError("of the input");
        },
      }),
    RangeError,
    "of the input",
  );
});

test("wait() may be called for the same futures many times at once", async () => {
  const { all, futures } = sources(3);
  const waits = ALL.flatMap((returnWhen) => [
    wait(futures, { returnWhen }),
    wait([...futures].reverse(), { returnWhen, timeout: 60_000 }),
  ]);
  all[0]!.setException(new Error("failed"));
  all[1]!.setResult(1);
  all[2]!.setResult(1);
  for (const { done, notDone } of await Promise.all(waits)) {
    assertEquals(done.size + notDone.size, 3);
    assert(done.has(futures[0]!));
  }
});

test("wait() for 100,000 futures costs linear time", async () => {
  const { all, futures } = sources(100_000);
  const first = wait(futures, { returnWhen: FIRST_COMPLETED });
  const every = wait(futures);
  const polled = wait(futures, { timeout: 1 });
  for (const source of all) source.setResult(1);
  assertEquals((await every).done.size, 100_000);
  assert((await first).done.size >= 1);
  await polled;
});

test("wait() again and again for the first of many costs no more each time", async () => {
  const { all, futures } = sources(300);
  const left = new Set(futures);
  for (const source of all) {
    const waiting = wait(left, { returnWhen: FIRST_COMPLETED });
    source.setResult(1);
    for (const future of (await waiting).done) left.delete(future);
  }
  assertEquals(left.size, 0);
});
