/**
 * Exactness with real workers: each task counts its runs in a cell of its own, while it may be cancelled,
 * aborted, stolen, recalled or overtaken. A cancelled task never ran, every other ran exactly once.
 *
 * `STRESS=20` runs millions of tasks, `SEED` repeats a run that has failed.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Executor, type Future, ThreadPoolExecutor } from "../../mod.ts";
import { EXECUTORS } from "../contract/executors.ts";
import { test } from "../harness.ts";
import { SEED } from "../seed.ts";
import { Random, STRESS } from "./random.ts";

/** Tasks that are in flight together. */
const WAVE = 2_000;

/** What happens to the tasks while they run. */
interface Storm {
  readonly name: string;
  /** Tasks of this storm; a fifth of it without shared memory, where each is a message of its own. */
  readonly tasks: number;
  /** In which order they are cancelled, if they are. */
  readonly cancels?: "oldest first" | "newest first" | "at random" | "where the workers are";
  /** One in so many takes a millisecond or three: its worker is robbed of what waits behind it. */
  readonly longOneIn?: number;
  /** Whether each has a priority of its own. */
  readonly priorities?: boolean;
  /** Whether one in ten has a signal that is aborted. */
  readonly aborts?: boolean;
  /** One in so many waits for a timer: its worker goes on with others. */
  readonly waitingOneIn?: number;
  readonly tasksPerWorker?: number;
}

const STORMS: readonly Storm[] = [
  { name: "cancels, oldest first", tasks: 20_000, cancels: "oldest first" },
  { name: "cancels, newest first", tasks: 20_000, cancels: "newest first" },
  { name: "cancels at random", tasks: 20_000, cancels: "at random" },
  { name: "cancels where the workers are", tasks: 30_000, cancels: "where the workers are" },
  { name: "thieves", tasks: 30_000, longOneIn: 200 },
  { name: "priorities", tasks: 20_000, priorities: true, longOneIn: 1_000 },
  { name: "aborts", tasks: 20_000, aborts: true, longOneIn: 1_000 },
  {
    name: "all together",
    tasks: 20_000,
    cancels: "at random",
    longOneIn: 400,
    priorities: true,
    aborts: true,
  },
  {
    name: "all together, several on each worker",
    tasks: 10_000,
    tasksPerWorker: 4,
    cancels: "at random",
    longOneIn: 400,
    waitingOneIn: 100,
    priorities: true,
    aborts: true,
  },
];

/** How a task must have ended. */
type End = "run" | "cancelled" | "aborted";

// The cells are a global of the worker: an argument would be cloned for each task.
type Scope = { cells: Int32Array };

function keepCells(cells: Int32Array): void {
  (globalThis as unknown as Scope).cells = cells;
}

function short(i: number): number {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  return i;
}

/** Takes some microseconds. */
function brief(i: number): number {
  const { cells } = globalThis as unknown as Scope;
  Atomics.add(cells, i, 1);
  for (let n = 0; n < 400; n++) Atomics.load(cells, i);
  return i;
}

function long(i: number): number {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  const end = performance.now() + 1 + i % 3;
  while (performance.now() < end);
  return i;
}

/** Short mostly and sometimes long: what was measured of it misleads. */
function moody(i: number): number {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  const end = i % 500 === 499 ? performance.now() + 15 : 0;
  while (performance.now() < end);
  return i;
}

async function waiting(i: number): Promise<number> {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  await new Promise((resolve) => setTimeout(resolve, 1));
  return i;
}

/** A turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** One wave of tasks, from the first cell on. */
class Wave {
  readonly #storm: Storm;
  readonly #random: Random;
  readonly #cells: Int32Array;
  readonly #first: number;
  readonly #futures: Future<number>[] = [];
  readonly #controllers: AbortController[] = [];
  /** By task: which controller aborts it. */
  readonly #abortable = new Map<number, AbortController>();
  readonly #cancelled = new Set<number>();

  constructor(storm: Storm, random: Random, cells: Int32Array, first: number) {
    this.#storm = storm;
    this.#random = random;
    this.#cells = cells;
    this.#first = first;
  }

  submit(executor: Executor): void {
    const { cancels, longOneIn, waitingOneIn, priorities, aborts } = this.#storm;
    const random = this.#random;
    const usual = cancels === "where the workers are" || random.oneIn(2) ? brief : short;
    for (let i = 0; i < 20; i++) this.#controllers.push(new AbortController());
    for (let i = 0; i < WAVE; i++) {
      const task: (i: number) => number | Promise<number> =
        longOneIn !== undefined && random.oneIn(longOneIn)
          ? random.oneIn(2) ? long : moody
          : waitingOneIn !== undefined && random.oneIn(waitingOneIn)
          ? waiting
          : usual;
      let target = executor;
      if (priorities && random.oneIn(3)) {
        target = target.with({ priority: random.below(5) - 2 });
      }
      if (aborts && random.oneIn(10)) {
        const controller = this.#controllers[random.below(20)]!;
        this.#abortable.set(i, controller);
        target = target.with({ signal: controller.signal });
      }
      this.#futures.push(target.submit(task, this.#first + i));
    }
  }

  /** Cancels and aborts while the workers are at it. */
  async disturb(): Promise<void> {
    const { cancels, aborts } = this.#storm;
    if (cancels === "where the workers are") return await this.#race();
    const random = this.#random;
    const order = this.#futures.map((_, i) => i);
    if (cancels === "newest first") order.reverse();
    if (cancels === "at random") random.shuffle(order);
    const pauses = 1 + random.below(30);
    for (const [n, i] of order.entries()) {
      if (cancels && random.oneIn(3) && this.#futures[i]!.cancel()) this.#cancelled.add(i);
      if (!random.oneIn(Math.ceil(WAVE / pauses))) continue;
      if (aborts) this.#controllers[random.below(20)]!.abort(n);
      await turn();
    }
  }

  /** Cancels what a worker is about to begin: claim against claim. */
  async #race(): Promise<void> {
    const random = this.#random;
    while (this.#futures.some((future) => !future.done())) {
      const end = performance.now() + 1;
      for (let edge = 0; performance.now() < end;) {
        // The end of a row that has run: its worker is there now. There are several.
        if (edge >= WAVE - 3 || !this.#hasRun(edge)) edge = random.below(WAVE - 3);
        const start = edge;
        while (edge < WAVE - 3 && this.#hasRun(edge)) edge++;
        if (edge === start) continue;
        const next = edge + random.below(3);
        if (this.#futures[next]!.cancel()) this.#cancelled.add(next);
        else edge = next;
      }
      await turn();
    }
  }

  #hasRun(i: number): boolean {
    return Atomics.load(this.#cells, this.#first + i) > 0;
  }

  /** Waits for all of them; tells how each has ended. */
  async ends(): Promise<End[]> {
    return await Promise.all(this.#futures.map(async (future, i): Promise<End> => {
      try {
        assertEquals(await future, this.#first + i);
      } catch (error) {
        if (this.#cancelled.has(i)) {
          assert(future.cancelled(), `task ${i} is not cancelled`);
          return "cancelled";
        }
        const signal = this.#abortable.get(i)?.signal;
        if (!signal?.aborted || signal.reason !== error) throw error;
        // One that had begun may have run, or been stopped before it counted.
        return future.cancelled() ? "cancelled" : "aborted";
      }
      assert(!this.#cancelled.has(i), `task ${i} was cancelled and has a result`);
      return "run";
    }));
  }
}

for (const kind of EXECUTORS.slice(0, 2)) {
  for (const storm of STORMS) {
    const tasks = Math.ceil(STRESS * storm.tasks / (kind.shared ? 1 : 5) / WAVE) * WAVE;
    test(`each of ${tasks} tasks runs once: ${storm.name} [${kind.name}]`, async () => {
      const cells = new Int32Array(new SharedArrayBuffer(4 * tasks));
      const executor = kind.create({
        maxWorkers: 3,
        initializer: keepCells,
        initargs: [cells],
        grace: 2_000, // no task is busy for so long: no worker is stopped
        ...(storm.tasksPerWorker === undefined ? {} : { tasksPerWorker: storm.tasksPerWorker }),
      });
      assert(executor instanceof ThreadPoolExecutor);
      await executor.warmUp();
      const random = new Random(SEED);
      const ends: End[] = [];
      for (let first = 0; first < tasks; first += WAVE) {
        const wave = new Wave(storm, random, cells, first);
        wave.submit(executor);
        await wave.disturb();
        ends.push(...await wave.ends());
      }
      const stats = executor.stats();
      await executor.shutdown();

      // Only now: what runs too late is found too.
      const wrong: string[] = [];
      for (const [i, end] of ends.entries()) {
        const runs = Atomics.load(cells, i);
        const right = end === "run" ? runs === 1 : end === "cancelled" ? runs === 0 : runs <= 1;
        if (!right) wrong.push(`task ${i}: ${end}, and has run ${runs} times`);
      }
      assertEquals(wrong.slice(0, 10), [], `SEED=${SEED}`);
      assertEquals(ends.length, tasks);
      assertEquals([stats.pending, stats.running, stats.crashed], [0, 0, 0]);
      assertEquals(stats.cancelled, ends.filter((end) => end === "cancelled").length);
      assertEquals(stats.completed + stats.failed, tasks - stats.cancelled);
    }, {
      deadline: 30_000 * Math.max(1, STRESS),
      skip: kind.name === "ThreadPoolExecutor" && !kind.shared
        ? "memory is not shared here"
        : undefined,
    });
  }
}
