import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  BrokenExecutorError,
  CancelledError,
  InvalidStateError,
  SerializationError,
  WorkerCrashError,
  type WorkerPool,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { double, END, Gate, Input, outcomesOf, POOLS, settle, soon, tasks } from "./pools.ts";

/** Each way to issue work, over tasks that wait for a gate. */
const EIGHT: Record<string, (pool: WorkerPool, gate: Gate) => unknown> = {
  apply: (pool, gate) => pool.apply(tasks.hold, [gate.held(0)]),
  applyAsync: (pool, gate) => pool.applyAsync(tasks.hold, [gate.held(1)]),
  map: (pool, gate) => pool.map(tasks.hold, [gate.held(2)]),
  mapAsync: (pool, gate) => pool.mapAsync(tasks.hold, [gate.held(3)]),
  starmap: (pool, gate) => pool.starmap(tasks.hold, [[gate.held(4)]]),
  starmapAsync: (pool, gate) => pool.starmapAsync(tasks.hold, [[gate.held(5)]]),
  imap: (pool, gate) => pool.imap(tasks.hold, [gate.held(6)]).next(),
  imapUnordered: (pool, gate) => pool.imapUnordered(tasks.hold, [gate.held(7)]).next(),
};

/** Rejects as what a terminated pool leaves. */
async function assertEnded(name: string, result: PromiseLike<unknown>): Promise<void> {
  const error = await soon(name, result.then((value) => `${name} gave ${value}`, (error) => error));
  const ended = error instanceof CancelledError || error instanceof BrokenExecutorError;
  assert(ended, `${name}: ${error}`);
}

function assertRefuses(pool: WorkerPool, gate: Gate): void {
  for (const issue of Object.values(EIGHT)) {
    assertThrows(() => issue(pool, gate), InvalidStateError, "Pool not running");
  }
}

for (const kind of POOLS) {
  const on = `[${kind.name}]`;

  // --- close, terminate, join ---

  test(`join() before close() is an InvalidStateError, and the pool works on ${on}`, async () => {
    await using pool = kind.make(1);
    await assertRejects(() => pool.join(), InvalidStateError, "Pool is still running");
    assertEquals(await pool.apply(double, [2]), 4);
  });

  test(`close() lets all that was issued finish, and join() waits for it ${on}`, async () => {
    await using pool = kind.make(2);
    using gate = new Gate();
    const results = Object.values(EIGHT).map((issue) => issue(pool, gate));
    const seen: unknown[] = [];
    pool.applyAsync(tasks.hold, [gate.held(8)], { callback: (value) => void seen.push(value) });
    assertEquals(pool.close(), undefined);
    assertRefuses(pool, gate);
    pool.close();
    let joined = false;
    const join = pool.join().then(() => joined = true);
    await gate.waitEntered(2);
    assertEquals(joined, false);
    gate.open();
    await join;
    assertEquals(gate.left.length, 9);
    assertEquals(seen, [8]);
    const item = (value: number) => ({ done: false, value });
    assertEquals(await Promise.all(results), [0, 1, [2], [3], [4], [5], item(6), item(7)]);
    assertEquals(await pool.join(), undefined);
    pool.close();
    assertRefuses(pool, gate);
    await assertRejects(async () => await pool.apply(double, [1]), InvalidStateError);
  });

  test(`close() of a pool that has nothing to do ends it ${on}`, async () => {
    const pool = kind.make(1);
    pool.close();
    await Promise.all([pool.join(), pool.join()]);
    await pool.join();
  });

  test(`close(), terminate() and join() may come in any order, and again ${on}`, async () => {
    for (
      const [name, order] of [
        ["close, terminate, join", (pool) => [pool.close(), pool.terminate(), pool.join()]],
        ["terminate, close, join", (pool) => [pool.terminate(), pool.close(), pool.join()]],
        ["close, join, terminate", (pool) => [pool.close(), pool.join(), pool.terminate()]],
        [
          "terminate, terminate, join, join",
          (pool) => [pool.terminate(), pool.terminate(), pool.join(), pool.join()],
        ],
      ] as [string, (pool: WorkerPool) => unknown[]][]
    ) {
      const pool = kind.make(1);
      using gate = new Gate();
      const result = pool.applyAsync(tasks.hold, [gate.held(0)]);
      await soon(name, Promise.all(order(pool)));
      await assertEnded(name, result);
      assertRefuses(pool, gate);
      pool.close();
      await pool.terminate();
      await pool.join();
      await pool[Symbol.asyncDispose]();
    }
  });

  test(`terminate() rejects every outstanding result, running or not ${on}`, async () => {
    const pool = kind.make(2);
    using gate = new Gate();
    const running = [0, 1].map((i) => pool.applyAsync(tasks.hold, [gate.held(10 + i)]));
    await gate.waitEntered(2);
    const seen: unknown[] = [];
    const options = {
      callback: () => void seen.push("callback"),
      errorCallback: () => void seen.push("errorCallback"),
    };
    const results: [string, PromiseLike<unknown>][] = [
      ...running.map((result, i) => [`running ${i}`, result] as [string, PromiseLike<unknown>]),
      ...Object.entries(EIGHT).map(([name, issue]) =>
        [name, issue(pool, gate)] as [string, PromiseLike<unknown>]
      ),
      ["applyAsync with callbacks", pool.applyAsync(tasks.hold, [gate.held(11)], options)],
      ["mapAsync with callbacks", pool.mapAsync(tasks.hold, gate.row(20), options)],
      [
        "starmapAsync of mixed rows",
        pool.starmapAsync(
          (...args: unknown[]) => args,
          [[], [1]],
          options,
        ),
      ],
      ["imap of an iterator", pool.imap(tasks.hold, endless(gate)).next()],
      ["imapUnordered of an iterator", pool.imapUnordered(tasks.hold, endless(gate)).next()],
      ["imap with a timeout", pool.imap(tasks.hold, gate.row(2)).next({ timeout: 60_000 })],
    ];
    const ends = results.map(([name, result]) => assertEnded(name, result));
    await soon("terminate", pool.terminate());
    await Promise.all(ends);
    await settle(2);
    assertEquals(seen, ["errorCallback", "errorCallback", "errorCallback"]);
    assertEquals(gate.entered.length, 2);
    assertRefuses(pool, gate);
    await pool.join();
  });

  test(`terminate() gives an imap() an end, after its errors ${on}`, async () => {
    const pool = kind.make(1);
    using gate = new Gate();
    gate.open(0);
    const known = pool.imap(tasks.hold, gate.row(4));
    const endlessly = pool.imap(tasks.hold, endless(gate), { bufferSize: 3 });
    assertEquals(await known.next(), { done: false, value: 0 });
    await gate.waitEntered(2);
    await pool.terminate();
    assertEquals((await soon("known", outcomesOf(known))).length, 3);
    const outcomes = await soon("endless", outcomesOf(endlessly));
    assert(outcomes.length <= 4, `${outcomes}`);
    assertEquals(await endlessly.next(), END);
  });

  test(`terminate() keeps what is already there ${on}`, async () => {
    const pool = kind.make(1);
    const result = pool.applyAsync(double, [2]);
    const results = pool.imap(double, [1, 2]);
    const list = pool.mapAsync(double, [1, 2]);
    await Promise.all([result, list]);
    await pool.terminate();
    assertEquals(await result, 4);
    assertEquals(await list, [2, 4]);
    assertEquals(await outcomesOf(results), [2, 4]);
  });

  test(`terminate() ends a pool whose workers are still starting ${on}`, async () => {
    const pool = kind.make(2);
    const result = pool.applyAsync(double, [2]);
    const ended = assertEnded("queued", result);
    await soon("terminate", pool.terminate());
    await ended;
  });

  test(`await using terminates the pool ${on}`, async () => {
    using gate = new Gate();
    let result, list, item;
    {
      await using pool = kind.make(1);
      result = pool.applyAsync(tasks.hold, [gate.held(0)]);
      list = pool.mapAsync(tasks.hold, gate.row(3));
      item = pool.imap(tasks.hold, gate.row(3)).next();
      for (const promise of [result, list, item]) Promise.resolve(promise).catch(() => {});
      await gate.waitEntered(1);
    }
    await assertEnded("applyAsync", result);
    await assertEnded("mapAsync", list);
    await assertEnded("imap", item);
    assertEquals(gate.left, []);
  });

  test(`await using hands on what its block throws ${on}`, async () => {
    let result: PromiseLike<unknown> | undefined;
    await assertRejects(
      async () => {
        await using pool = kind.make(1);
        result = pool.applyAsync(() => new Promise(() => {}));
        throw new RangeError("of the block");
      },
      RangeError,
      "of the block",
    );
    await assertEnded("applyAsync", result!);
  });

  test(`await using after close() and join() loses nothing ${on}`, async () => {
    let list;
    {
      await using pool = kind.make(1);
      list = pool.mapAsync(double, [1, 2, 3]);
      pool.close();
      await pool.join();
    }
    assertEquals(list.ready(), true);
    assertEquals(await list, [2, 4, 6]);
  });

  // --- start ---

  test(`workers start at once, all of them, and run the initializer ${on}`, async () => {
    using gate = new Gate();
    await using pool = kind.make({
      processes: 2,
      initializer: tasks.initialize,
      initargs: [gate.path, 7],
    });
    await gate.waitEntered(2); // nothing was issued
    assertEquals(new Set(gate.entered).size, kind.processes ? 2 : 1); // by process and value
    assertEquals(await pool.map(tasks.initialized, [1, 2, 3, 4], 1), [7, 7, 7, 7]);
    assertEquals(gate.entered.length, 2);
  });

  test(`initializer may be asynchronous, a plain function, and without initargs ${on}`, async () => {
    await using later = kind.make({
      processes: 1,
      initializer: tasks.initializeLater,
      initargs: [8],
    });
    await using plain = kind.make({
      processes: 1,
      initializer: (...args: unknown[]) => {
        (globalThis as { poolValue?: number }).poolValue = args.length;
      },
    });
    assertEquals(await later.apply(tasks.initialized), 8);
    assertEquals(await plain.apply(tasks.initialized), 0);
  });

  test(`initializer that fails breaks the pool at once, with its error as cause ${on}`, async () => {
    using gate = new Gate();
    await using pool = kind.make({
      processes: 2,
      initializer: tasks.failToInitialize,
      initargs: [gate.path],
    });
    const seen: unknown[] = [];
    const results: [string, PromiseLike<unknown>][] = [
      ["applyAsync", pool.applyAsync(double, [1], { errorCallback: (e) => void seen.push(e) })],
      ["mapAsync", pool.mapAsync(double, [1, 2], { errorCallback: (e) => void seen.push(e) })],
      ["starmapAsync", pool.starmapAsync(double, [[1], [2]])],
      ["imap", pool.imap(double, [1]).next()],
      ["imapUnordered", pool.imapUnordered(double, new Input()).next()],
    ];
    for (const [name, result] of results) {
      const error = await soon(name, result.then(() => undefined, (error) => error));
      assertInstanceOf(error, kind.broken, name);
      assertInstanceOf((error as Error).cause, RangeError);
    }
    await settle(2);
    assertEquals(seen.length, 2);
    // Whatever is issued now fails at once, in the call or in its result.
    for (const issue of Object.values(EIGHT)) {
      await assertRejects(async () => await issue(pool, gate), kind.broken);
    }
    assert(gate.entered.length <= 2, "workers were started again");
    pool.close();
    await soon("join", pool.join());
  });

  test(`initializer that ends its worker breaks the pool ${on}`, async () => {
    await using pool = kind.make({ processes: 1, initializer: tasks.dieAt, initargs: [1] });
    await assertRejects(async () => await pool.apply(double, [1]), kind.broken);
    await soon("terminate", pool.terminate());
  });

  test(`initargs that cannot be cloned break the pool ${on}`, async () => {
    await using pool = kind.make({ processes: 1, initializer: tasks.dieAt, initargs: [() => 1] });
    const error = await assertRejects(async () => await pool.apply(double, [1]), kind.broken);
    assert(error.cause !== undefined);
  });

  // --- maxTasksPerChild ---

  test(`maxTasksPerChild replaces a worker after so many tasks ${on}`, async () => {
    using gate = new Gate();
    await using pool = kind.make({
      processes: 1,
      maxTasksPerChild: 2,
      initializer: tasks.initialize,
      initargs: [gate.path],
    });
    const names = [];
    for (let i = 0; i < 5; i++) names.push(await pool.apply(tasks.whoAmI));
    assertEquals(names[0], names[1]);
    assertEquals(names[2], names[3]);
    assertEquals(new Set(names).size, 3);
    assert(gate.entered.length >= 3, "the new workers ran no initializer");
  });

  test(`maxTasksPerChild leaves no work undone after close() ${on}`, async () => {
    const pool = kind.make({ processes: 2, maxTasksPerChild: 1 });
    const results = Array.from({ length: 6 }, (_, i) => pool.applyAsync(double, [i]));
    pool.close();
    await pool.join();
    assertEquals(results.map((result) => result.ready()), Array(6).fill(true));
    assertEquals(await Promise.all(results), [0, 2, 4, 6, 8, 10]);
  });

  // --- deaths ---

  test(`a worker that dies rejects what it ran, and the pool goes on ${on}`, async () => {
    await using pool = kind.make(1);
    const seen: unknown[] = [];
    const bad = pool.applyAsync(tasks.dieAt, [1], { errorCallback: (e) => void seen.push(e) });
    const good = pool.applyAsync(double, [2]);
    const error = await assertRejects(() => bad.get(), WorkerCrashError);
    if (kind.processes) assertEquals(error.exitCode, 3);
    assertEquals(await good, 4);
    assertEquals(seen, [error]);
    assertEquals(await pool.map(double, [3]), [6]);
  });

  test(`a worker that dies rejects its item of map() and imap(), the others run ${on}`, async () => {
    await using pool = kind.make(1);
    const items = [1, -1, 2];
    const outcomes = await outcomesOf(pool.imap(tasks.dieIfNegative, items));
    assertEquals([outcomes[0], outcomes[2], outcomes.length], [1, 2, 3]);
    assert(String(outcomes[1]).startsWith("WorkerCrashError"), String(outcomes[1]));
    const unordered = await outcomesOf(pool.imapUnordered(tasks.dieIfNegative, [1, -1, 2, 3]));
    assertEquals(unordered.filter((x) => typeof x === "number").toSorted(), [1, 2, 3]);
    assertEquals(unordered.length, 4);
    await assertRejects(() => pool.map(tasks.dieIfNegative, items, 1), WorkerCrashError);
    await assertRejects(() => pool.starmap(tasks.dieAt, [[1, 0], [-1]]), WorkerCrashError);
    assertEquals(await pool.apply(double, [2]), 4);
  });

  if (kind.processes) {
    test(`a process that is killed rejects what it ran, and the pool goes on ${on}`, async () => {
      await using pool = kind.make(1);
      const killed = pool.apply(() => {
        (globalThis as unknown as { process: NodeJS.Process }).process.kill(
          (globalThis as unknown as { process: NodeJS.Process }).process.pid,
          "SIGKILL",
        );
        return new Promise(() => {});
      });
      await assertRejects(() => killed, WorkerCrashError);
      assertEquals(await pool.apply(double, [2]), 4);
    });

    test(`processes have memories of their own ${on}`, async () => {
      await using pool = kind.make(1);
      const pid = await pool.apply(() =>
        (globalThis as unknown as { process: { pid: number } }).process.pid
      );
      const own = (globalThis as unknown as { process: { pid: number } }).process.pid;
      assert(pid !== own);
      await assertRejects(
        () => pool.apply((x: unknown) => x, [new SharedArrayBuffer(8)]),
        SerializationError,
      );
    });
  }
}

/** Items that wait for a gate, without end. */
function* endless(gate: Gate): Generator<ReturnType<Gate["held"]>> {
  for (let i = 100;; i++) yield gate.held(i);
}
