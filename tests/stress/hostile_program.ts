/**
 * One hostile program by chance, and the model that knows what may become of each of its tasks.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { randomSabotage } from "../faults/sabotage_run.ts";
import { childrenOf, type Counter, MOST, nastyValue, ORDER, SEQUENCE } from "./hostile_tasks.ts";
import { Random } from "./random.ts";

/** Milliseconds in which everything settles, on a busy machine too. */
const BOUND = 40_000;

const TASKS = importTasks<typeof import("./hostile_tasks.ts")>(
  new URL("./hostile_tasks.ts", import.meta.url),
);

type Name = "honest" | "honestSoon" | "forge" | "writeFrames" | "nasty" | "die" | "parent";

/** Numbers of tasks that one parent submits. */
const FAMILY = 6;

/** One task, and what was done to it. */
interface Entry {
  readonly index: number;
  readonly name: string;
  readonly future: Future<unknown>;
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Of which key it is, or none. */
  readonly key: number | undefined;
  /** The task whose future it was given, if any. */
  readonly of: Entry | undefined;
  readonly seed: number;
}

/** One program, which is run once. */
export class HostileProgram {
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
  /** Whether a task has replaced what others use: then they may give anything, once. */
  #sabotaged = false;
  #closed = false;

  constructor(seed: number, processes: boolean) {
    const random = this.#random = new Random(seed);
    this.#processes = processes;
    this.#counter = join(this.#folder, "runs");
    writeFileSync(this.#counter, "");
    const options = { maxWorkers: 1 + random.below(2), grace: 20 };
    if (processes) this.#executor = new ProcessPoolExecutor(options);
    else {
      this.#counter = new Int32Array(new SharedArrayBuffer(4 * (ORDER + MOST)));
      this.#executor = new ThreadPoolExecutor({
        ...options,
        tasksPerWorker: random.oneIn(4) ? 3 : 1,
      });
    }
  }

  async run(): Promise<void> {
    const random = this.#random;
    for (let steps = 5 + random.below(12); steps > 0; steps--) {
      const step = random.below(25);
      if (step < 8) this.#submit(random.oneIn(3) ? "honestSoon" : "honest", 1 + random.below(8));
      else if (step < 15) this.#submitHostile();
      else if (step === 15) this.#submitCallersObject();
      else if (step === 16) this.#entries[random.below(this.#entries.length + 1)]?.future.cancel();
      else if (step === 17) this.#map();
      else if (step === 18) this.#stream();
      else if (step === 19) this.#submitParent();
      else if (step === 20) this.#submitOfKey();
      else if (step === 21) this.#submitWithFuture();
      else if (step === 22 && random.oneIn(4)) this.#sabotage();
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

  #add(
    name: string,
    submit: (executor: Executor, index: number) => Future<unknown>,
    { key, of, seed = 0 }: { key?: number; of?: Entry; seed?: number } = {},
  ): void {
    const random = this.#random;
    const timeout = random.oneIn(12) ? 1 + random.below(60) : undefined;
    const controller = random.oneIn(12) ? new AbortController() : undefined;
    if (timeout !== undefined || controller !== undefined) this.#harmful = true;
    const index = this.#used++;
    const signal = controller?.signal;
    const executor = timeout === undefined && signal === undefined && key === undefined
      ? this.#executor
      : this.#executor.with({ timeout, signal, affinity: key });
    this.#try(() => {
      const future = submit(executor, index);
      this.#entries.push({ index, name, future, timeout, signal, key, of, seed });
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
        (executor, index) => executor.submit(TASKS[name as "honest"], this.#counter, index, seed),
      );
    }
  }

  /** A task that submits others, honest ones and such that harm, and waits for them or not. */
  #submitParent(): void {
    const seed = this.#random.below(2 ** 30);
    const first = this.#used;
    this.#used += FAMILY;
    const family = childrenOf(seed, first, FAMILY, this.#processes);
    for (const { name } of family) this.#expect(name);
    this.#add(
      "parent",
      (executor, index) =>
        executor.submit(TASKS.parent, this.#counter, index, seed, first, FAMILY, this.#processes),
      { seed },
    );
    this.#parents.set(this.#entries.at(-1)?.index ?? -1, first);
  }

  /** Of each task that has submitted others, the number of the first. */
  readonly #parents = new Map<number, number>();

  /** Some of one key: they run in the order in which they were submitted. */
  #submitOfKey(): void {
    const key = this.#random.below(3);
    for (let times = 1 + this.#random.below(5); times > 0; times--) {
      const name = this.#random.oneIn(3) ? "honestSoon" : "honest";
      const submit = (executor: Executor, index: number) =>
        executor.submit(TASKS[name as "honest"], this.#counter, index);
      this.#add(name, submit, { key });
    }
  }

  /** A task that waits for the future of another. */
  #submitWithFuture(): void {
    const of = this.#entries[this.#random.below(this.#entries.length)];
    if (of === undefined) return;
    this.#add(
      "waits",
      (executor, index) => executor.submit(TASKS.takes, this.#counter, index, of.future),
      { of },
    );
  }

  /** Values one by one, all of them or some; its generator may fail, or its worker die. */
  #stream(): void {
    const random = this.#random;
    const index = this.#used++;
    const length = random.below(150);
    const endsAt = random.oneIn(3) ? random.below(150) : Infinity;
    const how = random.oneIn(4) ? "throw" : random.oneIn(6) ? "die" : "return";
    if (how === "die") this.#expect("die");
    const leavesAt = random.oneIn(4) ? random.below(150) : Infinity;
    const bufferSize = random.oneIn(2) ? 1 + random.below(8) : undefined;
    const last = Math.min(length, endsAt);
    this.#try(() => {
      const stream = this.#executor.with({ bufferSize })
        .stream(TASKS.values, this.#counter, index, length, endsAt, how);
      const read = async (): Promise<void> => {
        let next = 0;
        for await (const value of stream) {
          if (!this.#sabotaged) assertEquals(value, next, `value of stream ${index}`);
          if (++next > leavesAt) return;
        }
        if (this.#sabotaged) return;
        assert(length <= endsAt || how === "return", `stream ${index} did not fail`);
        assertEquals(next, last, `values of stream ${index}`);
        assertEquals(this.#runs().get(index), 1, `stream ${index} has run`);
      };
      this.#ends.push(
        read().catch((error) => this.#checkError(`stream ${index}`, error, how === "throw")),
      );
    });
  }

  /** Replaces what its worker's program shares with it. */
  #sabotage(): void {
    this.#sabotaged = this.#harmful = true;
    this.#deaths += 3; // a worker that is deaf is found out as often as it is used
    const { body } = randomSabotage(this.#random.below(2 ** 30));
    const source = `const port = globalThis.process?.getBuiltinModule?.("node:worker_threads")
      .parentPort; ${body}; return 1;`;
    this.#try(() => {
      const future = this.#executor.submit(new Function(source) as () => number);
      this.#ends.push(future.then(() => {}, () => {}));
    });
  }

  /** Such a task may take its worker with it, and others. */
  #expect(name: string): void {
    if (!/^(?:forge|die|writeFrames)$/.test(name)) return;
    this.#harmful = true;
    this.#deaths++;
  }

  #submitHostile(): void {
    const names: Name[] = ["forge", "forge", "nasty", "nasty", "die"];
    if (this.#processes) names.push("writeFrames", "writeFrames");
    const name = names[this.#random.below(names.length)]!;
    this.#expect(name);
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
  /** Those whose values are known. */
  readonly #succeeded = new Set<number>();

  #end(how: "terminate" | "shutdown"): void {
    this.#closed = true;
    this.#ends.push(
      how === "terminate"
        ? this.#executor.terminate()
        : this.#executor.shutdown({ cancelFutures: true }),
    );
  }

  async #check(): Promise<void> {
    for (const entry of this.#entries) {
      const what = `task ${entry.index} (${entry.name})`;
      const settled: Promise<() => void> = entry.future.then(
        (value) => () => {
          this.#succeeded.add(entry.index);
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
      else if (this.#succeeded.has(index) && !this.#sabotaged) {
        assertEquals(runs.get(index), 1, name);
      }
    }
    this.#checkOrder();
  }

  /** Those of one key that have run did so in the order of their submits. */
  #checkOrder(): void {
    const order = this.#order();
    const last = new Map<number, number>();
    for (const { key, index } of this.#entries) {
      const at = order.get(index);
      if (key === undefined || at === undefined) continue;
      assert(at > (last.get(key) ?? -1), `task ${index} of key ${key} began too early`);
      last.set(key, at);
    }
  }

  /** Which one of all each task was that has run. */
  #order(): Map<number, number> {
    const counter = this.#counter;
    if (typeof counter === "string") {
      const lines = readFileSync(counter, "utf8").split("\n");
      return new Map(lines.flatMap((line, at) => line === "" ? [] : [[Number(line), at]]));
    }
    const order = new Map<number, number>();
    for (let i = 0; i < this.#used; i++) if (counter[i]! > 0) order.set(i, counter[ORDER + i]!);
    return order;
  }

  #runs(): Map<number, number> {
    const counter = this.#counter;
    if (typeof counter !== "string") {
      const counts = counter.subarray(0, SEQUENCE);
      return new Map(Array.from(counts, (_, i) => [i, Atomics.load(counter, i)]));
    }
    const runs = new Map<number, number>();
    for (const line of readFileSync(counter, "utf8").split("\n")) {
      if (line !== "") runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
    }
    return runs;
  }

  #checkValue(entry: Entry, value: unknown, what: string): void {
    if (this.#sabotaged || entry.name === "nasty") return;
    if (entry.name === "parent") this.#checkFamily(entry, value as unknown[], what);
    else assertEquals(value, 2 * entry.index + 1, what);
    const { of } = entry;
    if (of !== undefined) assert(this.#succeeded.has(of.index), `${what} had what it waits for`);
  }

  /** What a parent tells of its children: the value of each, or the name of its error. */
  #checkFamily({ seed, index }: Entry, told: unknown[], what: string): void {
    const first = this.#parents.get(index)!;
    const family = childrenOf(seed, first, FAMILY, this.#processes);
    assert(told.length === 0 || told.length === FAMILY, `${what} tells of ${told.length}`);
    told.forEach((value, i) => {
      const { name, index } = family[i]!;
      if (name === "nasty") return;
      if (typeof value === "number") {
        assertEquals(value, 2 * index + 1, `child ${index} of ${what}`);
        assertEquals(this.#runs().get(index), 1, `child ${index} of ${what} has run`);
        return;
      }
      const mayBe = (this.#harmful && value === "WorkerCrashError") ||
        ((this.#deaths >= 3 || this.#closed) && /^Broken/.test(value as string)) ||
        (this.#closed && /^(?:Cancelled|Shutdown)Error$/.test(value as string));
      assert(mayBe, `child ${index} of ${what}: ${value}`);
    });
  }

  #checkFailure(entry: Entry, error: unknown, what: string): void {
    const { name, future, timeout, signal, of } = entry;
    if (name === "nasty") return; // what it throws, or why that could not be sent
    // It fails as the one does that it waits for.
    if (of !== undefined && !this.#succeeded.has(of.index)) return;
    if (future.cancelled()) {
      return assert(
        error instanceof CancelledError || error === signal?.reason ||
          (error instanceof TimeoutError && timeout !== undefined), // it never began
        `${what} was cancelled by ${error}`,
      );
    }
    if (error instanceof TimeoutError && timeout !== undefined) return;
    if (signal?.aborted && error === signal.reason) return;
    if (/^(?:takes|waits)$/.test(name) && error instanceof SerializationError) return;
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
    if (this.#sabotaged && !`${(error as Error).name}`.startsWith("Assertion")) return;
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
