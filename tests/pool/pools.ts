/**
 * The kinds of pools that keep the same promises, and gates to hold their tasks with.
 *
 * @module
 */

import { delay } from "@std/async";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BrokenProcessPoolError,
  BrokenThreadPoolError,
  importTasks,
  Pool,
  type PoolIterator,
  type PoolOptions,
  type TasksOf,
  ThreadPool,
  type WorkerPool,
} from "../../mod.ts";
import { settle, until } from "../contract/executors.ts";
import type { Held } from "./tasks.ts";

export { settle, until };

/** One kind of pool. */
export interface PoolKind {
  readonly name: string;
  make(options?: number | PoolOptions): WorkerPool;
  readonly broken: new (message?: string, options?: ErrorOptions) => Error;
  /** Its workers are processes. */
  readonly processes: boolean;
}

export const POOLS: readonly PoolKind[] = [
  {
    name: "ThreadPool",
    make: (options) => new ThreadPool(options),
    broken: BrokenThreadPoolError,
    processes: false,
  },
  {
    name: "Pool",
    make: (options) => new Pool(options),
    broken: BrokenProcessPoolError,
    processes: true,
  },
];

export const tasks: TasksOf<typeof import("./tasks.ts")> = importTasks<
  typeof import("./tasks.ts")
>(import.meta.resolve("./tasks.ts"));

/**
 * Holds tasks of threads and of processes until it is opened. Declare it after the pool, with `using`:
 * it then opens first, and a failing test ends.
 */
export class Gate implements Disposable {
  /** What tasks are given. */
  readonly path: string = mkdtempSync(join(tmpdir(), "pool-gate-"));

  /** Lets these values through, or all. */
  open(...values: number[]): void {
    if (values.length === 0) writeFileSync(join(this.path, "open"), "");
    for (const value of values) writeFileSync(join(this.path, `open-${value}`), "");
  }

  /** What `hold` and `enter` are called with. */
  held(value: number, fails = false): Held {
    return { gate: this.path, value, fails };
  }

  /** As many of them, from 0. */
  row(length: number): Held[] {
    return Array.from({ length }, (_, i) => this.held(i));
  }

  /** The values that have entered, in order. */
  get entered(): string[] {
    return this.#lines("entered ");
  }

  /** The values that have left, in order. */
  get left(): string[] {
    return this.#lines("left ");
  }

  /** Resolves when that many have entered. */
  async waitEntered(count: number): Promise<void> {
    await until(() => this.entered.length >= count);
  }

  #lines(start: string): string[] {
    const file = join(this.path, "log");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8").split("\n").filter((line) => line.startsWith(start))
      .map((line) => line.slice(start.length));
  }

  [Symbol.dispose](): void {
    try {
      this.open();
      rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
    } catch { /* a task writes into it */ }
  }
}

/** Counts what is read of it, and whether it was closed. */
export class Input implements IterableIterator<number> {
  reads = 0;
  closed = 0;
  /** The most that was read ahead of `taken`, which the test counts. */
  ahead = 0;
  taken = 0;
  readonly #length: number;

  constructor(length: number = Infinity) {
    this.#length = length;
  }

  next(): IteratorResult<number, undefined> {
    if (this.reads >= this.#length) return { done: true, value: undefined };
    const value = this.reads++;
    this.ahead = Math.max(this.ahead, this.reads - this.taken);
    return { done: false, value };
  }

  return(): IteratorResult<number, undefined> {
    this.closed++;
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

export async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await delay(0);
    yield item;
  }
}

/** An input that gives some items and then throws. */
export function* failAfter<T>(items: Iterable<T>, error: unknown): Generator<T> {
  yield* items;
  throw error;
}

/** Whatever comes of an iteration that goes on after errors: results, and errors as text. */
export async function outcomesOf(results: PoolIterator<unknown>, most = 100): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  while (outcomes.length < most) {
    try {
      const { done, value } = await results.next();
      if (done) return outcomes;
      outcomes.push(value);
    } catch (error) {
      outcomes.push(String(error));
    }
  }
  return outcomes;
}

/** What console.error is told meanwhile. */
export async function errorsOf(body: () => void | Promise<void>): Promise<unknown[][]> {
  const { error } = console;
  const told: unknown[][] = [];
  console.error = (...args: unknown[]) => void told.push(args);
  try {
    await body();
    await settle(3);
  } finally {
    console.error = error;
  }
  return told;
}

/** Fails instead of waiting for ever, and says for what. */
export async function soon<T>(what: string, promise: PromiseLike<T>, limit = 3_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not ended within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export const END: { readonly done: true; readonly value: undefined } = {
  done: true,
  value: undefined,
};

export const double = (x: number): number => 2 * x;

export const square = (x: number): number => x * x;

export function failAt3(x: number): number {
  if (x === 3) throw new RangeError("three");
  return x;
}
