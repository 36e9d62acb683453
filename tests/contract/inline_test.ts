/** What only an `InlineExecutor` can get wrong: its tasks and everybody else share one thread. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { InlineExecutor, TimeoutError } from "../../mod.ts";
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
    try {
      const turns = await turnsDuring(() =>
        name === "submit()"
          ? Promise.all(items.map(() => executor.submit(busy)))
          : executor.map(busy, items, name.includes("chunk") ? { chunkSize: 100 } : {}).toArray()
      );
      assert(turns >= 4, `100 ms of tasks gave way ${turns} times`);
    } finally {
      performance.now = real;
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
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(ran, [1]);
});
