import { assert, assertEquals, assertRejects } from "@std/assert";
import { BrokenExecutorError, ThreadPoolExecutor } from "../../mod.ts";
import type { TaskBackend } from "../../src/backend/task_backend.ts";
import type { Future } from "../../src/futures/future.ts";
import { TaskPlaces } from "../../src/remote/task_places.ts";
import { test } from "../harness.ts";

function run(places: TaskPlaces, key: string, task: unknown, ...args: unknown[]): Promise<unknown> {
  const submit = (backend: TaskBackend): Future<unknown> => backend.submit(task, args, undefined);
  return places.run(key, submit, () => {});
}

/** Waits until so many have come, and blocks its thread. */
function meet(memory: SharedArrayBuffer, count: number): number {
  const here = new Int32Array(memory);
  Atomics.add(here, 0, 1);
  Atomics.notify(here, 0);
  for (let seen = 0; (seen = Atomics.load(here, 0)) < count;) Atomics.wait(here, 0, seen);
  return count;
}

function double(x: number): number {
  return 2 * x;
}

test(
  "short tasks share the few threads; those with places of their own are not even started",
  async () => {
    const [wide, shared] = [new ThreadPoolExecutor(6), new ThreadPoolExecutor(1)];
    const places = new TaskPlaces(wide, shared);
    try {
      for (let i = 0; i < 20; i++) assertEquals(await run(places, "double", double, i), 2 * i);
      assertEquals(shared.stats().workers, 1);
    } finally {
      await places.end();
      await wide.terminate();
    }
  },
  { deadline: 60_000 },
);

test(
  "tasks that block have a thread each, though they were thought to be short; each runs once",
  async () => {
    const [wide, shared] = [new ThreadPoolExecutor(6), new ThreadPoolExecutor(1)];
    const places = new TaskPlaces(wide, shared);
    try {
      await run(places, "meet", double, 1); // it was short so far
      for (let round = 0; round < 2; round++) {
        const memory = new SharedArrayBuffer(4);
        const all = Array.from({ length: 6 }, () => run(places, "meet", meet, memory, 6));
        assertEquals(await Promise.all(all), [6, 6, 6, 6, 6, 6]);
        assertEquals(new Int32Array(memory)[0], 6);
      }
      assert(wide.stats().workers > 0);
      assertEquals(await run(places, "double", double, 4), 8);
    } finally {
      await places.end();
      await wide.terminate();
    }
  },
  { deadline: 60_000 },
);

test("a short task behind one that blocks does not wait for it", async () => {
  const [wide, shared] = [new ThreadPoolExecutor(2), new ThreadPoolExecutor(1)];
  const places = new TaskPlaces(wide, shared);
  try {
    const memory = new SharedArrayBuffer(4);
    const blocked = run(places, "meet", meet, memory, 2);
    assertEquals(await run(places, "double", double, 4), 8);
    Atomics.add(new Int32Array(memory), 0, 1);
    Atomics.notify(new Int32Array(memory), 0);
    assertEquals(await blocked, 2);
  } finally {
    await places.end();
    await wide.terminate();
  }
}, { deadline: 60_000 });

test(
  "where the shared threads do not start, tasks have others; a task's own error is its own",
  async () => {
    const wide = new ThreadPoolExecutor(2);
    const shared = new ThreadPoolExecutor({
      maxWorkers: 1,
      initializer: () => {
        throw new Error("not here");
      },
    });
    const places = new TaskPlaces(wide, shared);
    const { error } = console;
    console.error = () => {}; // the initializer's is printed
    try {
      const all = [1, 2, 3].map((x) => run(places, "double", double, x));
      assertEquals(await Promise.all(all), [2, 4, 6]);
      const fail = (): never => {
        throw new RangeError("own");
      };
      await assertRejects(() => run(places, "fail", fail), RangeError, "own");
    } finally {
      console.error = error;
      await places.end();
      await wide.terminate();
    }
  },
  { deadline: 60_000 },
);

test("a task that runs on a shared thread at the end is not run again on another", async () => {
  const [wide, shared] = [new ThreadPoolExecutor(2), new ThreadPoolExecutor(1)];
  const places = new TaskPlaces(wide, shared);
  try {
    const memory = new SharedArrayBuffer(4);
    const here = new Int32Array(memory);
    const ended = assertRejects(() => run(places, "meet", meet, memory, 9), BrokenExecutorError);
    while (Atomics.load(here, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await places.end();
    await ended;
    assertEquals([here[0], wide.stats().workers], [1, 0]);
  } finally {
    await places.end();
    await wide.terminate();
  }
}, { deadline: 60_000 });
