/**
 * A program that is run with real workers, and what is true of each: every future settles, in one way
 * that is possible for it; nothing runs twice, and nothing that was cancelled; values are right; the
 * executor works until it is shut down, and nothing of it is left then.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type Future,
  type MapIterator,
  QueueFullError,
  ShutdownError,
  type TaskContext,
  ThreadPoolExecutor,
  TimeoutError,
  WorkerCrashError,
} from "../../mod.ts";
import { EXECUTORS } from "../contract/executors.ts";

/** Milliseconds in which everything settles that can, on a busy machine too. */
const BOUND = 30_000;

/** Tasks of one program at the most. */
const MOST = 2_000;

/** How an executor is made. */
export interface Setup {
  readonly shared: boolean;
  readonly maxWorkers: number;
  readonly tasksPerWorker: number;
  readonly onCrash: "replace" | "break";
  readonly maxTasksPerChild: number | undefined;
  readonly idleTimeout: number | undefined;
  readonly maxPending: number | undefined;
  readonly initializer: boolean;
}

/** What a task does. */
export type Kind = keyof typeof TASKS;

/** One call of `map`. */
export interface MapCall {
  readonly kind: "quick" | "slow" | "soon" | "failing";
  readonly size: number;
  readonly chunkSize: number | undefined;
  /** Stops to read after so many. */
  readonly stopAfter: number | undefined;
  readonly settled: boolean;
  /** The item that ends its worker. */
  readonly fatal: number | undefined;
}

/** One step: a name and its arguments, so that a counterexample can be read. */
export type Step =
  | readonly ["submit", Kind, number, { priority: number; timeout: number | undefined }]
  | readonly ["map", MapCall]
  | readonly ["cancel" | "abort", number]
  | readonly ["pause", number]
  | readonly ["shutdown", boolean]
  | readonly ["broadcast" | "warmUp" | "ready" | "terminate"];

type Cells = Int32Array;
type Scope = { process: { exit(code: number): never } };

/** The tasks. Each counts its run. */
const TASKS = {
  quick: function quick(cells: Cells, i: number): number {
    Atomics.add(cells, i, 1);
    return 2 * i + 1;
  },
  slow: function slow(cells: Cells, i: number): number {
    Atomics.add(cells, i, 1);
    const end = performance.now() + 3;
    while (performance.now() < end);
    return 2 * i + 1;
  },
  failing: function failing(cells: Cells, i: number): number {
    Atomics.add(cells, i, 1);
    throw new RangeError(`task ${i}`);
  },
  soon: async function soon(cells: Cells, i: number): Promise<number> {
    Atomics.add(cells, i, 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return 2 * i + 1;
  },
  /** Ends when it is aborted. */
  polite: function polite(this: TaskContext, cells: Cells, i: number): Promise<number> {
    Atomics.add(cells, i, 1);
    const { signal } = this;
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  },
  /** Does not: its worker is stopped. */
  stubborn: function stubborn(cells: Cells, i: number): Promise<number> {
    Atomics.add(cells, i, 1);
    return new Promise(() => {});
  },
  exit: function exit(cells: Cells, i: number): never {
    Atomics.add(cells, i, 1);
    return (globalThis as unknown as Scope).process.exit(7);
  },
  stray: function stray(cells: Cells, i: number): Promise<never> {
    Atomics.add(cells, i, 1);
    setTimeout(() => {
      throw new RangeError("stray");
    });
    return new Promise(() => {});
  },
};

function mapTask(cells: Cells, row: [i: number, what: string]): number | Promise<number> {
  const [i, what] = row;
  Atomics.add(cells, i, 1);
  const value = 2 * i + 1;
  switch (what) {
    case "slow":
      for (const end = performance.now() + 1; performance.now() < end;);
      return value;
    case "soon":
      return new Promise((resolve) => setTimeout(resolve, 1, value));
    case "failing":
      throw new RangeError(`task ${i}`);
    case "fatal":
      return (globalThis as unknown as Scope).process.exit(8);
  }
  return value;
}

function initialize(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** One task and what was done to it. */
interface Entry {
  readonly index: number;
  readonly kind: Kind;
  readonly future: Future<unknown>;
  readonly controller: AbortController | undefined;
  readonly timeout: number | undefined;
  cancelled: boolean;
  /** Calls of its done callback. */
  told: number;
}

/** One `map` and what came of it. */
interface Reading {
  readonly call: MapCall;
  readonly first: number;
  readonly end: Promise<void>;
}

export class Program {
  readonly #setup: Setup;
  readonly #executor: Executor;
  readonly #cells: Cells = new Int32Array(new SharedArrayBuffer(4 * MOST));
  readonly #entries: Entry[] = [];
  readonly #readings: Reading[] = [];
  readonly #others: Promise<void>[] = [];
  readonly #ends: Promise<void>[] = [];
  #used = 0;
  /** Workers that tasks may have ended, by faults of their own. */
  #crashes = 0;
  /** Whether some are stopped because a task did not end. */
  #stops = false;
  #closed = false;
  /** Whether what was pending may have been cancelled by the end. */
  #dropped = false;
  #terminated = false;

  constructor(setup: Setup) {
    this.#setup = setup;
    const { shared, initializer, ...options } = setup;
    const kind = EXECUTORS[shared ? 0 : 1]!;
    this.#executor = kind.create({
      ...withoutUndefined(options),
      grace: 10,
      ...(initializer ? { initializer: initialize } : {}),
    });
    assert(this.#executor instanceof ThreadPoolExecutor);
  }

  take(step: Step): void | Promise<void> {
    switch (step[0]) {
      case "submit":
        for (let i = 0; i < step[2]; i++) this.#submit(step[1], step[3]);
        return;
      case "map":
        return this.#map(step[1]);
      case "cancel":
        return this.#cancel(step[1]);
      case "abort":
        return this.#entryAt(step[1])?.controller?.abort(new Error("no need"));
      case "pause":
        return delay(step[1]);
      case "broadcast":
      case "warmUp":
      case "ready":
        return this.#call(step[0]);
      case "shutdown":
        this.#closed = true;
        if (step[1]) this.#dropped = true;
        this.#ends.push(this.#executor.shutdown({ cancelFutures: step[1] }));
        return;
      case "terminate":
        this.#closed = this.#dropped = this.#terminated = true;
        this.#ends.push(this.#executor.terminate());
    }
  }

  /** Ends it, and checks everything. */
  async end(): Promise<void> {
    for (const { controller } of this.#entries) controller?.abort(new Error("end"));
    for (const entry of this.#entries) await this.#checkEntry(entry);
    for (const reading of this.#readings) await within(reading.end, "map() ends");
    await within(Promise.all(this.#others), "broadcast(), warmUp() and ready() settle");
    const isOpen = this.#try(() => this.#executor.submit(() => "works"));
    if (isOpen !== undefined) assertEquals(await within(isOpen.result(), "works"), "works");
    this.#ends.push(this.#executor.shutdown());
    await within(Promise.all(this.#ends), "shutdown() resolves");
    const { workers, pending, running } = this.#executor.stats();
    assertEquals([workers, pending, running], [0, 0, 0], "nothing is left");
    for (const { index, future, told } of this.#entries) {
      const runs = this.#runs(index);
      assert(
        runs <= 1 && (runs === 0 || !future.cancelled()),
        `task ${index} has run ${runs} times`,
      );
      assertEquals(told, 1, `done callbacks of task ${index}`);
    }
    for (const { call, first } of this.#readings) {
      for (let i = first; i < first + call.size; i++) {
        assert(this.#runs(i) <= 1, `item ${i} has run ${this.#runs(i)} times`);
      }
    }
  }

  #runs(index: number): number {
    return Atomics.load(this.#cells, index);
  }

  /** Cells for so many tasks; none if there have been enough. */
  #take(count: number): number | undefined {
    if (this.#used + count > MOST) return undefined;
    this.#used += count;
    return this.#used - count;
  }

  /** Does what an executor may refuse, and checks that it may. */
  #try<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (error instanceof ShutdownError) assert(this.#closed, "it is not shut down");
      else if (error instanceof BrokenExecutorError) this.#checkBroken(error);
      else if (error instanceof QueueFullError) assert(this.#setup.maxPending !== undefined);
      else throw error;
      return undefined;
    }
  }

  /** Whether the executor may be broken. */
  #checkBroken(error: unknown): void {
    const needed = this.#setup.onCrash === "break" ? 1 : 3;
    assert(this.#crashes >= needed, `it broke after ${this.#crashes} crashes: ${error}`);
  }

  #submit(kind: Kind, { priority, timeout }: { priority: number; timeout: number | undefined }) {
    const index = this.#take(1);
    if (index === undefined) return;
    const endless = kind === "polite" || kind === "stubborn";
    const controller = endless || index % 5 === 0 ? new AbortController() : undefined;
    const options = withoutUndefined({ signal: controller?.signal, priority, timeout });
    const target = priority === 0 && controller === undefined && timeout === undefined
      ? this.#executor
      : this.#executor.with(options);
    const future = this.#try((): Future<unknown> =>
      target.submit(TASKS[kind] as typeof TASKS.slow, this.#cells, index)
    );
    if (future === undefined) return;
    if (kind === "exit" || kind === "stray") this.#crashes++;
    // Any that is aborted or late while it runs may be stopped with its worker.
    if (controller !== undefined || timeout !== undefined) this.#stops = true;
    const entry: Entry = { index, kind, future, controller, timeout, cancelled: false, told: 0 };
    future.addDoneCallback(() => entry.told++);
    this.#entries.push(entry);
  }

  #entryAt(which: number): Entry | undefined {
    return this.#entries[which % Math.max(1, this.#entries.length)];
  }

  #cancel(which: number): void {
    const entry = this.#entryAt(which);
    if (entry === undefined) return;
    const was = entry.future.done() && !entry.future.cancelled();
    const cancelled = entry.future.cancel();
    if (cancelled) entry.cancelled = true;
    assert(!(was && cancelled), "a finished task was cancelled");
    assertEquals(entry.future.cancelled(), cancelled);
  }

  /** What takes no task, or one for each worker: it settles, whatever comes. */
  #call(name: "broadcast" | "warmUp" | "ready"): void {
    const promise: Promise<unknown> | undefined = this.#try(() =>
      name === "broadcast" ? this.#executor.broadcast(() => "here") : this.#executor[name]()
    );
    if (promise === undefined) return;
    this.#others.push(promise.then((result) => {
      if (name === "broadcast") {
        for (const one of result as unknown[]) assertEquals(one, "here");
      }
    }, (error) => {
      // A worker may have ended before its task began, and the executor with it.
      assert(
        error instanceof BrokenExecutorError || error instanceof ShutdownError ||
          error instanceof CancelledError,
        `${name}() failed: ${error}`,
      );
    }));
  }

  // --- tasks ---

  async #checkEntry(entry: Entry): Promise<void> {
    const { index, kind, future } = entry;
    const value = await within(
      future.then((value) => ({ value }), (error: unknown) => ({ error })),
      `task ${index} (${kind}) settles`,
    );
    const what = `task ${index} (${kind})`;
    if ("value" in value) {
      assertEquals(value.value, 2 * index + 1, what);
      assertEquals(this.#runs(index), 1, `${what} gave a value, runs`);
      assert(!entry.cancelled, `${what} was cancelled`);
      assert(["quick", "slow", "soon"].includes(kind), `${what} has succeeded`);
    } else this.#checkError(entry, value.error, what);
  }

  #checkError(entry: Entry, error: unknown, what: string): void {
    const { index, kind, future, controller, timeout } = entry;
    if (future.cancelled()) {
      assertEquals(this.#runs(index), 0, `${what} was cancelled, runs`);
      assert(entry.cancelled || this.#dropped || error === controller?.signal.reason, what);
      return;
    }
    assert(!entry.cancelled, `${what}: cancel() was true`);
    if (controller?.signal.aborted && error === controller.signal.reason) return;
    if (error instanceof TimeoutError && timeout !== undefined) return;
    if (error instanceof RangeError && kind === "failing") {
      assertEquals([error.message, this.#runs(index)], [`task ${index}`, 1]);
      return;
    }
    if (error instanceof WorkerCrashError) {
      if (kind === "exit" || kind === "stray" || this.#mayFallWithOthers) return;
    } else if (error instanceof BrokenExecutorError) {
      if (!this.#terminated) this.#checkBroken(error);
      return;
    }
    throw new Error(`${what} failed in a way that cannot be: ${error}`, { cause: error });
  }

  /** A worker that ends takes with it what runs there: others only if it runs several at once. */
  get #mayFallWithOthers(): boolean {
    const { tasksPerWorker } = this.#setup;
    return tasksPerWorker > 1 && (this.#crashes > 0 || this.#stops);
  }

  // --- map ---

  #map(call: MapCall): void {
    const { size, fatal, kind, chunkSize, settled } = call;
    const first = this.#take(size);
    if (first === undefined) return;
    const rows = Array.from({ length: size }, (_, n): [number, string] => [
      first + n,
      n === fatal ? "fatal" : kind === "failing" && n % 3 < 2 ? "quick" : kind,
    ]);
    const cells = Array.from({ length: size }, () => this.#cells);
    const options = withoutUndefined({ chunkSize });
    const iterator = this.#try((): MapIterator<unknown> =>
      settled
        ? this.#executor.map(mapTask, cells, rows, { ...options, settled: true })
        : this.#executor.map(mapTask, cells, rows, options)
    );
    if (iterator === undefined) return;
    // A chunk takes others with it, and each of them may be sent before the executor gives up.
    if (fatal !== undefined && fatal < size) this.#crashes++;
    this.#readings.push({ call, first, end: this.#read(iterator, rows, call) });
  }

  async #read(
    iterator: MapIterator<unknown>,
    rows: readonly [number, string][],
    call: MapCall,
  ): Promise<void> {
    let at = 0;
    let failed = false;
    try {
      for (;; at++) {
        if (at === call.stopAfter) {
          await iterator.return();
          assertEquals(await iterator.next(), { done: true, value: undefined });
          return;
        }
        const { done, value } = await iterator.next();
        if (done) break;
        if (!call.settled) {
          this.#checkItem(rows[at]!, { value });
          continue;
        }
        const outcome = value as PromiseSettledResult<unknown>;
        this.#checkItem(
          rows[at]!,
          outcome.status === "fulfilled" ? { value: outcome.value } : { error: outcome.reason },
        );
      }
    } catch (error) {
      // What was not cut into chunks yet ends as a whole, with one error for all that is left.
      if (call.settled && !this.#mayEnd) throw error;
      failed = true;
      this.#checkItem(rows[at]!, { error });
      assertEquals((await iterator.next()).done, true, "map() goes on after an error");
    }
    if (!failed && !this.#dropped) assertEquals(at, rows.length, "results of map()");
  }

  /** Whether the executor may have ended before its time. */
  get #mayEnd(): boolean {
    return this.#dropped || this.#crashes > 0;
  }

  #checkItem([index, what]: [number, string], outcome: { value: unknown } | { error: unknown }) {
    const name = `item ${index} (${what})`;
    if ("value" in outcome) {
      assertEquals(outcome.value, 2 * index + 1, name);
      assertEquals(this.#runs(index), 1, `${name} gave a value, runs`);
      return;
    }
    const { error } = outcome;
    if (what === "failing" && error instanceof RangeError) {
      return assertEquals(error.message, `task ${index}`);
    }
    // Its neighbours of the same chunk end with it, too.
    if (error instanceof WorkerCrashError && this.#crashes > 0) return;
    if (error instanceof WorkerCrashError && this.#mayFallWithOthers) return;
    if (error instanceof BrokenExecutorError) {
      if (!this.#terminated) this.#checkBroken(error);
      return;
    }
    if (error instanceof CancelledError && this.#dropped) return;
    throw new Error(`${name} failed in a way that cannot be: ${error}`, { cause: error });
  }
}

function withoutUndefined<T extends object>(
  options: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${BOUND} ms`)), BOUND);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
