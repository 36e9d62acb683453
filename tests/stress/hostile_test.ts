/**
 * Tasks that forge messages, write into the channel, give values that cannot be read, and end their workers;
 * callers whose objects act while they are read. A model knows what may become of each task: it settles
 * within its bound, in a way that is possible, has run once at the most, and where it gave its value, once.
 *
 * `npm run fuzz:hostile` runs 500 programs of each kind; `SEED` runs one again.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type Future,
  importTasks,
  ProcessPoolExecutor,
  SerializationError,
  ShutdownError,
  ThreadPoolExecutor,
  TimeoutError,
  WorkerCrashError,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { type Counter, nastyValue } from "./hostile_tasks.ts";
import { Random, SEED } from "./random.ts";

const PROGRAMS = Number(process.env.HOSTILE ?? 12);

/** Milliseconds in which everything settles, on a busy machine too. */
const BOUND = 40_000;

const TASKS = importTasks<typeof import("./hostile_tasks.ts")>(
  new URL("./hostile_tasks.ts", import.meta.url),
);

type Name = "honest" | "honestSoon" | "forge" | "writeFrames" | "nasty" | "die";

/** One task, and what was done to it. */
interface Entry {
  readonly index: number;
  readonly name: string;
  readonly future: Future<unknown>;
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
}

class HostileProgram {
  readonly #random: Random;
  readonly #executor: Executor;
  readonly #folder = mkdtempSync(join(tmpdir(), "hostile-"));
  readonly #counter: Counter;
  readonly #entries: Entry[] = [];
  readonly #processes: boolean;
  #used = 0;
  #deaths = 0;
  /** Whether a task may have taken others of its worker with it. */
  #harmful = false;
  #closed = false;

  constructor(seed: number, processes: boolean) {
    const random = this.#random = new Random(seed);
    this.#processes = processes;
    this.#counter = join(this.#folder, "runs");
    writeFileSync(this.#counter, "");
    const options = { maxWorkers: 1 + random.below(2), grace: 20 };
    if (processes) this.#executor = new ProcessPoolExecutor(options);
    else {
      this.#counter = new Int32Array(new SharedArrayBuffer(4 * 400));
      this.#executor = new ThreadPoolExecutor({
        ...options,
        tasksPerWorker: random.oneIn(4) ? 3 : 1,
      });
    }
  }

  async run(): Promise<void> {
    const random = this.#random;
    for (let steps = 5 + random.below(12); steps > 0; steps--) {
      const step = random.below(20);
      if (step < 8) this.#submit(random.oneIn(3) ? "honestSoon" : "honest", 1 + random.below(8));
      else if (step < 15) this.#submitHostile();
      else if (step === 15) this.#submitCallersObject();
      else if (step === 16) this.#entries[random.below(this.#entries.length + 1)]?.future.cancel();
      else if (step === 17) this.#map();
      else await new Promise((resolve) => setTimeout(resolve, random.below(15)));
    }
    if (random.oneIn(6)) this.#end(random.oneIn(2) ? "terminate" : "shutdown");
    await this.#check();
    rmSync(this.#folder, { recursive: true });
  }

  /** Does what a closed or broken executor refuses. */
  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof ShutdownError) assert(this.#closed);
      else if (error instanceof BrokenExecutorError) assert(this.#deaths >= 3, `${error}`);
      else if (!(error instanceof RangeError && error.message === "trap")) throw error;
    }
  }

  #add(name: string, submit: (executor: Executor, index: number) => Future<unknown>): void {
    const random = this.#random;
    const timeout = random.oneIn(12) ? 1 + random.below(60) : undefined;
    const controller = random.oneIn(12) ? new AbortController() : undefined;
    if (timeout !== undefined || controller !== undefined) this.#harmful = true;
    const index = this.#used++;
    const executor = timeout === undefined && controller === undefined
      ? this.#executor
      : this.#executor.with({
        ...(timeout === undefined ? {} : { timeout }),
        ...(controller === undefined ? {} : { signal: controller.signal }),
      });
    this.#try(() => {
      const future = submit(executor, index);
      this.#entries.push({ index, name, future, timeout, signal: controller?.signal });
      if (controller !== undefined) {
        setTimeout(() => controller.abort(new Error("no need")), random.below(30));
      }
    });
  }

  #submit(name: Name, times: number): void {
    for (; times > 0; times--) {
      const seed = this.#random.below(2 ** 30);
      this.#add(
        name,
        (executor, index) => executor.submit(TASKS[name], this.#counter, index, seed),
      );
    }
  }

  #submitHostile(): void {
    const names: Name[] = ["forge", "forge", "nasty", "nasty", "die"];
    if (this.#processes) names.push("writeFrames", "writeFrames");
    const name = names[this.#random.below(names.length)]!;
    if (name !== "nasty") {
      this.#harmful = true;
      this.#deaths++;
    }
    this.#submit(name, 1);
  }

  /** An argument that acts while it is cloned, or cannot be. */
  #submitCallersObject(): void {
    const what = this.#random.below(4);
    this.#add("takes", (executor, index) => {
      let future: Future<unknown> | undefined = undefined;
      const value = {
        get value(): unknown {
          if (what === 0) this.victim?.cancel();
          if (what === 1) future?.cancel();
          if (what < 2) throw new RangeError("trap");
          return 1;
        },
        victim: this.#entries.at(-1)?.future,
      };
      Object.defineProperty(value, "victim", { enumerable: false });
      const argument = what < 3 ? value : nastyValue(this.#random);
      future = executor.submit(TASKS.takes, this.#counter, index, argument);
      return future;
    });
  }

  /** Inputs that throw when they are asked for more. */
  #map(): void {
    const length = this.#random.below(20);
    const throwsAt = this.#random.below(30);
    const first = this.#used;
    this.#used += length;
    const counter = this.#counter;
    function* indices(): Generator<number> {
      for (let i = 0; i < length; i++) {
        if (i === throwsAt) throw new RangeError("trap");
        yield first + i;
      }
    }
    this.#try(() => {
      const counters = Array.from({ length }, () => counter);
      const iterator = this.#executor.map(TASKS.honest, counters, indices(), {
        chunkSize: 1 + this.#random.below(4),
      });
      const end = iterator.toArray().then((values) => {
        assertEquals(values, Array.from({ length }, (_, i) => 2 * (first + i) + 1));
      });
      this.#ends.push(end.catch((error) => this.#checkError("map", error, true)));
    });
  }

  readonly #ends: Promise<unknown>[] = [];

  #end(how: "terminate" | "shutdown"): void {
    this.#closed = true;
    this.#ends.push(
      how === "terminate"
        ? this.#executor.terminate()
        : this.#executor.shutdown({ cancelFutures: true }),
    );
  }

  async #check(): Promise<void> {
    const succeeded = new Set<number>();
    for (const entry of this.#entries) {
      const what = `task ${entry.index} (${entry.name})`;
      const settled: Promise<() => void> = entry.future.then(
        (value) => () => {
          succeeded.add(entry.index);
          this.#checkValue(entry, value, what);
        },
        (error) => () => this.#checkFailure(entry, error, what),
      );
      (await within(settled, `${what} settles`))();
    }
    await within(Promise.all(this.#ends), "map() and the end settle");
    if (!this.#closed) {
      this.#try(() => {
        const last = this.#executor.submit(TASKS.honest, this.#counter, this.#used++);
        const error = last.then(() => {}, (error) => this.#checkError("the last", error, false));
        this.#ends.push(error);
      });
      await within(Promise.all(this.#ends), "the last settles");
    }
    await within(this.#executor.shutdown(), "shutdown() resolves");
    const { workers, pending, running } = this.#executor.stats();
    assertEquals([workers, pending, running], [0, 0, 0], "nothing is left");
    const runs = this.#runs();
    for (let i = 0; i < this.#used; i++) {
      assert((runs.get(i) ?? 0) <= 1, `task ${i} has run ${runs.get(i)} times`);
    }
    for (const { index, future, name } of this.#entries) {
      if (future.cancelled()) assertEquals(runs.get(index) ?? 0, 0, `${name} was cancelled`);
      else if (succeeded.has(index)) assertEquals(runs.get(index), 1, name);
    }
  }

  #runs(): Map<number, number> {
    const counter = this.#counter;
    if (typeof counter !== "string") {
      return new Map(Array.from(counter, (_, i) => [i, Atomics.load(counter, i)]));
    }
    const runs = new Map<number, number>();
    for (const line of readFileSync(counter, "utf8").split("\n")) {
      if (line !== "") runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
    }
    return runs;
  }

  #checkValue({ index, name }: Entry, value: unknown, what: string): void {
    if (name !== "nasty") assertEquals(value, 2 * index + 1, what);
  }

  #checkFailure({ name, future, timeout, signal }: Entry, error: unknown, what: string): void {
    if (name === "nasty") return; // what it throws, or why that could not be sent
    if (future.cancelled()) {
      return assert(
        error instanceof CancelledError || error === signal?.reason ||
          (error instanceof TimeoutError && timeout !== undefined), // it never began
        `${what} was cancelled by ${error}`,
      );
    }
    if (error instanceof TimeoutError && timeout !== undefined) return;
    if (signal?.aborted && error === signal.reason) return;
    if (name === "takes" && error instanceof SerializationError) return;
    this.#checkError(what, error, false);
  }

  #checkError(what: string, error: unknown, mapped: boolean): void {
    if (error instanceof WorkerCrashError) return assert(this.#harmful, `${what}: ${error}`);
    if (error instanceof BrokenExecutorError) {
      return assert(this.#deaths >= 3 || this.#closed, `${what}: ${error}`);
    }
    if (error instanceof ShutdownError || error instanceof CancelledError) {
      return assert(this.#closed, `${what}: ${error}`);
    }
    if (mapped && error instanceof RangeError && error.message === "trap") return;
    throw new Error(`${what} failed in a way that cannot be: ${error}`, { cause: error });
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${BOUND} ms: ${what}`)), BOUND);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Every part of every built-in of this realm, so that it can be seen whether one was changed. */
function builtIns(): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const { value } = Object.getOwnPropertyDescriptor(globalThis, name)!;
    if (typeof value !== "function" || !/^[A-Z]/.test(name)) continue;
    for (const [path, holder] of [[name, value], [`${name}.prototype`, value.prototype]]) {
      if (Object(holder) !== holder) continue;
      for (const key of Reflect.ownKeys(holder)) {
        const property = Object.getOwnPropertyDescriptor(holder, key)!;
        const part: unknown = property.get ?? property.value;
        if (typeof part === "function") found.set(`${path}.${String(key)}`, part);
      }
    }
  }
  return found;
}

for (const processes of [false, true]) {
  const kind = processes ? "processes" : "threads";
  test(
    `any hostile program of ${PROGRAMS} in ${kind}: every future settles, rightly and once`,
    async () => {
      const before = builtIns();
      for (let n = 0; n < PROGRAMS; n++) {
        const seed = SEED + n;
        try {
          await new HostileProgram(seed, processes).run();
        } catch (error) {
          throw new Error(
            `${(error as Error).message}\nTry it again: SEED=${seed} HOSTILE=1 ` +
              `node --test tests/stress/hostile_test.ts`,
            { cause: error },
          );
        }
      }
      const after = builtIns();
      for (const [path, value] of before) {
        assert(Object.is(after.get(path), value), `${path} changed`);
      }
      assertEquals(
        [...after.keys()].filter((path) => !before.has(path)),
        [],
      );
    },
    { deadline: 60_000 + 10_000 * PROGRAMS },
  );
}
