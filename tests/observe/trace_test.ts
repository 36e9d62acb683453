import { assert, assertEquals, assertGreater } from "@std/assert";
import process from "node:process";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import type { Executor, TaskContext } from "../../mod.ts";
import { recordTrace } from "../../src/observe/trace.ts";
import type { TraceEvent, TraceFile } from "../../src/observe/trace.ts";
import { test } from "../harness.ts";

/** Holds a trace against the rules of the Trace Event Format, as its document and its readers have them. */
function validate({ traceEvents, displayTimeUnit }: TraceFile): void {
  assertEquals(displayTimeUnit, "ms");
  const rows = new Map<string, TraceEvent[]>();
  const named = new Set<string>();
  const arrows = new Map<number, TraceEvent>();
  let last = 0;
  for (const event of traceEvents) {
    assert(typeof event.name === "string" && event.name !== "");
    assert(Number.isInteger(event.pid) && Number.isInteger(event.tid));
    assert(Number.isFinite(event.ts) && event.ts >= 0);
    const row = `${event.pid}/${event.tid}`;
    if (event.ph === "M") {
      if (event.name === "thread_name") named.add(row);
      continue;
    }
    assert(event.ts >= last, "in order of time");
    last = event.ts;
    assert(named.has(row), "each row has a name");
    if (event.ph === "X") {
      assert(event.dur! >= 0);
      const own = rows.get(row) ?? [];
      rows.set(row, own);
      const before = own.at(-1);
      assert(
        before === undefined || before.ts + before.dur! <= event.ts + 1e-3,
        `slices of one row must not overlap: ${JSON.stringify([before, event])}`,
      );
      own.push(event);
    } else if (event.ph === "i") assert(event.s === "t" || event.s === "p");
    else if (event.ph === "C") {
      for (const value of Object.values(event.args!)) assert(Number(value) >= 0);
    } else if (event.ph === "s") arrows.set(event.id!, event);
    else if (event.ph === "f") {
      assert(arrows.delete(event.id!), "an arrow begins before it ends");
      assertEquals(event.bp, "e");
    }
  }
  assertEquals(arrows.size, 0, "each arrow has both ends");
}

const spin = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

function quick(x: number): number {
  return x;
}

/** Short tasks, a cancel, a timeout, and a worker that dies. */
async function run(executor: Executor): Promise<void> {
  await executor.map(quick, Array.from({ length: 200 }, (_, i) => i)).toArray();
  const futures = Array.from({ length: 300 }, (_, i) => executor.submit(quick, i));
  const last = executor.submit(quick, 0);
  last.cancel();
  futures.push(executor.submit(spin, 5) as never);
  await Promise.allSettled(futures.map((future) => future.result()));
  await executor.with({ timeout: 5 }).submit(async function (this: TaskContext) {
    const { signal } = this;
    while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
  }).exception();
}

const EXECUTORS: readonly [string, () => Executor][] = [
  ["threads", () => new ThreadPoolExecutor({ maxWorkers: 2, grace: 0 })],
  ["processes", () => new ProcessPoolExecutor({ maxWorkers: 2, grace: 0 })],
  ["inline", () => new InlineExecutor()],
];

for (const [name, create] of EXECUTORS) {
  test(`recordTrace() keeps the rules of the format: ${name}`, async () => {
    const executor = create();
    const recording = recordTrace(executor);
    await run(executor);
    if (name !== "inline") {
      await executor.submit(async () => {
        (globalThis as unknown as { process: { exit(code: number): void } }).process.exit(3);
        await new Promise(() => {});
      }).exception();
    }
    await executor.shutdown();
    recording.stop();
    const trace = recording.toJSON();
    validate(trace);
    const named = (ph: string, word: string) =>
      trace.traceEvents.filter((event) => event.ph === ph && event.name === word).length;
    assertGreater(named("X", "quick"), 300);
    assertEquals(named("X", "spin"), 1);
    assertEquals(named("i", "cancelled"), 1);
    assertEquals(named("i", "timedOut"), 1);
    if (name !== "inline") {
      assertEquals(named("i", "crashed"), 1);
      assertEquals(named("i", "worker crashed"), 1);
    }
    assertGreater(named("C", "tasks"), 0);
  }, { deadline: 60_000 });
}

test("recordTrace() draws an arrow where a task was stolen", async () => {
  await using executor = new ThreadPoolExecutor(2);
  const recording = recordTrace(executor);
  await executor.warmUp();
  // Learnt to be short, sent ahead; then one of them is long, and the other worker takes the rest.
  const last = (x: number): void => {
    const until = performance.now() + x;
    while (performance.now() < until);
  };
  for (let round = 0; round < 50; round++) {
    await Promise.all(Array.from({ length: 100 }, () => executor.submit(last, 0)));
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => executor.submit(last, i === 0 ? 8 : 0)),
    );
    if (recording.toJSON().traceEvents.some(({ ph }) => ph === "s")) break;
  }
  const trace = recording.toJSON();
  validate(trace);
  const from = trace.traceEvents.find(({ ph }) => ph === "s")!;
  const to = trace.traceEvents.find(({ ph, id }) => ph === "f" && id === from.id)!;
  assert(from.tid !== to.tid, "from one worker to another");
}, { deadline: 60_000 });

test("recordTrace() keeps the newest events, as many as it may", async () => {
  await using executor = new InlineExecutor();
  const recording = recordTrace(executor, { limit: 10 });
  for (let i = 0; i < 100; i++) await executor.submit(quick, i);
  const { traceEvents } = recording.toJSON();
  const slices = traceEvents.filter(({ ph }) => ph === "X");
  assert(traceEvents.filter(({ ph }) => ph !== "M").length <= 12);
  assertEquals(slices.at(-1)?.args?.id, 99);
});

test("recording.write() writes what JSON reads", async () => {
  await using executor = new InlineExecutor();
  using recording = recordTrace(executor);
  await executor.submit(quick, 1);
  const path = join(tmpdir(), `trace-${process.pid}.json`);
  await recording.write(path);
  validate(JSON.parse(await readFile(path, "utf8")));
  await rm(path);
});
