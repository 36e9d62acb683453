import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type Future,
  ProcessPoolExecutor,
  ShutdownError,
  ThreadPoolExecutor,
  wait,
} from "../../mod.ts";
import { test } from "../harness.ts";
import {
  ALL_EXECUTORS,
  Gate,
  hold,
  NO_PROCESSES,
  noWorkers,
  occupy,
  settle,
  until,
} from "./executors.ts";

test("submit() after shutdown() says what is wrong", async () => {
  for (
    const Class of NO_PROCESSES ? [ThreadPoolExecutor] : [ThreadPoolExecutor, ProcessPoolExecutor]
  ) {
    await using executor = new Class(1);
    await executor.shutdown();
    assertThrows(
      () => executor.submit(() => 1),
      ShutdownError,
      `Cannot submit a task to ${Class.name}: executor is shut down`,
    );
  }
});

for (const kind of ALL_EXECUTORS) {
  const on = `[${kind.name}]`;

  test(`shutdown() marks the executor closed before its first await ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const ended = executor.shutdown();
    assertThrows(() => executor.submit(() => 1), ShutdownError, "executor is shut down");
    assertThrows(() => executor.map((x: number) => x, [1]), ShutdownError);
    await ended;
  });

  test(`shutdown() of an executor that was never used ends at once ${on}`, async () => {
    await using executor = kind.create();
    await executor.shutdown();
    assertEquals(executor.stats().workers, 0);
  });

  test(`shutdown() lets queued work run ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const queued = [1, 2, 3].map((x) => executor.submit((x: number) => x * 2, x));
    const ended = executor.shutdown();
    gate.open();
    await ended;
    assertEquals(queued.map((future) => future.done()), [true, true, true]);
    assertEquals(await Promise.all(queued), [2, 4, 6]);
  });

  test(`shutdown() waits for running work ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    let ended = false;
    const ending = executor.shutdown().then(() => ended = true);
    await settle();
    assertEquals(ended, false);
    gate.open();
    await ending;
    assertEquals(gate.left, kind.perWorker);
  });

  test(`shutdown() leaves no worker ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    await Promise.all([1, 2].map((x) => executor.submit((x: number) => x, x)));
    await executor.shutdown();
    assertEquals(executor.stats().workers, 0);
  });

  test(`shutdown({ cancelFutures: true }) cancels what has not started, at once ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const running = Array.from(
      { length: kind.perWorker },
      () => executor.submit(hold, gate.handle),
    );
    await gate.waitEntered(kind.perWorker);
    const queued = [1, 2, 3].map(() => executor.submit(hold, gate.handle));
    const ended = executor.shutdown({ cancelFutures: true });
    assertEquals(queued.map((future) => future.cancelled()), [true, true, true]);
    assertEquals((await wait(queued)).done.size, 3);
    gate.open();
    await ended;
    assertEquals(running.every((future) => future.done() && !future.cancelled()), true);
    assertEquals(gate.entered, kind.perWorker, "a cancelled task has run");
    await assertRejects(() => queued[0]!.result(), CancelledError);
  });

  test(`shutdown({ wait: false }) resolves at once, and the work still runs ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const future = executor.submit(hold, gate.handle, 7);
    const queued = executor.submit((x: number) => x, 8);
    await gate.waitEntered(1);
    await executor.shutdown({ wait: false });
    assertEquals(future.done(), false);
    assertThrows(() => executor.submit(() => 1), ShutdownError);
    gate.open();
    assertEquals(await future, 7);
    assertEquals(await queued, 8);
  });

  test(`shutdown() is idempotent, in any mixture of options ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    await occupy(kind, executor, gate);
    const queued = executor.submit((x: number) => x, 1);
    await executor.shutdown({ wait: false });
    assertEquals(queued.cancelled(), false);
    const first = executor.shutdown();
    const second = executor.shutdown({ cancelFutures: true });
    assertEquals(queued.cancelled(), true);
    gate.open();
    await Promise.all([first, second, executor.shutdown(), executor.shutdown({ wait: false })]);
    await executor.shutdown({ cancelFutures: true });
  });

  test(`shutdown() refuses options of a wrong kind ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    assertThrows(() => executor.shutdown({ wait: 1 as never }), TypeError);
    assertThrows(() => executor.shutdown({ cancelFutures: "no" as never }), TypeError);
    assertThrows(() => executor.shutdown(null as never), TypeError);
    assertEquals(await executor.submit(() => 1), 1);
  });

  test(`await using waits for all work ${on}`, async () => {
    let future: Future<number>;
    {
      await using executor = kind.create({ maxWorkers: 1 });
      future = executor.submit((x: number) => x + 1, 1);
    }
    assertEquals(future.done(), true);
    assertEquals(await future, 2);
  });

  test(`await using lets the body's error through ${on}`, async () => {
    await assertRejects(
      async () => {
        await using executor = kind.create({ maxWorkers: 1 });
        executor.submit((x: number) => x, 1);
        throw new RangeError("of the body");
      },
      RangeError,
      "of the body",
    );
  });

  test(`shutdown() may be called from a done callback ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const ended = new Promise<void>((resolve, reject) => {
      executor.submit((x: number) => x, 1).addDoneCallback(() => {
        executor.shutdown().then(resolve, reject);
      });
    });
    await ended;
    assertThrows(() => executor.submit(() => 1), ShutdownError);
  });

  test(`terminate() may be called from a done callback ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    await new Promise<void>((resolve, reject) => {
      executor.submit((x: number) => x, 1).addDoneCallback(() => {
        executor.terminate().then(resolve, reject);
      });
    });
    assertEquals(executor.stats().workers, 0);
  });

  test(`submit() from a done callback runs before shutdown() was called ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    const second = await new Promise<Future<number>>((resolve) => {
      executor.submit((x: number) => x, 1).addDoneCallback(() => {
        resolve(executor.submit((x: number) => x, 2));
      });
    });
    assertEquals(await second, 2);
  });

  test(`terminate() cancels pending and rejects running tasks ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const running = Array.from(
      { length: kind.perWorker },
      () => executor.submit(hold, gate.handle),
    );
    await gate.waitEntered(kind.perWorker);
    const pending = [1, 2, 3].map(() => executor.submit(hold, gate.handle));
    const ended = executor.terminate();
    assertEquals(pending.map((future) => future.cancelled()), [true, true, true]);
    for (const future of running) {
      assertInstanceOf(await future.exception(), BrokenExecutorError);
      assertEquals(future.cancelled(), false);
    }
    await ended;
    assertEquals(executor.stats().workers, 0);
    assertEquals(gate.entered, kind.perWorker);
  });

  test(`terminate() is idempotent, and goes with shutdown() ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const future = executor.submit(hold, gate.handle);
    await gate.waitEntered(1);
    const shut = executor.shutdown();
    await Promise.all([executor.terminate(), executor.terminate(), shut]);
    assertEquals(future.done(), true);
    await executor.terminate();
    await executor.shutdown({ cancelFutures: true });
  });

  test(`terminate() of an executor that was never used ends at once ${on}`, async () => {
    await using executor = kind.create();
    await executor.terminate();
    assertThrows(() => executor.submit(() => 1), Error);
  });

  test(`submit() after terminate() throws ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    await executor.submit(() => 1);
    const ended = executor.terminate();
    const error = assertThrows(() => executor.submit(() => 1), Error);
    assert(error instanceof ShutdownError || error instanceof BrokenExecutorError, `${error}`);
    await ended;
  });

  test(`terminate() ends a map that is being taken ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    using gate = new Gate(kind);
    const results = executor.map(hold, Array.from({ length: 10 }, () => gate.handle));
    await gate.waitEntered(1);
    const taken = assertRejects(() => results.next(), Error);
    await executor.terminate();
    await taken;
    assertEquals(await results.next(), { done: true, value: undefined });
  });

  test(`broken comes before shut down ${on}`, async () => {
    await using executor = kind.create({
      maxWorkers: 1,
      initializer: () => {
        throw new Error("no");
      },
    });
    const future = executor.submit(() => 1);
    assertInstanceOf(await future.exception(), BrokenExecutorError);
    await executor.shutdown();
    assertThrows(() => executor.submit(() => 1), BrokenExecutorError);
  }, { skip: noWorkers(kind) });

  test(`an executor that is shut down still tells its members ${on}`, async () => {
    await using executor: Executor = kind.create({ maxWorkers: 3 });
    await executor.submit(() => 1);
    await executor.shutdown();
    assertEquals(executor.maxWorkers, 3);
    assertEquals(executor.stats().completed, 1);
    assertEquals(executor.stats().pending, 0);
    assertEquals(executor.stats().running, 0);
    assertThrows(() => executor.with({ priority: 1 }).submit(() => 1), ShutdownError);
  });

  test(`warmUp() and broadcast() after shutdown() reject ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 1 });
    await executor.shutdown();
    await assertRejects(async () => await executor.warmUp(), ShutdownError);
    await assertRejects(async () => await executor.broadcast(() => 1), ShutdownError);
  });

  test(`shutdown() does not lose a future whose worker is still starting ${on}`, async () => {
    await using executor = kind.create({ maxWorkers: 2 });
    const futures = [1, 2, 3, 4].map((x) => executor.submit((x: number) => x, x));
    await executor.shutdown({ wait: false });
    assertEquals(await Promise.all(futures), [1, 2, 3, 4]);
    await until(() => executor.stats().workers === 0);
  });
}
