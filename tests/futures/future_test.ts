import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import {
  CancelledError,
  Future,
  FutureSource,
  InvalidStateError,
  TimeoutError,
} from "../../src/futures/mod.ts";
import { test } from "../harness.ts";

/** What a future can be, and what it answers then: Python's table. */
const STATES: {
  name: string;
  make(): FutureSource<number>;
  state: string;
  cancel: boolean;
  cancelled: boolean;
  running: boolean;
  done: boolean;
}[] = [
  {
    name: "pending",
    make: () => new FutureSource<number>(),
    state: "pending",
    cancel: true,
    cancelled: false,
    running: false,
    done: false,
  },
  {
    name: "running",
    make: () => {
      const source = new FutureSource<number>();
      source.setRunningOrNotifyCancel();
      return source;
    },
    state: "running",
    cancel: false,
    cancelled: false,
    running: true,
    done: false,
  },
  {
    name: "cancelled",
    make: () => {
      const source = new FutureSource<number>();
      source.future.cancel();
      return source;
    },
    state: "cancelled",
    cancel: true,
    cancelled: true,
    running: false,
    done: true,
  },
  {
    name: "cancelled and notified",
    make: () => {
      const source = new FutureSource<number>();
      source.future.cancel();
      source.setRunningOrNotifyCancel();
      return source;
    },
    state: "cancelled",
    cancel: true,
    cancelled: true,
    running: false,
    done: true,
  },
  {
    name: "finished with a result",
    make: () => {
      const source = new FutureSource<number>();
      source.setResult(1);
      return source;
    },
    state: "finished",
    cancel: false,
    cancelled: false,
    running: false,
    done: true,
  },
  {
    name: "finished with an error",
    make: () => {
      const source = new FutureSource<number>();
      source.setRunningOrNotifyCancel();
      source.setException(new RangeError("failed"));
      return source;
    },
    state: "finished",
    cancel: false,
    cancelled: false,
    running: false,
    done: true,
  },
];

const FALSY: [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["0", 0],
  ['""', ""],
  ["false", false],
  ["NaN", NaN],
];

function tick(): Promise<void> {
  return delay(0);
}

/** What console.error is told meanwhile. */
async function errorsOf(body: () => void | Promise<void>): Promise<unknown[][]> {
  const { error } = console;
  const told: unknown[][] = [];
  console.error = (...args: unknown[]) => void told.push(args);
  try {
    await body();
    await tick();
  } finally {
    console.error = error;
  }
  return told;
}

for (const expected of STATES) {
  test(`Future that is ${expected.name} says so`, () => {
    const { future } = expected.make();
    assertEquals(future.state, expected.state);
    assertEquals(future.cancelled(), expected.cancelled);
    assertEquals(future.running(), expected.running);
    assertEquals(future.done(), expected.done);
  });

  test(`Future.cancel() of one that is ${expected.name} returns ${expected.cancel}`, () => {
    const { future } = expected.make();
    assertEquals(future.cancel(), expected.cancel);
    assertEquals(future.cancelled(), expected.cancel);
    assertEquals(future.cancel(), expected.cancel);
  });

  test(`Future that is ${expected.name} runs callbacks as microtasks`, async () => {
    const source = expected.make();
    let calls = 0;
    source.future.addDoneCallback(() => calls++);
    assertEquals(calls, 0);
    if (!source.future.done()) source.setResult(1);
    assertEquals(calls, 0);
    await tick();
    assertEquals(calls, 1);
  });

  if (expected.done) {
    test(`FutureSource of a future that is ${expected.name} cannot settle it again`, () => {
      const source = expected.make();
      assertThrows(() => source.setResult(2), InvalidStateError, expected.state);
      assertThrows(() => source.setException(new Error()), InvalidStateError, expected.state);
      assertEquals(source.future.state, expected.state);
    });
  }
  if (!["pending", "cancelled"].includes(expected.name)) {
    test(`setRunningOrNotifyCancel() of one that is ${expected.name} throws`, () => {
      const source = expected.make();
      assertThrows(() => source.setRunningOrNotifyCancel(), InvalidStateError);
    });
  }
}

test("Future cannot be constructed", () => {
  const Constructor = Future as unknown as new () => unknown;
  assertThrows(() => new Constructor(), TypeError, "Cannot construct a Future");
});

test("FutureSource.future has no setters", () => {
  const { future } = new FutureSource();
  assertInstanceOf(future, Future);
  for (const name of ["setResult", "setException", "setRunningOrNotifyCancel"]) {
    assert(!(name in future), name);
  }
});

test("setRunningOrNotifyCancel() returns true if the task shall run", () => {
  const source = new FutureSource();
  assertEquals(source.setRunningOrNotifyCancel(), true);
  assertEquals(source.future.running(), true);
});

test("setRunningOrNotifyCancel() returns false if it was cancelled, and throws the second time", () => {
  const source = new FutureSource();
  source.future.cancel();
  assertEquals(source.setRunningOrNotifyCancel(), false);
  assertThrows(() => source.setRunningOrNotifyCancel(), InvalidStateError);
});

// --- result() and exception() ---

test("Future.result() gives the result, again and again", async () => {
  const source = new FutureSource<object>();
  const early = source.future.result();
  const value = {};
  source.setResult(value);
  assertStrictEquals(await early, value);
  assertStrictEquals(await source.future.result(), value);
  assertStrictEquals(await source.future, value);
  assertEquals(await source.future.exception(), undefined);
});

test("Future.result() rejects with the error itself, again and again", async () => {
  const source = new FutureSource();
  const error = new RangeError("failed");
  const stack = error.stack;
  const early = source.future.result().catch((reason) => reason);
  source.setException(error);
  assertStrictEquals(await early, error);
  for (let i = 0; i < 3; i++) {
    assertStrictEquals(await source.future.result().catch((reason) => reason), error);
  }
  assertStrictEquals(error.stack, stack);
});

test("Future.exception() gives the error", async () => {
  const source = new FutureSource();
  const early = source.future.exception();
  const error = new RangeError("failed");
  source.setException(error);
  assertStrictEquals(await early, error);
  assertStrictEquals(await source.future.exception(), error);
});

test("Future.result() and exception() of a cancelled future reject with CancelledError", async () => {
  const { future } = new FutureSource();
  const result = assertRejects(() => future.result(), CancelledError);
  const exception = assertRejects(() => future.exception(), CancelledError);
  future.cancel();
  await result;
  await exception;
  await assertRejects(() => future.result(), CancelledError);
  await assertRejects(() => future.exception(), CancelledError);
  await assertRejects(async () => await future, CancelledError);
});

for (const [name, value] of FALSY) {
  test(`Future that fails with ${name} has failed`, async () => {
    const source = new FutureSource();
    const early = source.future.then(() => "succeeded", (reason) => ({ reason }));
    source.setException(value);
    assertEquals(source.future.state, "finished");
    assertEquals(await early, { reason: value });
    assertEquals(
      await source.future.result().then(() => "succeeded", (reason) => ({ reason })),
      { reason: value },
    );
    assertEquals(await source.future.exception(), value);
  });

  test(`Future takes ${name} for a result`, async () => {
    const source = new FutureSource();
    source.setResult(value);
    assertEquals(await source.future.result(), value);
    assertEquals(await source.future.exception(), undefined);
  });
}

test("A task's own CancelledError finishes the future", async () => {
  const source = new FutureSource();
  source.setException(new CancelledError());
  assertEquals([source.future.state, source.future.cancelled()], ["finished", false]);
  assertInstanceOf(await source.future.exception(), CancelledError);
});

for (const method of ["result", "exception"] as const) {
  for (const timeout of [0, -1, -Infinity]) {
    test(`Future.${method}({ timeout: ${timeout} }) polls`, async () => {
      const source = new FutureSource<number>();
      await assertRejects(() => source.future[method]({ timeout }), TimeoutError);
      source.setRunningOrNotifyCancel();
      await assertRejects(() => source.future[method]({ timeout }), TimeoutError);
      source.setResult(1);
      assertEquals(
        await source.future[method]({ timeout }),
        method === "result" ? 1 : undefined,
      );
    });
  }

  test(`Future.${method}() times out, and can be asked again`, async () => {
    const source = new FutureSource<number>();
    await assertRejects(() => source.future[method]({ timeout: 5 }), TimeoutError);
    assertEquals(source.future.state, "pending");
    const again = source.future[method]({ timeout: 60_000 });
    source.setResult(1);
    assertEquals(await again, method === "result" ? 1 : undefined);
  });

  for (const timeout of [undefined, Infinity, 2 ** 31, 2 ** 40, Number.MAX_VALUE]) {
    test(`Future.${method}({ timeout: ${timeout} }) waits`, async () => {
      const source = new FutureSource<number>();
      const { future } = source;
      const promise = timeout === undefined ? future[method]() : future[method]({ timeout });
      let settled = false;
      promise.then(() => settled = true, () => settled = true);
      for (let i = 0; i < 5; i++) await tick();
      assertEquals(settled, false);
      source.setResult(1);
      assertEquals(await promise, method === "result" ? 1 : undefined);
    });
  }

  test(`Future.${method}() refuses options of a wrong kind, done or not`, () => {
    const pending = new FutureSource<number>().future;
    const finished = new FutureSource<number>();
    finished.setResult(1);
    for (const future of [pending, finished.future]) {
      for (const timeout of [NaN, "5", null, {}]) {
        assertThrows(() => void future[method]({ timeout: timeout as never }), TypeError);
      }
      assertThrows(() => void future[method]({ signal: {} as never }), TypeError);
      assertThrows(() => void future[method](5 as never), TypeError);
    }
  });

  test(`Future.${method}() stops waiting when its signal is aborted`, async () => {
    const source = new FutureSource<number>();
    const controller = new AbortController();
    const reason = new RangeError("enough");
    const promise = source.future[method]({ signal: controller.signal });
    controller.abort(reason);
    assertStrictEquals(await promise.catch((error) => error), reason);
    assertStrictEquals(
      await source.future[method]({ signal: controller.signal }).catch((error) => error),
      reason,
    );
    assertEquals(source.future.state, "pending");
    source.setResult(1);
    // Done beats aborted.
    assertEquals(
      await source.future[method]({ signal: controller.signal }),
      method === "result" ? 1 : undefined,
    );
  });
}

test("A wait's TimeoutError can be told from the task's", async () => {
  const source = new FutureSource();
  source.setException(new DOMException("of the task", "TimeoutError"));
  const error = await source.future.result({ timeout: 0 }).catch((reason) => reason);
  assert(!(error instanceof TimeoutError));
});

// --- as a promise ---

test("Future has then, catch and finally", async () => {
  const good = new FutureSource<number>();
  const bad = new FutureSource<number>();
  good.setResult(1);
  bad.setException(new RangeError("failed"));
  let finals = 0;
  assertEquals(await good.future.then((x) => x + 1), 2);
  assertEquals(await good.future.catch(() => 5), 1);
  assertEquals(await good.future.finally(() => void finals++), 1);
  assertEquals(await bad.future.then(() => 0, (error) => (error as Error).message), "failed");
  assertEquals(await bad.future.catch((error) => (error as Error).message), "failed");
  await assertRejects(() => bad.future.finally(() => void finals++), RangeError);
  assertEquals(finals, 2);
  assertEquals(await Promise.all([good.future, good.future]), [1, 1]);
});

test("A failed future that nobody looks at raises nothing", async () => {
  for (let i = 0; i < 10; i++) new FutureSource().setException(new Error("nobody looks"));
  const { future } = new FutureSource();
  future.cancel();
  const observed = new FutureSource();
  observed.future.addDoneCallback(() => {});
  observed.setException(new Error("only a callback looks"));
  for (let i = 0; i < 5; i++) await tick();
});

test("exception() of a failed future raises nothing", async () => {
  const source = new FutureSource();
  void source.future.exception();
  source.setException(new Error("looked at"));
  await tick();
});

// --- cancel() ---

test("Future.cancel() is visible to every observer when it returns", async () => {
  const { future } = new FutureSource();
  const seen: string[] = [];
  future.addDoneCallback(({ state }) => seen.push(state));
  assertEquals(future.cancel(), true);
  assertEquals([future.done(), future.cancelled(), future.state], [true, true, "cancelled"]);
  await tick();
  assertEquals(seen, ["cancelled"]);
});

test("FutureSource.setCancelled() cancels with a reason", async () => {
  const source = new FutureSource();
  const reason = new RangeError("not needed");
  source.setRunningOrNotifyCancel();
  assertEquals(source.setCancelled(reason), true);
  assertEquals(source.setCancelled(), false);
  assertEquals(source.future.cancelled(), true);
  assertStrictEquals(await source.future.result().catch((error) => error), reason);
});

for (const [name, reason] of FALSY) {
  if (reason === undefined) continue;
  test(`FutureSource.setCancelled(${name}) rejects with that`, async () => {
    const source = new FutureSource();
    source.setCancelled(reason);
    assertEquals(await source.future.result().catch((error) => ({ error })), { error: reason });
  });
}

// --- callbacks ---

test("Done callbacks are called with the future, in order, each registration once", async () => {
  const source = new FutureSource();
  const calls: string[] = [];
  const twice = () => calls.push("twice");
  source.future.addDoneCallback((future) => {
    assertStrictEquals(future, source.future);
    calls.push("first");
  });
  source.future.addDoneCallback(twice);
  source.future.addDoneCallback(() => calls.push("middle"));
  source.future.addDoneCallback(twice);
  source.setResult(1);
  source.future.addDoneCallback(() => calls.push("late"));
  await tick();
  assertEquals(calls, ["first", "twice", "middle", "twice", "late"]);
  await tick();
  assertEquals(calls.length, 5);
});

test("A callback that is added by a callback comes after its siblings", async () => {
  const source = new FutureSource();
  const calls: string[] = [];
  source.future.addDoneCallback((future) => {
    calls.push("a");
    future.addDoneCallback(() => calls.push("nested"));
    assertEquals(calls, ["a"]);
  });
  source.future.addDoneCallback(() => calls.push("b"));
  source.setResult(1);
  await tick();
  assertEquals(calls, ["a", "b", "nested"]);
});

test("Done callbacks are microtasks", async () => {
  const source = new FutureSource();
  const order: string[] = [];
  source.future.addDoneCallback(() => order.push("callback"));
  setTimeout(() => order.push("timer"), 0);
  source.setResult(1);
  order.push("sync");
  await delay(5);
  assertEquals(order, ["sync", "callback", "timer"]);
});

test("addDoneCallback() returns its own removal", async () => {
  const source = new FutureSource();
  const calls: string[] = [];
  const callback = () => calls.push("same");
  const removeFirst = source.future.addDoneCallback(callback);
  source.future.addDoneCallback(callback);
  const removeOther = source.future.addDoneCallback(() => calls.push("other"));
  removeFirst();
  removeFirst();
  removeOther();
  source.setResult(1);
  await tick();
  assertEquals(calls, ["same"]);
  removeFirst();
});

test("A callback that was removed is not called, though the future is done", async () => {
  const source = new FutureSource();
  let calls = 0;
  const removeEarly = source.future.addDoneCallback(() => calls++);
  source.setResult(1);
  const removeLate = source.future.addDoneCallback(() => calls++);
  removeEarly();
  removeLate();
  await tick();
  assertEquals(calls, 0);
});

test("A callback may remove the next", async () => {
  const source = new FutureSource();
  const calls: string[] = [];
  source.future.addDoneCallback(() => {
    calls.push("first");
    remove();
  });
  const remove = source.future.addDoneCallback(() => calls.push("second"));
  source.future.addDoneCallback(() => calls.push("third"));
  source.setResult(1);
  await tick();
  assertEquals(calls, ["first", "third"]);
});

test("A callback that throws is reported and changes nothing", async () => {
  const source = new FutureSource<number>();
  let calls = 0;
  const told = await errorsOf(() => {
    source.future.addDoneCallback(() => {
      throw new RangeError("of the callback");
    });
    source.future.addDoneCallback(() => calls++);
    source.setResult(1);
    source.future.addDoneCallback(() => {
      throw undefined;
    });
    source.future.addDoneCallback(() => calls++);
  });
  assertEquals(calls, 2);
  assertEquals(told.length, 2);
  assert(told[0]!.some((value) => value instanceof RangeError));
  assertEquals(await source.future, 1);
});

test("addDoneCallback() refuses what is no function", () => {
  const { future } = new FutureSource();
  for (const value of [undefined, null, 1, "f", {}]) {
    assertThrows(() => future.addDoneCallback(value as never), TypeError);
  }
});

test("Thousands of callbacks and waits cost linear time", async () => {
  const source = new FutureSource<number>();
  let calls = 0;
  const removals = [];
  for (let i = 0; i < 20_000; i++) {
    removals.push(source.future.addDoneCallback(() => calls++));
  }
  for (const remove of removals.splice(10_000)) remove();
  const waits = Array.from({ length: 10_000 }, () => source.future.result({ timeout: 60_000 }));
  source.setResult(1);
  await Promise.all(waits);
  assertEquals(calls, 10_000);
});
