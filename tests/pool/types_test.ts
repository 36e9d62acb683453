/**
 * What must compile and what must not: `tsc` and `deno check` are the test; a line marked
 * `@ts-expect-error` that compiles is an error of theirs. The functions are never called.
 *
 * @module
 */

import type { AsyncResult, PoolIterator, TaskContext, WorkerPool } from "../../mod.ts";
import { test } from "../harness.ts";
import { tasks } from "./pools.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only if the type argument is `true`. */
function expect<_T extends true>(): void {}

export function applyInfers(pool: WorkerPool): void {
  const one = pool.apply((a: number, b: string) => a + b, [1, "x"]);
  expect<Equal<typeof one, Promise<string>>>();
  const later = pool.applyAsync(async (x: number) => await Promise.resolve([x]), [1]);
  expect<Equal<typeof later, AsyncResult<number[]>>>();
  const none = pool.apply(() => 1);
  expect<Equal<typeof none, Promise<number>>>();
  pool.apply((a: number, b?: string) => b ?? a, [1]);
  pool.apply((...all: number[]) => all.length, [1, 2, 3]);
  pool.apply(function (this: TaskContext, x: number) {
    return this.workerName + x;
  }, [1]);
  const name = pool.apply(tasks.whoAmI);
  expect<Equal<typeof name, Promise<string>>>();
  pool.applyAsync((x: number) => `${x}`, [1], {
    callback: (value) => expect<Equal<typeof value, string>>(),
    errorCallback: (error) => expect<Equal<typeof error, unknown>>(),
  });
}

export function applyRefuses(pool: WorkerPool): void {
  const square = (x: number): number => x * x;
  // @ts-expect-error wrong kind of argument
  pool.apply(square, ["4"]);
  // @ts-expect-error an argument is missing
  pool.apply(square, []);
  // @ts-expect-error one argument too many
  pool.applyAsync(square, [1, 2]);
  // @ts-expect-error the arguments are no array
  pool.apply(square, 1);
  // @ts-expect-error the result of calling it
  pool.applyAsync(square(4));
  // @ts-expect-error an unknown option
  pool.applyAsync(square, [1], { error_callback: () => {} });
}

export function mapInfers(pool: WorkerPool, async: AsyncIterable<number>): void {
  const all = pool.map((x: number) => String(x), [1, 2], 2);
  expect<Equal<typeof all, Promise<string[]>>>();
  const later = pool.mapAsync(async (x: number) => await Promise.resolve(x), new Set([1]), {
    chunkSize: 1,
    callback: (values) => expect<Equal<typeof values, number[]>>(),
  });
  expect<Equal<typeof later, AsyncResult<number[]>>>();
  const each = pool.imap((x: number) => String(x), async, { chunkSize: 1, bufferSize: 4 });
  expect<Equal<typeof each, PoolIterator<string>>>();
  const unordered = pool.imapUnordered((x: number) => x, [1]);
  expect<Equal<typeof unordered, PoolIterator<number>>>();
  const next = each.next({ timeout: 5 });
  expect<Equal<typeof next, Promise<IteratorResult<string, undefined>>>>();
}

export function starmapInfers(pool: WorkerPool): void {
  const minus = pool.starmap((a: number, b: number) => a - b, [[3, 1], [5, 2]]);
  expect<Equal<typeof minus, Promise<number[]>>>();
  const both = pool.starmapAsync((a: number, b: string) => [a, b].length, [[3, "a"]]);
  expect<Equal<typeof both, AsyncResult<number[]>>>();
  pool.starmap((a: number, b: string) => a + b, new Map([[1, "a"]]));
  pool.starmap((a: number, b?: number) => a + (b ?? 0), [[1], [1, 2]]);
  pool.starmap((...all: number[]) => all.length, [[], [1], [1, 2]]);
  pool.starmap(() => 1, [[], []]);
  const row = pool.starmap(tasks.holdRow, [["gate", 1]]);
  expect<Equal<typeof row, Promise<number[]>>>();
}

export function mapRefuses(pool: WorkerPool, async: AsyncIterable<number>): void {
  const square = (x: number): number => x * x;
  // @ts-expect-error items of a wrong kind
  pool.map(square, ["1"]);
  // @ts-expect-error the iterable is missing
  pool.map(square);
  // @ts-expect-error asynchronous input: imap takes it
  pool.map(square, async);
  // @ts-expect-error chunkSize is a number here
  pool.map(square, [1], { chunkSize: 1 });
  // @ts-expect-error the options of mapAsync are an object
  pool.mapAsync(square, [1], 1);
  // @ts-expect-error Python's word
  pool.imap(square, [1], { chunksize: 1 });
  // @ts-expect-error rows of a wrong kind
  pool.starmap((a: number, b: string) => a + b, [[1, 2]]);
  // @ts-expect-error a row that is too short
  pool.starmap((a: number, b: string) => a + b, [[1]]);
  // @ts-expect-error rows that are none
  pool.starmap(square, [1, 2]);
}

test("types of pools: tsc and deno check this file", () => {});
