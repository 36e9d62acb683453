/**
 * The executors that keep the contract, and gates to hold their tasks with.
 *
 * @module
 */

import { createExecutor, type Executor, InlineExecutor, ThreadPoolExecutor } from "../../mod.ts";
import type { ThreadPoolExecutorOptions } from "../../mod.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import { watched } from "../leaks.ts";

/** One kind of executor. */
export interface ExecutorKind {
  readonly name: string;
  /** Makes one. Those that have no such option leave it out: see `inline`. */
  create(options?: ThreadPoolExecutorOptions): Executor;
  /** Its tasks run beside the test: one may block its thread. */
  readonly parallel: boolean;
  /** The library shares memory with its workers. */
  readonly shared: boolean;
  /** Its tasks run on the test's own thread, and it takes no options of workers. */
  readonly inline: boolean;
  /** Asynchronous tasks that one of its workers runs at once. */
  readonly perWorker: number;
}

const runtime = watched(detectRuntime());
const unshared = {
  ...runtime,
  capabilities: { ...runtime.capabilities, sharedMemory: false },
};

export const EXECUTORS: readonly ExecutorKind[] = [
  {
    name: "ThreadPoolExecutor",
    create: (options = {}) => new ThreadPoolExecutor(options),
    parallel: true,
    shared: runtime.capabilities.sharedMemory,
    inline: false,
    perWorker: 1,
  },
  {
    name: "ThreadPoolExecutor without shared memory",
    create: (options = {}) => new ThreadPoolExecutor({ ...options, runtime: unshared }),
    parallel: true,
    shared: false,
    inline: false,
    perWorker: 1,
  },
  {
    name: "ThreadPoolExecutor with tasksPerWorker 4",
    create: (options = {}) => new ThreadPoolExecutor({ tasksPerWorker: 4, ...options }),
    parallel: true,
    shared: runtime.capabilities.sharedMemory,
    inline: false,
    perWorker: 4,
  },
  {
    name: "InlineExecutor",
    create: ({ maxWorkers } = {}) =>
      new InlineExecutor(maxWorkers === undefined ? {} : { maxWorkers }),
    parallel: false,
    shared: false,
    inline: true,
    perWorker: 1,
  },
  {
    name: "createExecutor()",
    create: (options = {}) => createExecutor(options),
    parallel: true,
    shared: runtime.capabilities.sharedMemory,
    inline: false,
    perWorker: 1,
  },
];

/** Why a test of worker options is skipped. */
export function noWorkers(kind: ExecutorKind): string | undefined {
  return kind.inline ? "it has no workers of its own" : undefined;
}

/** Why a test that blocks a worker is skipped. */
export function noThreads(kind: ExecutorKind): string | undefined {
  return kind.parallel ? undefined : "its tasks would block the test";
}

/**
 * Holds tasks until it is opened. Declare it after the executor, with `using`: it then opens first, and
 * a failing test ends.
 */
export class Gate implements Disposable {
  /** What tasks are given: [0] is 1 when it is open, [1] how many entered, [2] how many left. */
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(64);
  readonly #cells: Int32Array = new Int32Array(this.buffer);

  open(): void {
    Atomics.store(this.#cells, 0, 1);
    Atomics.notify(this.#cells, 0);
  }

  /** How many tasks have entered. */
  get entered(): number {
    return Atomics.load(this.#cells, 1);
  }

  /** How many tasks have left. */
  get left(): number {
    return Atomics.load(this.#cells, 2);
  }

  /** Resolves when that many tasks have entered. */
  async waitEntered(count: number): Promise<void> {
    await until(() => this.entered >= count);
  }

  [Symbol.dispose](): void {
    this.open();
  }
}

/** A task that waits for the gate without blocking its thread. */
export async function hold(buffer: SharedArrayBuffer, value = 0): Promise<number> {
  const cells = new Int32Array(buffer);
  Atomics.add(cells, 1, 1);
  while (Atomics.load(cells, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  Atomics.add(cells, 2, 1);
  return value;
}

/** A task that waits for the gate and blocks its thread. */
export function block(buffer: SharedArrayBuffer, value = 0): number {
  const cells = new Int32Array(buffer);
  Atomics.add(cells, 1, 1);
  Atomics.wait(cells, 0, 0);
  Atomics.add(cells, 2, 1);
  return value;
}

/** A task that counts that it ran. */
export function count(value: number, buffer: SharedArrayBuffer): number {
  const cells = new Int32Array(buffer);
  Atomics.add(cells, 1, 1);
  return value;
}

/** Fills a kind's executor of that many workers: what is submitted next has to wait. */
export async function occupy(
  kind: ExecutorKind,
  executor: Executor,
  gate: Gate,
  workers = 1,
): Promise<void> {
  const width = workers * kind.perWorker;
  for (let i = 0; i < width; i++) executor.submit(hold, gate.buffer);
  await gate.waitEntered(width);
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn(1);
}

/** Lets everything happen that is about to. */
export async function settle(turns = 10): Promise<void> {
  for (let i = 0; i < turns; i++) await turn(1);
}

function turn(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
