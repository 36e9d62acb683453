/**
 * The executors that keep the contract, and gates to hold their tasks with.
 *
 * @module
 */

import { delay } from "@std/async";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  BrokenProcessPoolError,
  BrokenThreadPoolError,
  createExecutor,
  type Executor,
  InlineExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../mod.ts";
import type { ThreadPoolExecutorOptions } from "../../mod.ts";
import { childProcessRuntime } from "../../src/runtime/process/start_process.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import { watched } from "../leaks.ts";
import { override } from "./override.ts";

/** One kind of executor. */
export interface ExecutorKind {
  readonly name: string;
  /** Makes one. Those that have no such option leave it out: see `inline`. */
  create(options?: ThreadPoolExecutorOptions): Executor;
  /** Its tasks run beside the test: one may block its thread. */
  readonly parallel: boolean;
  /** The library shares memory with its workers. */
  readonly shared: boolean;
  /** A SharedArrayBuffer reaches its tasks. */
  readonly memory: boolean;
  /** Its tasks run on the test's own thread, and it takes no options of workers. */
  readonly inline: boolean;
  /** Asynchronous tasks that one of its workers runs at once. */
  readonly perWorker: number;
  /** Workers of a test that wants several: they take their time to start. */
  readonly several: number;
  /** What is thrown when one is broken. */
  readonly brokenError: typeof BrokenThreadPoolError | typeof BrokenProcessPoolError;
}

const runtime = watched(detectRuntime());
const unshared = {
  ...runtime,
  capabilities: { ...runtime.capabilities, sharedMemory: false },
};
/** Edge runtimes have no workers. */
const HAS_WORKERS = runtime.unsupported({}) === undefined;
const processes = "document" in globalThis || !HAS_WORKERS
  ? undefined
  : watched(childProcessRuntime());

/** Pages have no memory to share, unless they are cross-origin isolated. */
const HAS_MEMORY = typeof SharedArrayBuffer === "function";

const THREADS = {
  parallel: true,
  shared: runtime.capabilities.sharedMemory,
  memory: HAS_MEMORY,
  inline: false,
  perWorker: 1,
  several: 3,
  brokenError: BrokenThreadPoolError,
} as const;

const INLINE = {
  ...THREADS,
  parallel: false,
  shared: false,
  memory: new InlineExecutor().capabilities.sharedMemory,
  inline: true,
} as const;

const THREAD_POOLS: readonly ExecutorKind[] = [
  {
    ...THREADS,
    name: "ThreadPoolExecutor",
    create: (options = {}) => new ThreadPoolExecutor(options),
  },
  // A page that is not isolated shares none with any of them.
  ...(runtime.capabilities.sharedMemory
    ? [{
      ...THREADS,
      name: "ThreadPoolExecutor without shared memory",
      create: (options: ThreadPoolExecutorOptions = {}) =>
        new ThreadPoolExecutor({ ...options, runtime: unshared }),
      shared: false,
    }]
    : []),
  {
    ...THREADS,
    name: "ThreadPoolExecutor with tasksPerWorker 4",
    create: (options = {}) => new ThreadPoolExecutor({ tasksPerWorker: 4, ...options }),
    perWorker: 4,
  },
];

/** Those whose tasks can count in memory that the test has, too. */
export const EXECUTORS: readonly ExecutorKind[] = chosen([
  ...(HAS_WORKERS ? THREAD_POOLS : []),
  {
    ...INLINE,
    name: "InlineExecutor",
    create: ({ maxWorkers } = {}) =>
      new InlineExecutor(maxWorkers === undefined ? {} : { maxWorkers }),
  },
  {
    ...(HAS_WORKERS ? THREADS : INLINE),
    name: "createExecutor()",
    create: (options = {}) => createExecutor(options),
  },
]);

/** Those that `FC_EXECUTORS` names, where only a part is to be run. */
function chosen(kinds: readonly ExecutorKind[]): readonly ExecutorKind[] {
  const names = process.env.FC_EXECUTORS;
  return names === undefined ? kinds : kinds.filter(({ name }) => names.split(",").includes(name));
}

/** Those that keep the contract: all. */
export const ALL_EXECUTORS: readonly ExecutorKind[] = override.kinds ?? [
  ...EXECUTORS,
  ...(processes === undefined ? [] : [{
    ...THREADS,
    name: "ProcessPoolExecutor",
    create: (options: ThreadPoolExecutorOptions = {}) =>
      new ProcessPoolExecutor({ ...options, runtime: processes }),
    shared: false,
    memory: false,
    several: 2,
    brokenError: BrokenProcessPoolError,
  }]),
];

/** Whether its workers are processes. */
export function isProcesses(kind: ExecutorKind): boolean {
  return kind.brokenError === BrokenProcessPoolError;
}

/** How many of so many tasks make notes: in a page without shared memory each note is a request. */
export function noted({ memory }: Pick<ExecutorKind, "memory">, count: number): number {
  return IN_PAGE && !memory ? Math.min(count, 50) : count;
}

/** Why a test is skipped in which tasks must not wait for one that blocks its worker. */
export function holdsUp(kind: ExecutorKind): string | undefined {
  return kind.perWorker > 1 && !kind.shared
    ? "without shared memory, tasks that were sent to a worker wait there while one blocks it"
    : undefined;
}

/** Why a test of worker options is skipped. */
export function noWorkers(kind: ExecutorKind): string | undefined {
  return kind.inline ? "it has no workers of its own" : undefined;
}

/** Why a test that blocks a worker is skipped. */
export function noThreads(kind: ExecutorKind): string | undefined {
  return kind.parallel ? undefined : "its tasks would block the test";
}

// --- what tests and tasks share ---

/** What tasks are given to share something with the test: memory, or a folder if they cannot have it. */
export type Handle = SharedArrayBuffer | string;

/** A folder that tasks and the test share. */
class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "contract-"));

  constructor(...files: string[]) {
    for (const file of files) writeFileSync(join(this.path, file), "");
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), "utf8");
  }

  size(file: string): number {
    return statSync(join(this.path, file)).size;
  }

  remove(file: string): void {
    rmSync(join(this.path, file), { force: true });
  }

  [Symbol.dispose](): void {
    // Under another name, so that no task adds to it while it is removed.
    const gone = `${this.path}.gone`;
    renameSync(this.path, gone);
    rmSync(gone, { recursive: true });
  }
}

/**
 * Holds tasks until it is opened. Declare it after the executor, with `using`: it then opens first, and
 * a failing test ends.
 */
export class Gate implements Disposable {
  /**
   * What tasks are given. Memory: [0] is 1 when it is open, [1] how many entered, [2] how many left. A
   * folder: "closed" is there until it is open, "entered" and "left" have a byte for each.
   */
  readonly handle: Handle;
  readonly #memory: Int32Array | undefined;
  readonly #folder: Folder | undefined;

  constructor({ memory }: Pick<ExecutorKind, "memory"> = { memory: HAS_MEMORY }) {
    if (memory) {
      this.handle = new SharedArrayBuffer(64);
      this.#memory = new Int32Array(this.handle);
    } else {
      this.#folder = new Folder("closed", "entered", "left");
      this.handle = this.#folder.path;
    }
  }

  open(): void {
    this.#folder?.remove("closed");
    if (this.#memory === undefined) return;
    Atomics.store(this.#memory, 0, 1);
    Atomics.notify(this.#memory, 0);
  }

  /** How many tasks have entered. */
  get entered(): number {
    return this.#folder?.size("entered") ?? Atomics.load(this.#memory!, 1);
  }

  /** How many tasks have left. */
  get left(): number {
    return this.#folder?.size("left") ?? Atomics.load(this.#memory!, 2);
  }

  /** Resolves when that many tasks have entered. */
  async waitEntered(count: number): Promise<void> {
    await until(() => this.entered >= count);
  }

  [Symbol.dispose](): void {
    this.open();
    this.#folder?.[Symbol.dispose]();
  }
}

/** A task that waits for the gate without blocking its thread. */
export async function hold(handle: Handle, value = 0): Promise<number> {
  // A look at a file is a request where the test is a page: not too many of them.
  const pause = (milliseconds = 1) =>
    new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
  if (typeof handle === "string") {
    const { appendFileSync, existsSync } = process.getBuiltinModule("node:fs");
    appendFileSync(`${handle}/entered`, ".");
    while (existsSync(`${handle}/closed`)) await pause(5);
    appendFileSync(`${handle}/left`, ".");
  } else {
    const cells = new Int32Array(handle);
    Atomics.add(cells, 1, 1);
    while (Atomics.load(cells, 0) === 0) await pause();
    Atomics.add(cells, 2, 1);
  }
  return value;
}

/** A task that waits for the gate and blocks its thread. */
export function block(handle: Handle, value = 0): number {
  if (typeof handle === "string") {
    const { appendFileSync, existsSync } = process.getBuiltinModule("node:fs");
    // A page that cannot share memory has some all the same.
    const nobody = new Int32Array(
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer,
    );
    appendFileSync(`${handle}/entered`, ".");
    while (existsSync(`${handle}/closed`)) Atomics.wait(nobody, 0, 0, 5);
    appendFileSync(`${handle}/left`, ".");
  } else {
    const cells = new Int32Array(handle);
    Atomics.add(cells, 1, 1);
    Atomics.wait(cells, 0, 0);
    Atomics.add(cells, 2, 1);
  }
  return value;
}

/** A task that counts that it ran: it enters. */
export function count<T>(value: T, handle: Handle): T {
  if (typeof handle === "string") {
    process.getBuiltinModule("node:fs").appendFileSync(`${handle}/entered`, ".");
  } else Atomics.add(new Int32Array(handle), 1, 1);
  return value;
}

/** What tasks have noted, in the order in which they did. */
export class Notes implements Disposable {
  /** Memory: [0] is how many there are, they come behind. A folder: they are the lines of "notes". */
  readonly handle: Handle;
  readonly #memory: Int32Array | undefined;
  readonly #folder: Folder | undefined;

  constructor({ memory }: Pick<ExecutorKind, "memory">, most = 1000) {
    if (memory) {
      this.handle = new SharedArrayBuffer(4 * (1 + most));
      this.#memory = new Int32Array(this.handle);
    } else {
      this.#folder = new Folder("notes");
      this.handle = this.#folder.path;
    }
  }

  get values(): number[] {
    if (this.#memory !== undefined) return [...this.#memory.subarray(1, 1 + this.#memory[0]!)];
    return this.#folder!.read("notes").split("\n").slice(0, -1).map(Number);
  }

  [Symbol.dispose](): void {
    this.#folder?.[Symbol.dispose]();
  }
}

/** A task that makes a note. */
export function note(handle: Handle, value: number): void {
  if (typeof handle === "string") {
    process.getBuiltinModule("node:fs").appendFileSync(`${handle}/notes`, `${value}\n`);
  } else {
    const cells = new Int32Array(handle);
    cells[1 + Atomics.add(cells, 0, 1)] = value;
  }
}

// --- steps of tests ---

/** Whether the tests run in a page. */
export const IN_PAGE: boolean = "document" in globalThis;

/**
 * In a worker that the library starts WebKit tells nothing but this of an error that code made from text
 * throws outside of its task. Elsewhere, and of a module's code, it tells the error.
 */
export const MUTED: string | undefined =
  IN_PAGE && navigator.vendor.startsWith("Apple") && !("ownWorker" in globalThis)
    ? "Script error."
    : undefined;

/** Why a test of processes is skipped. */
export const NO_PROCESSES: string | undefined = IN_PAGE ? "a page has no processes" : undefined;

/** A task that ends its worker; in a browser there is no exit code. */
export function leave(exitCode: number): Promise<never> {
  const { process, close } = globalThis as unknown as {
    process?: { exit?(exitCode: number): never };
    close(): void;
  };
  if (process?.exit !== undefined) process.exit(exitCode);
  close();
  return new Promise(() => {});
}

/** Fills a kind's executor of that many workers: what is submitted next has to wait. */
export async function occupy(
  kind: ExecutorKind,
  executor: Executor,
  gate: Gate,
  workers = 1,
): Promise<void> {
  const width = workers * kind.perWorker;
  for (let i = 0; i < width; i++) executor.submit(hold, gate.handle);
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
  return delay(milliseconds);
}
