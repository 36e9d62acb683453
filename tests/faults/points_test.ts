/**
 * The matrix of failure points: each way in which a worker can end, at each point on the way of a task, on
 * fake workers, where every point can be met exactly. CPython's deadlock tests, taken further.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  BrokenExecutorError,
  type Future,
  ShutdownError,
  ThreadPoolExecutor,
  WorkerCrashError,
} from "../../mod.ts";
import { FakeRuntime, type FakeWorker, type Memory, tick } from "../engine/fake_runtime.ts";
import { test } from "../harness.ts";

/** Tasks in front of the one that meets the point, and as many behind. */
const NEIGHBOURS = 3;

interface Scope {
  points: { readonly runs: number[]; readonly gate: PromiseWithResolvers<void> };
}

function quick(i: number): number {
  const { runs } = (globalThis as unknown as Scope).points;
  runs[i] = (runs[i] ?? 0) + 1;
  return 2 * i;
}

/** What it says of its own has to come first: its outcome is not to be seen before. */
function loud(this: { report(value: unknown): void }, i: number): number {
  const { runs } = (globalThis as unknown as Scope).points;
  runs[i] = (runs[i] ?? 0) + 1;
  this.report(i);
  return 2 * i;
}

async function held(i: number): Promise<number> {
  const { runs, gate } = (globalThis as unknown as Scope).points;
  runs[i] = (runs[i] ?? 0) + 1;
  await gate.promise;
  return 2 * i;
}

function trapped(i: number, _trap: unknown): number {
  const { runs } = (globalThis as unknown as Scope).points;
  runs[i] = (runs[i] ?? 0) + 1;
  return 2 * i;
}

/** An executor, its fake workers, and the tasks that it was given. */
class Scene {
  readonly runtime: FakeRuntime;
  readonly executor: ThreadPoolExecutor;
  readonly futures: Future<number>[] = [];
  readonly ends: Promise<void>[] = [];
  readonly points: Scope["points"] = { runs: [], gate: Promise.withResolvers() };
  readonly memory: Memory;
  /** `terminate()` was called. */
  terminated = false;
  readonly #started = new Set<FakeWorker>();

  constructor(memory: Memory, initializer: boolean) {
    (globalThis as unknown as Scope).points = this.points;
    this.memory = memory;
    this.runtime = new FakeRuntime(memory);
    this.executor = new ThreadPoolExecutor({
      maxWorkers: 1,
      runtime: this.runtime,
      ...(initializer
        ? { initializer: () => (globalThis as unknown as Scope).points.gate.promise }
        : {}),
    });
  }

  submit(
    task: (this: { report(value: unknown): void }, i: number) => number | Promise<number>,
    count = 1,
  ): void {
    for (let n = 0; n < count; n++) {
      this.futures.push(this.executor.submit(task, this.futures.length));
    }
  }

  /** The worker that lives, which has started and been set up. */
  async boot(): Promise<FakeWorker> {
    await tick();
    const worker = this.runtime.workers.find(({ dead }) => !dead)!;
    this.#start(worker);
    worker.reply(); // it listens
    worker.receive(); // how it is set up
    await tick();
    return worker;
  }

  #start(worker: FakeWorker): void {
    if (this.#started.has(worker) || worker.dead) return;
    this.#started.add(worker);
    worker.start();
  }

  /** Lets everything go on until all is settled. */
  async settle(): Promise<void> {
    this.points.gate.resolve();
    for (let round = 0; round < 10; round++) {
      await tick();
      for (const worker of this.runtime.workers) this.#start(worker);
      await this.runtime.settle();
    }
  }
}

/** A point on the way of a task. */
interface Point {
  readonly name: string;
  /** Brings the scene to the point and lets `fault` happen there. */
  meet(scene: Scene, fault: (worker: FakeWorker) => void): Promise<void>;
  /** How many tasks fail of it, where it is known which have begun. */
  readonly lost: number;
  readonly initializer?: boolean;
  readonly shutsDown?: boolean;
}

const POINTS: readonly Point[] = [
  {
    name: "while an argument is encoded",
    lost: 0,
    async meet(scene, fault) {
      scene.submit(quick, NEIGHBOURS);
      const worker = await scene.boot();
      const trap = {
        get value() {
          // Its end is told in a turn of its own.
          queueMicrotask(() => fault(worker));
          return 1;
        },
      };
      const index = scene.futures.length;
      scene.futures.push(scene.executor.submit(trapped, index, trap));
      scene.submit(quick, NEIGHBOURS);
    },
  },
  {
    name: "before its message is decoded",
    lost: 0,
    async meet(scene, fault) {
      scene.submit(quick, 2 * NEIGHBOURS);
      const worker = await scene.boot();
      assert(worker.inbox.length > 0, "nothing was sent");
      fault(worker);
    },
  },
  {
    name: "while it initializes",
    lost: 0,
    initializer: true,
    async meet(scene, fault) {
      scene.submit(quick, 2 * NEIGHBOURS);
      fault(await scene.boot());
    },
  },
  {
    name: "while a task runs",
    lost: 1,
    async meet(scene, fault) {
      scene.submit(held);
      scene.submit(quick, 2 * NEIGHBOURS);
      const worker = await scene.boot();
      while (worker.receive());
      assertEquals(scene.points.runs, [1]);
      fault(worker);
    },
  },
  {
    name: "while its reply is on its way",
    lost: 1,
    async meet(scene, fault) {
      scene.submit(loud, 2 * NEIGHBOURS);
      const worker = await scene.boot();
      while (worker.receive());
      assertEquals(scene.points.runs, [1]);
      assert(worker.outbox.length > 0, "nothing was said");
      fault(worker);
    },
  },
  {
    name: "while its reply is on its way, and what it tells can be seen",
    lost: 0,
    async meet(scene, fault) {
      scene.submit(quick, 2 * NEIGHBOURS);
      const worker = await scene.boot();
      while (worker.receive());
      assertEquals(scene.points.runs, [1]);
      fault(worker);
    },
  },
  {
    name: "when its reply has just arrived",
    lost: 0,
    async meet(scene, fault) {
      scene.submit(quick, 2 * NEIGHBOURS);
      const worker = await scene.boot();
      while (worker.receive());
      while (worker.reply());
      assertEquals(await scene.futures[0], 0);
      fault(worker);
    },
  },
  {
    name: "while it is idle",
    lost: 0,
    async meet(scene, fault) {
      scene.submit(quick, NEIGHBOURS);
      const worker = await scene.boot();
      await scene.runtime.settle();
      assertEquals(scene.executor.stats().idle, 1);
      fault(worker);
      if (!scene.terminated) scene.submit(quick, NEIGHBOURS);
    },
  },
  {
    name: "while it shuts down with a task",
    lost: 1,
    shutsDown: true,
    async meet(scene, fault) {
      scene.submit(held);
      scene.submit(quick, NEIGHBOURS);
      const worker = await scene.boot();
      while (worker.receive());
      scene.ends.push(scene.executor.shutdown());
      await tick();
      fault(worker);
    },
  },
  {
    name: "while it shuts down with nothing to do",
    lost: 0,
    shutsDown: true,
    async meet(scene, fault) {
      scene.submit(quick, NEIGHBOURS);
      const worker = await scene.boot();
      await scene.runtime.settle();
      scene.ends.push(scene.executor.shutdown());
      fault(worker);
    },
  },
];

/** A way to end. */
interface Ending {
  readonly name: string;
  cause(worker: FakeWorker, scene: Scene): void;
  /** The worker tells it itself, after all that it has said before. */
  readonly tells?: boolean;
}

const ENDINGS: readonly Ending[] = [
  { name: "it exits", cause: (worker) => worker.die(3) },
  { name: "it is killed", cause: (worker) => worker.die(undefined) },
  {
    name: "it throws outside of a task",
    cause: (worker) => worker.uncaughtError(new RangeError("outside")),
    tells: true,
  },
  {
    name: "it reports an error and exits",
    cause(worker) {
      worker.events.error(new RangeError("outside"));
      worker.die(1);
    },
  },
  { name: "a message of it cannot be read", cause: (worker) => worker.events.messageError() },
  {
    name: "terminate() is called",
    cause(_worker, scene) {
      scene.terminated = true;
      scene.ends.push(scene.executor.terminate());
    },
  },
];

/** Checks how a task has ended. True if it was lost. */
function check(scene: Scene, point: Point, index: number, error: unknown): boolean {
  const future = scene.futures[index]!;
  const runs = scene.points.runs[index] ?? 0;
  const what = `task ${index} has run ${runs} times and ended with ${error ?? "a value"}`;
  assert(runs <= 1, what);
  if (error === undefined) {
    assertEquals(runs, 1, what);
    return false;
  }
  if (future.cancelled()) {
    assert(scene.terminated && runs === 0, what);
    return false;
  }
  assertInstanceOf(error, BrokenExecutorError, what);
  if (scene.terminated) return false;
  if (point.initializer) {
    assertEquals(runs, 0, what);
    return false;
  }
  assertInstanceOf(error, WorkerCrashError, what);
  // Where nothing tells which have begun, what was sent counts as begun.
  assert(runs === 1 || scene.memory === "none", what);
  return true;
}

async function run(point: Point, ending: Ending, memory: Memory): Promise<void> {
  const scene = new Scene(memory, point.initializer ?? false);
  const { executor, futures } = scene;
  let caused = false;
  await point.meet(scene, (worker) => {
    if (caused) return; // it is encoded anew for another worker
    caused = true;
    ending.cause(worker, scene);
  });
  await scene.settle();
  assert(caused, "the point was not met");
  assertEquals(futures.filter((future) => !future.done()).length, 0, "futures that do not settle");

  let lost = 0;
  for (const [index, future] of futures.entries()) {
    let error: unknown;
    try {
      assertEquals(await future, 2 * index);
    } catch (reason) {
      error = reason;
    }
    if (check(scene, point, index, error)) lost++;
  }
  if (memory !== "none" && !scene.terminated) {
    const arrives = ending.tells && point.name === "while its reply is on its way";
    assertEquals(lost, arrives ? 0 : point.lost, "tasks that fail");
  }

  const works = (): Future<number> => executor.submit(quick, 100);
  if (scene.terminated || point.shutsDown) assertThrows(works, ShutdownError);
  else if (point.initializer && executor.stats().workers === 0) {
    assertThrows(works, BrokenExecutorError);
  } else {
    const future = works();
    await scene.settle();
    assertEquals(await future, 200);
  }
  scene.ends.push(executor.shutdown());
  await scene.settle();
  await Promise.all(scene.ends);
  const { workers, pending, running } = executor.stats();
  assertEquals([workers, pending, running], [0, 0, 0], "what is left");
}

for (const memory of ["shared", "none", "counted"] as const) {
  for (const point of POINTS) {
    for (const ending of ENDINGS) {
      test(`${ending.name} ${point.name} [memory: ${memory}]`, () => run(point, ending, memory));
    }
  }
}
