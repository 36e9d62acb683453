/**
 * Under `default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'`, for the page and
 * for every file that it loads: neither workers from `blob:` URLs nor code from text.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenThreadPoolError,
  createExecutor,
  importTasks,
  InlineExecutor,
  namedTasks,
  ThreadPoolExecutor,
  type ThreadPoolExecutorOptions,
  TimeoutError,
  UnsupportedError,
  WorkerCrashError,
} from "../../mod.ts";
import { until } from "../contract/executors.ts";
import { ownWorker, StartedWorkers, testInPage } from "./pages.ts";

const named = namedTasks<typeof import("./own_tasks.ts")>();
const tasks = importTasks<typeof import("./own_tasks.ts")>(
  import.meta.resolve("./own_tasks.ts"),
);

function create(options: ThreadPoolExecutorOptions = {}): ThreadPoolExecutor {
  return new ThreadPoolExecutor({ maxWorkers: 2, worker: ownWorker, ...options });
}

function checkAdvice(error: unknown): void {
  assertInstanceOf(error, BrokenThreadPoolError);
  for (
    const words of [
      "Content-Security-Policy",
      "`worker-src blob:`",
      'worker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })',
      "serve(tasks)",
    ]
  ) assertStringIncludes(error.message, words);
}

// --- what the policy forbids ---

testInPage(
  "without a worker of one's own the executor breaks at once, with the remedy",
  async () => {
    using started = new StartedWorkers();
    await using executor = new ThreadPoolExecutor(3);
    const futures = Array.from({ length: 20 }, (_, i) => executor.submit((x: number) => x, i));
    for (const future of futures) checkAdvice(await future.exception());
    const { cause } = await futures[0]!.exception() as Error;
    assertInstanceOf(cause, UnsupportedError);
    assert(started.urls.length <= 3, `${started.urls.length} workers were started`);
    try {
      executor.submit(() => 1);
      assert(false, "it takes tasks still");
    } catch (error) {
      checkAdvice(error);
    }
    await until(() => executor.stats().workers === 0);
  },
);

testInPage("warmUp(), map() and createExecutor() tell the remedy as well", async () => {
  await using executor = new ThreadPoolExecutor(2);
  checkAdvice(await executor.warmUp().then(() => "warm", (error) => error));
  await using created = createExecutor({ maxWorkers: 2 });
  const results = created.map((x: number) => x, [1, 2, 3]);
  checkAdvice(await results.next().then(() => "mapped", (error) => error));
});

testInPage("a function is not made of text: the error names what can be submitted", async () => {
  await using executor = create();
  const future = executor.submit((x: number) => x, 1);
  const error = await assertRejects(() => future.result(), TypeError, "Cannot run task");
  assertMatch(error.message, /importTasks\(\), or serve\(\) and namedTasks\(\)$/);
  assertInstanceOf(error.cause, EvalError);
  assertEquals(await executor.submit(named.add, 1, 2), 3);
  assertEquals(executor.stats().crashed, 0);
});

testInPage("a module that the policy forbids fails its task alone", async () => {
  await using executor = create();
  const { task } = importTasks<{ task(): void }>("data:text/javascript,export function task() {}");
  await assertRejects(() => executor.submit(task).result(), TypeError, "Cannot run task");
  assertEquals(await executor.submit(named.add, 1, 2), 3);
  assertEquals(executor.stats().crashed, 0);
});

// --- what works, with a worker of one's own ---

testInPage("named tasks are submitted and mapped, and their errors arrive", async () => {
  await using executor = create();
  assertEquals(await executor.submit(named.add, 1, 2), 3);
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  const sums = await executor.map(named.add, numbers, numbers).toArray();
  assertEquals(sums, numbers.map((x) => 2 * x));
  const error = await executor.submit(named.fail, "named").exception() as Error;
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "named");
  assertInstanceOf(error.cause, TypeError);
});

testInPage("modules of this origin are imported", async () => {
  await using executor = create();
  assertEquals(await executor.submit(tasks.add, 1, 2), 3);
  assertEquals(await executor.map(tasks.add, [1, 2], [3, 4]).toArray(), [4, 6]);
});

testInPage("initializer may be a named task", async () => {
  await using executor = create({ initializer: named.storeIn, initargs: ["answer", 42] });
  assertEquals(await executor.submit(named.loadFrom, "answer"), 42);
});

testInPage("what waits is cancelled, what runs is aborted and its worker replaced", async () => {
  await using executor = create({ maxWorkers: 1, grace: 10 });
  await executor.warmUp();
  const controller = new AbortController();
  const running = executor.with({ signal: controller.signal }).submit(named.wait);
  const waiting = executor.submit(named.add, 1, 2);
  await until(() => running.running());
  const behind = executor.submit(named.add, 3, 4);
  assertEquals(behind.cancel(), true);
  controller.abort(new RangeError("enough"));
  assertInstanceOf(await running.exception(), RangeError);
  assertEquals(await waiting, 3);
  assertEquals(behind.cancelled(), true);
});

testInPage("a busy task is stopped by its timeout, and its worker replaced", async () => {
  await using executor = create({ maxWorkers: 1, grace: 10 });
  const future = executor.with({ timeout: 30 }).submit(named.spin);
  const behind = executor.submit(named.add, 1, 2);
  assertInstanceOf(await future.exception(), TimeoutError);
  assertEquals(await behind, 3);
});

testInPage("a worker that crashes fails its task alone, and is replaced", async () => {
  await using executor = create({ maxWorkers: 1 });
  assertInstanceOf(await executor.submit(named.leave).exception(), WorkerCrashError);
  const error = await executor.submit(named.stray).exception();
  assertInstanceOf(error, WorkerCrashError);
  assertInstanceOf(error.cause, RangeError);
  assertEquals(await executor.submit(named.add, 1, 2), 3);
  assertEquals(executor.stats().crashed, 2);
});

testInPage("InlineExecutor runs functions as they are: nothing is made of text", async () => {
  await using executor = new InlineExecutor();
  assertEquals(await executor.submit((x: number) => 2 * x, 21), 42);
  assertEquals(await executor.submit(tasks.add, 1, 2), 3);
});
