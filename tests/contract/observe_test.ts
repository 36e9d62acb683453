import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  BrokenExecutorError,
  type Executor,
  type ExecutorEvent,
  type Future,
  InlineExecutor,
  type TaskContext,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";
import { testEach } from "./subjects.ts";

/** What one task's events may be, in order. */
const SEQUENCE = /^submitted( sent returned)*( sent)?( started)? ended$/;

/** Milliseconds from one time that the clock tells to the next: a whole one in pages that are not isolated. */
function clockTick(): number {
  const before = performance.now();
  let after = before;
  while (after === before) after = performance.now();
  return after - before;
}

const spin = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

/** Holds the events of one executor's whole life against what may be. */
function check(events: readonly ExecutorEvent[], executor: Executor, perWorker: number): void {
  const tasks = new Map<number, ExecutorEvent[]>();
  const busy = new Map<string, number>();
  const outcomes = { succeeded: 0, failed: 0, cancelled: 0, timedOut: 0, crashed: 0 };
  for (const event of events) {
    assertEquals(event.executor, executor.name);
    if (!("task" in event)) continue;
    const own = tasks.get(event.task.id) ?? [];
    tasks.set(event.task.id, own);
    // Its start is told with its end, and in the time between, it was sent.
    assert(own.length === 0 || event.at >= own.at(-1)!.at, "the times of a task go back");
    own.push(event);
    if (event.type !== "ended") continue;
    outcomes[event.outcome]++;
    assert(event.waited >= 0 && event.ran >= 0);
    assertEquals("error" in event, !["succeeded", "cancelled"].includes(event.outcome));
    if (event.worker !== undefined) {
      busy.set(event.worker, (busy.get(event.worker) ?? 0) + event.ran);
    }
  }
  for (const own of tasks.values()) {
    const sequence = own.map(({ type }) => type).join(" ");
    assert(SEQUENCE.test(sequence), sequence);
  }
  const { completed, failed, cancelled, crashed } = executor.stats();
  assertEquals(outcomes.succeeded, completed);
  assertEquals(outcomes.failed + outcomes.timedOut + outcomes.crashed, failed);
  assertEquals(outcomes.cancelled, cancelled);
  const ends = new Map<string, ExecutorEvent & { type: "workerEnded" }>();
  for (const event of events) {
    if (event.type !== "workerEnded") continue;
    assert(!ends.has(event.worker), `${event.worker} ended twice`);
    ends.set(event.worker, event);
  }
  const reasons = [...ends.values()].map(({ reason }) => reason);
  assertEquals(reasons.filter((reason) => reason === "crashed").length, crashed);
  for (const event of events) {
    if (event.type !== "workerStarted") continue;
    const end = ends.get(event.worker);
    assert(end !== undefined, `${event.worker} has not ended`);
    const life = end.at - event.at;
    assert((busy.get(event.worker) ?? 0) <= perWorker * life + 1, "it ran longer than it lived");
  }
}

const STEPS = [
  ...[
    "quick",
    "many",
    "slow",
    "wait",
    "throw",
    "cancel",
    "abort",
    "timeout",
    "urgent",
    "map",
  ] as const,
  // Long and short tasks of one function: what was sent ahead behind the long one is taken by others.
  "steal",
] as const;
type Step = typeof STEPS[number] | "crash";

/** Ends its worker. */
async function die(): Promise<void> {
  const { process, close } = globalThis as unknown as {
    process?: { exit(code: number): void };
    close(): void;
  };
  if (process === undefined) close();
  else process.exit(3);
  await new Promise(() => {});
}

/** Three deaths in a row may break the executor; nothing can be submitted then, and the rest holds. */
async function perform(executor: Executor, steps: readonly Step[]): Promise<void> {
  try {
    await performAll(executor, steps);
  } catch (error) {
    if (!(error instanceof BrokenExecutorError)) throw error;
  }
}

async function performAll(executor: Executor, steps: readonly Step[]): Promise<void> {
  const futures: Future<unknown>[] = [];
  const maps: Promise<unknown>[] = [];
  const wait = async (milliseconds: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  };
  for (const step of steps) {
    if (step === "quick") {
      for (let i = 0; i < 20; i++) futures.push(executor.submit((x) => x, i));
    } else if (step === "many") {
      // So many that they wait in rows; some leave those before their submit was told.
      const many = Array.from({ length: 300 }, (_, i) => executor.submit((x) => x, i));
      for (let i = 0; i < many.length; i += 7) many[i]!.cancel();
      futures.push(...many);
    } else if (step === "slow") futures.push(executor.submit(spin, 3));
    else if (step === "wait") futures.push(executor.submit(wait, 2));
    else if (step === "throw") futures.push(executor.submit(() => JSON.parse("{")));
    else if (step === "map") {
      maps.push(
        executor.map((x: number) => x + 1, Array.from({ length: 50 }, (_, i) => i)).toArray(),
      );
    } else if (step === "urgent") {
      futures.push(executor.with({ priority: 1 }).submit((x) => x, 1));
    } else if (step === "timeout") {
      futures.push(executor.with({ timeout: 1 }).submit(wait, 20));
    } else if (step === "abort") {
      const controller = new AbortController();
      futures.push(executor.with({ signal: controller.signal }).submit(wait, 20));
      await wait(1);
      controller.abort();
    } else if (step === "steal") {
      const short = Array.from({ length: 40 }, () => executor.submit(spin, 0));
      await Promise.all(short);
      for (let i = 0; i < 60; i++) futures.push(executor.submit(spin, i === 0 ? 5 : 0));
    } else if (step === "crash") {
      await executor.submit(die).exception();
    } else {
      const future = executor.submit((x) => x, 1);
      futures.push(future);
      future.cancel();
    }
  }
  await Promise.allSettled([...maps, ...futures.map((future) => future.result())]);
}

testEach("observe() tells of each task in order, and of as many as stats()", async (kind) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Step>(...STEPS, ...kind.parallel ? ["crash"] as const : []), {
        minLength: 4,
        maxLength: 12,
      }),
      // Workers are replaced after so many tasks.
      fc.constantFrom(...kind.parallel ? [undefined, 7, 60] : [undefined]),
      async (steps, maxTasksPerChild) => {
        const executor = kind.create(maxTasksPerChild === undefined ? {} : { maxTasksPerChild });
        const events: ExecutorEvent[] = [];
        executor.observe((event) => events.push(event));
        await perform(executor, steps);
        await executor.shutdown();
        check(events, executor, kind.inline ? 32 : kind.perWorker);
      },
    ),
    { numRuns: 3, seed: SEED },
  );
}, { deadline: 60_000 });

testEach("observe() tells of a worker that died", async (kind) => {
  const executor = kind.create({ maxWorkers: 1 });
  const events: ExecutorEvent[] = [];
  executor.observe((event) => events.push(event));
  await executor.submit(() => 1);
  await executor.submit(async () => {
    const { process } = globalThis as unknown as { process: { exit(code: number): void } };
    process.exit(3);
    await new Promise(() => {});
  }).exception();
  await executor.shutdown();
  check(events, executor, kind.perWorker);
  const last = events.findLast(({ type }) => type === "ended")!;
  assert(last.type === "ended" && last.outcome === "crashed");
  const end = events.find(({ type }) => type === "workerEnded")!;
  assert(end.type === "workerEnded" && end.reason === "crashed");
}, { parallel: true, options: true, skip: "document" in globalThis && "pages have no exit" });

testEach("observe() tells that a long task began while it runs", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1 });
  const started = Promise.withResolvers<void>();
  const watch = executor.observe(({ type }) => type === "started" && started.resolve());
  const controller = new AbortController();
  const future = executor.with({ signal: controller.signal }).submit(async function (
    this: TaskContext,
  ) {
    const { signal } = this;
    while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
  });
  await started.promise;
  controller.abort();
  await future.exception();
  watch[Symbol.dispose]();
});

testEach(
  "observe() tells how long a task ran, though its worker is busy with the next",
  async (kind) => {
    await using executor = kind.create({ maxWorkers: 1 });
    const ran: number[] = [];
    executor.observe((event) => event.type === "ended" && ran.push(event.ran));
    const tick = clockTick();
    // Once they are known to be short they are sent together; behind the long one the others wait.
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 40 }, () => executor.submit(spin, 0)));
      ran.length = 0;
      const times = [0.2, 0.2, 0.2, 12, 0.2, 0.2];
      await Promise.all(times.map((time) => executor.submit(spin, time)));
      await executor.submit(spin, 0); // the events of the others have come
      assertEquals(ran.length >= times.length, true);
      for (const [i, time] of times.entries()) assertGreater(ran[i]!, 0.9 * time - tick);
    }
  },
);

testEach("an observer may end the executor, in any event", async (kind) => {
  for (const at of ["submitted", "workerStarted", "sent", "started", "ended"]) {
    const executor = kind.create({ maxWorkers: 1 });
    executor.observe(({ type }) => type === at && void executor.terminate());
    const futures = Array.from({ length: 20 }, (_, i) => executor.submit((x) => x, i));
    await Promise.allSettled(futures.map((future) => future.result()));
    await executor.shutdown();
    assertEquals(executor.stats().pending, 0);
  }
});

testEach("metrics() tells how long tasks ran", async (kind) => {
  await using executor = kind.create({ maxWorkers: 1, metrics: true });
  await executor.submit(spin, 20);
  const { runTime, waitTime } = executor.metrics();
  assertEquals([runTime.count, waitTime.count], [1, 1]);
  assertGreater(runTime.max, 19);
}, { options: true });

test("observe() removes an observer that throws, and no task hears of it", async () => {
  await using executor = new InlineExecutor({ name: "mine" });
  const { error } = console;
  const told: unknown[] = [];
  console.error = (...words: unknown[]) => void told.push(words[0]);
  try {
    executor.observe(() => {
      throw new Error("no");
    });
    assertEquals(await executor.submit(() => 1), 1);
  } finally {
    console.error = error;
  }
  assertEquals(told, ["Uncaught error in an observer of mine, which is removed:"]);
});

test("observe() is told nothing after it was disposed", async () => {
  await using executor = new InlineExecutor();
  let count = 0;
  const watch = executor.observe(() => count++);
  await executor.submit(() => 1);
  const before = count;
  watch[Symbol.dispose]();
  await executor.submit(() => 1);
  assertEquals(count, before);
});

test("metrics() without the option says what to do", async () => {
  await using executor = new InlineExecutor();
  assertThrows(() => executor.metrics(), TypeError, "metrics: true");
});
