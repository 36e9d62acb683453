/**
 * What must compile and what must not: `tsc` and `deno check` are the test; a line marked
 * `@ts-expect-error` that compiles is an error of theirs. The functions are never called.
 *
 * @module
 */

import {
  asCompleted,
  createExecutor,
  type Executor,
  type Future,
  importTasks,
  InlineExecutor,
  type MapIterator,
  namedTasks,
  Pool,
  ProcessPoolExecutor,
  type TaskContext,
  ThreadPoolExecutor,
  wait,
  type WaitResult,
} from "../../mod.ts";
import { test } from "../harness.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only if the type argument is `true`. */
function expect<_T extends true>(): void {}

type Fixture = typeof import("../fixtures/tasks.ts");

export function submitInfers(executor: Executor): void {
  const add = executor.submit((a: number, b: string) => a + b, 1, "x");
  expect<Equal<typeof add, Future<string>>>();
  const later = executor.submit(async (x: number) => await Promise.resolve([x]), 1);
  expect<Equal<typeof later, Future<number[]>>>();
  const nothing = executor.submit(() => {});
  expect<Equal<typeof nothing, Future<void>>>();
  const optional = (a: number, b?: string): boolean => b === String(a);
  expect<Equal<ReturnType<typeof executor.submit<[number, string?], boolean>>, Future<boolean>>>();
  executor.submit(optional, 1);
  executor.submit(optional, 1, "b");
  executor.submit((...all: number[]) => all.length, 1, 2, 3);
  executor.submit(function (this: TaskContext, x: number) {
    this.report(x);
    return this.workerName;
  }, 1);
  executor.submit(Math.max as (...values: number[]) => number, 1, 2);
}

export function submitTakesFutures(executor: Executor, n: Future<number>, s: Future<string>): void {
  const add = (a: number, b: string): string => a + b;
  const text = executor.submit(add, n, s);
  expect<Equal<typeof text, Future<string>>>();
  executor.submit(add, 1, s);
  executor.submit((...all: number[]) => all.length, n, 1, n);
  executor.map((x: number) => x, [n, 1]);
  // @ts-expect-error a future of another kind
  executor.submit(add, s, s);
  // @ts-expect-error a future deeper in an argument
  executor.submit((all: number[]) => all.length, [n]);
  const blocks = executor.mapBlocks(
    (block: Float64Array) => new Int8Array(block),
    new Float64Array(1),
  );
  expect<Equal<typeof blocks, MapIterator<Int8Array<ArrayBuffer>>>>();
  executor.with({ affinity: "user" }).submit(add, 1, "x");
  // @ts-expect-error no key
  executor.with({ affinity: true });
}

export function submitRefuses(executor: Executor): void {
  const square = (x: number): number => x * x;
  // @ts-expect-error wrong kind of argument
  executor.submit(square, "4");
  // @ts-expect-error an argument is missing
  executor.submit(square);
  // @ts-expect-error one argument too many
  executor.submit(square, 1, 2);
  // @ts-expect-error the result of calling it
  executor.submit(square(4));
  // @ts-expect-error no task at all
  executor.submit("square", 1);
  // @ts-expect-error another `this`
  executor.submit(function (this: { other: number }) {
    return this.other;
  });
}

export function modulesInfer(executor: Executor): void {
  const tasks = importTasks<Fixture>("file:///tasks.ts");
  const sum = executor.submit(tasks.add, 1, 2);
  expect<Equal<typeof sum, Future<number>>>();
  const later = executor.submit(tasks.addLater, 1, 2);
  expect<Equal<typeof later, Future<number>>>();
  const name = executor.submit(tasks.whoAmI);
  expect<Equal<typeof name, Future<string>>>();
  const { add } = namedTasks<Fixture>();
  executor.submit(add, 1, 2);
}

export function modulesRefuse(executor: Executor): void {
  const tasks = importTasks<Fixture>("file:///tasks.ts");
  // @ts-expect-error wrong kind of argument
  executor.submit(tasks.add, 1, "2");
  // @ts-expect-error no such export
  executor.submit(tasks.subtract, 1, 2);
  // @ts-expect-error an export that is no function
  executor.submit(tasks.notAFunction);
  // @ts-expect-error a reference cannot be called here
  tasks.add(1, 2);
}

export function mapInfers(executor: Executor, async: AsyncIterable<number>): void {
  const one = executor.map((x: number) => String(x), [1, 2]);
  expect<Equal<typeof one, MapIterator<string>>>();
  const awaited = executor.map(async (x: number) => await Promise.resolve(x), async);
  expect<Equal<typeof awaited, MapIterator<number>>>();
  const two = executor.map((a: number, b: string) => a + b, [1], new Set(["a"]));
  expect<Equal<typeof two, MapIterator<string>>>();
  const three = executor.map(
    (a: number, b: string, c: boolean) => [a, b, c].length,
    [1],
    ["a"],
    [true],
    { chunkSize: 2 },
  );
  expect<Equal<typeof three, MapIterator<number>>>();
  const settled = executor.map((x: number) => x, [1], { settled: true });
  expect<Equal<typeof settled, MapIterator<PromiseSettledResult<number>>>>();
  const { add } = importTasks<Fixture>("file:///tasks.ts");
  const sums = executor.map(add, [1], [2]);
  expect<Equal<typeof sums, MapIterator<number>>>();
}

export function mapRefuses(executor: Executor): void {
  const square = (x: number): number => x * x;
  // @ts-expect-error items of a wrong kind
  executor.map(square, ["1"]);
  // @ts-expect-error the iterable is missing
  executor.map(square);
  // @ts-expect-error not an iterable
  executor.map(square, 5);
  // @ts-expect-error an unknown option
  executor.map(square, [1], { chunksize: 1 });
  // @ts-expect-error the second iterable is of a wrong kind
  executor.map((a: number, b: number) => a + b, [1], ["b"]);
}

export async function mixedFutures(one: Future<number>, other: Future<string>): Promise<void> {
  const futures = [one, other];
  const { done, notDone } = await wait(futures, { timeout: 1 });
  expect<Equal<typeof done, Set<Future<number> | Future<string>>>>();
  for (const future of notDone) {
    const value = await future;
    expect<Equal<typeof value, string | number>>();
  }
  for await (const future of asCompleted(futures)) {
    const value: number | string = await future;
    void value;
  }
  const next = await asCompleted(futures).next();
  if (next.done !== true) expect<Equal<typeof next.value, Future<number> | Future<string>>>();
  const same: WaitResult<number> = await wait(new Set([one]));
  void [same, await wait([])];
  // @ts-expect-error not a future
  await wait([one, Promise.resolve(1)]);
}

/** Under exactOptionalPropertyTypes, too: what may be left out may be undefined. */
export async function undefinedOptions(executor: Executor, pool: Pool): Promise<void> {
  const u = undefined as never as undefined;
  const future = executor.with({ signal: u, timeout: u, priority: u, onProgress: u })
    .submit((x: number) => x, 1);
  await future.result({ timeout: u, signal: u });
  await wait([future], { timeout: u, signal: u, returnWhen: u });
  asCompleted([future], { timeout: u, signal: u });
  executor.map((x: number) => x, [1], { chunkSize: u, bufferSize: u, timeout: u, settled: u });
  await executor.shutdown({ wait: u, cancelFutures: u });
  const common = { maxWorkers: u, tasksPerWorker: u, initializer: u, initargs: u, idleTimeout: u };
  const more = { maxTasksPerChild: u, maxPending: u, onCrash: u, grace: u, threadNamePrefix: u };
  const given = { ...common, ...more, permissions: u, env: u, runtime: u };
  new ThreadPoolExecutor({ ...given, worker: u, resourceLimits: u });
  new ProcessPoolExecutor({ ...given, command: u, cwd: u });
  new InlineExecutor({ maxWorkers: u, clone: u, waitUntil: u });
  createExecutor({ maxWorkers: u, waitUntil: u });
  new Pool({ processes: u, initializer: u, initargs: u, maxTasksPerChild: u });
  await pool.applyAsync(() => 1, [], { callback: u, errorCallback: u });
  await pool.mapAsync((x: number) => x, [1], { chunkSize: u, callback: u, errorCallback: u });
  await pool.imap((x: number) => x, [1], { chunkSize: u, bufferSize: u }).next({ timeout: u });
}

test("types: tsc and deno check this file", () => {});
