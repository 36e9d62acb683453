/** What only an `InlineExecutor` can get wrong: its tasks and everybody else share one thread. */

import { clock } from "../../src/futures/clock.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { createExecutor, InlineExecutor, TimeoutError } from "../../mod.ts";
import { perRequest } from "../../src/executor/per_request.ts";
import { test } from "../harness.ts";

/** Runs until as many turns of the thread's other work have come. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let timer: ReturnType<typeof setTimeout>;
  const next = (): void => {
    turns++;
    timer = setTimeout(next, 0);
  };
  timer = setTimeout(next, 0);
  await work();
  clearTimeout(timer!);
  return turns;
}

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

const items = new Array<number>(100).fill(1);
const works = {
  "submit()": (executor: InlineExecutor) =>
    Promise.all(items.map((item) => executor.submit(spin, item))),
  "map()": (executor: InlineExecutor) => executor.map(spin, items).toArray(),
  "map() in one chunk": (executor: InlineExecutor) =>
    executor.map(spin, items, { chunkSize: 100 }).toArray(),
  "map() of async tasks": (executor: InlineExecutor) =>
    executor.map((item: number) => Promise.resolve(spin(item)), items).toArray(),
};

for (const [name, work] of Object.entries(works)) {
  test(`InlineExecutor gives way between tasks: ${name}`, async () => {
    await using executor = new InlineExecutor();
    const turns = await turnsDuring(() => work(executor));
    assert(turns >= 8, `100 ms of tasks gave way ${turns} times`);
  });

  test(`InlineExecutor gives way between tasks although the clock stands still: ${name}`, async () => {
    await using executor = new InlineExecutor();
    const real = performance.now;
    // As on Cloudflare, where it goes on between turns only.
    let frozen = real.call(performance);
    const thaw = setInterval(() => frozen = real.call(performance), 0);
    const busy = (): void => {
      const end = real.call(performance) + 1;
      while (real.call(performance) < end);
    };
    performance.now = () => frozen;
    const { now } = clock;
    clock.now = performance.now;
    try {
      const turns = await turnsDuring(() =>
        name === "submit()"
          ? Promise.all(items.map(() => executor.submit(busy)))
          : executor.map(busy, items, name.includes("chunk") ? { chunkSize: 100 } : {}).toArray()
      );
      assert(turns >= 4, `100 ms of tasks gave way ${turns} times`);
    } finally {
      performance.now = real;
      clock.now = now;
      clearInterval(thaw);
    }
  });
}

test("A task that outlives its timeout on an InlineExecutor takes no other with it", async () => {
  await using executor = new InlineExecutor({ maxWorkers: 2 });
  let finish: (value: string) => void = () => {};
  const other = executor.submit(() => new Promise<string>((resolve) => finish = resolve));
  const endless = executor.with({ timeout: 5 }).submit(() => new Promise(() => {}));
  await assertRejects(() => endless.result(), TimeoutError);
  finish("unharmed");
  assertEquals(await other, "unharmed");
});

test("Tasks that never end give their places back after their timeouts", async () => {
  await using executor = new InlineExecutor({ maxWorkers: 2 });
  const hurried = executor.with({ timeout: 1 });
  const outcomes = await hurried
    .map(() => new Promise(() => {}), new Array(6).fill(0), { settled: true }).toArray();
  assertEquals(outcomes.map(({ status }) => status), new Array(6).fill("rejected"));
  assertEquals(await executor.submit(() => "there is room"), "there is room");
  assertEquals(executor.stats().crashed, 0);
});

test("What a task says after its timeout is not taken for another's", async () => {
  await using executor = new InlineExecutor({ maxWorkers: 1 });
  let late: (value: string) => void = () => {};
  const first = executor.with({ timeout: 1 })
    .submit(() => new Promise<string>((resolve) => late = resolve));
  await assertRejects(() => first.result(), TimeoutError);
  let finish: (value: string) => void = () => {};
  const second = executor.submit(() => new Promise<string>((resolve) => finish = resolve));
  await executor.submit(() => "").result({ timeout: 5 }).catch(() => {}); // maxWorkers is 1
  late("late");
  await Promise.resolve();
  finish("right");
  assertEquals(await second, "right");
});

test("An aborted chunk of map() goes no further on an InlineExecutor", async () => {
  await using executor = new InlineExecutor();
  const controller = new AbortController();
  const ran: number[] = [];
  let goOn: () => void = () => {};
  const results = executor.with({ signal: controller.signal })
    .map(
      (item: number) => {
        ran.push(item);
        return new Promise<void>((resolve) => goOn = resolve);
      },
      [1, 2, 3],
      { chunkSize: 3, settled: true },
    );
  const outcomes = results.toArray();
  while (ran.length === 0) await Promise.resolve();
  controller.abort(new Error("enough"));
  await outcomes;
  goOn();
  await delay(0);
  assertEquals(ran, [1]);
});

// --- waitUntil ---

/** An executor whose `waitUntil` notes what it is given. */
function watched(): { executor: InlineExecutor; given: Promise<unknown>[]; ended: () => number } {
  const given: Promise<unknown>[] = [];
  let ended = 0;
  const executor = new InlineExecutor({
    waitUntil: (promise) => {
      given.push(promise);
      void promise.then(() => ended++);
    },
  });
  return { executor, given, ended: () => ended };
}

test("waitUntil() is given one promise for all that is submitted, which resolves at the end", async () => {
  const { executor, given, ended } = watched();
  assertEquals(given.length, 0);
  const finish: (() => void)[] = [];
  const futures = [1, 2, 3].map(() =>
    executor.submit(() => new Promise<void>((resolve) => finish.push(resolve)))
  );
  assertEquals(given.length, 1);
  while (finish.length < 3) await Promise.resolve();
  finish[0]!();
  finish[2]!();
  await futures[0];
  await futures[2];
  await delay(0);
  assertEquals(ended(), 0);
  finish[1]!();
  await given[0];
  assertEquals(futures.map((future) => future.done()), [true, true, true]);

  executor.submit(() => 1);
  assertEquals(given.length, 2);
  await given[1];
  assertEquals(ended(), 2);
  await executor.shutdown();
});

test("waitUntil() is given one promise for a map", async () => {
  const { executor, given, ended } = watched();
  const results = executor.map((x: number) => Promise.resolve(x), new Array(500).fill(1));
  assertEquals((await results.toArray()).length, 500);
  await given[0];
  assertEquals([given.length, ended()], [1, 1]);
  await executor.shutdown();
});

test("The promise of waitUntil() resolves however tasks end", async () => {
  const { executor, given } = watched();
  const ends = {
    fails: () => executor.submit(() => Promise.reject(new Error("no"))),
    throws: () =>
      executor.submit(() => {
        throw new Error("no");
      }),
    "cannot be sent": () => executor.submit((x: unknown) => x, () => {}),
    "cannot be answered": () => executor.submit(() => () => {}),
    "is cancelled": () => {
      const future = executor.submit(() => 1);
      assert(future.cancel());
      return future;
    },
    "is aborted": () => executor.with({ signal: AbortSignal.abort() }).submit(() => 1),
    "is too late": () => executor.with({ timeout: 1 }).submit(() => new Promise(() => {})),
  };
  for (const [name, submit] of Object.entries(ends)) {
    const future = submit();
    await given.at(-1);
    assert(future.done(), name);
  }
  assertEquals(given.length, Object.keys(ends).length);
  executor.submit(() => new Promise(() => {}));
  await executor.terminate();
  await given.at(-1);
});

test("What waitUntil() throws is thrown by submit(), and nothing was queued", async () => {
  let calls = 0;
  const executor = new InlineExecutor({
    waitUntil: () => {
      if (calls++ === 0) throw new Error("the request has ended");
    },
  });
  assertThrows(() => executor.submit(() => 1), Error, "the request has ended");
  assertEquals(executor.stats().pending, 0);
  assertEquals(await executor.submit(() => 2), 2);
  await executor.shutdown();
});

test("waitUntil that is no function is refused at once, by whatever makes the executor", () => {
  for (const waitUntil of [1, {}, Promise.resolve(), null] as never[]) {
    assertThrows(() => new InlineExecutor({ waitUntil }), TypeError, "Cannot use waitUntil");
    assertThrows(() => createExecutor({ waitUntil }), TypeError, "Cannot use waitUntil");
  }
  assertThrows(() => createExecutor(2 as never), TypeError, "options of createExecutor");
});

// --- requests ---

test("perRequest() keeps one for each request, and drops the idle when there is a new one", () => {
  let request = "";
  const make = () => ({ of: request, idle: false });
  const mark = () => {
    const here = request;
    return () => request === here;
  };
  const own = perRequest(make, mark, ({ idle }) => idle);
  const of = (name: string) => {
    request = name;
    return own();
  };
  const a = of("a");
  const b = of("b");
  assertEquals([a.of, b.of], ["a", "b"]);
  assert(of("a") === a && of("a") === a && of("b") === b);
  a.idle = true;
  assert(of("a") === a, "it is kept while no other comes");
  assert(of("b") === b);
  of("c");
  assert(of("b") === b, "what works is kept");
  assert(of("a") !== a, "what was idle is made anew");
  for (let i = 0; i < 200; i++) of(`d${i}`);
  assert(of("b") !== b, "there is an end to it");
  assert(of("d199") === of("d199"));
});
