/** Callbacks run in the async context of whoever registered them, and inline tasks in that of their submit. @module */

import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import { assertEquals } from "@std/assert";
import {
  FutureSource,
  InlineExecutor,
  type TaskContext,
  ThreadPool,
  ThreadPoolExecutor,
} from "../../mod.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import type { Runtime } from "../../src/runtime/mod.ts";
import { test } from "../harness.ts";

const storage = new AsyncLocalStorage<string>();
// On Deno workers are started in the context of the first executor: as in most programs, that of none.
new ThreadPoolExecutor(1);
const NAMES = ["A", "B", "C"];
const inEach = <R>(callback: (name: string) => R): R[] =>
  NAMES.map((name) => storage.run(name, () => callback(name)));

test("a done callback runs in the context of whoever added it, early or late", async () => {
  const source = new FutureSource<number>();
  const seen: (string | undefined)[] = [];
  const add = () => source.future.addDoneCallback(() => seen.push(storage.getStore()));
  inEach(add);
  add();
  storage.run("producer", () => source.setResult(1));
  await source.future;
  inEach(add);
  await null;
  assertEquals(seen, ["A", "B", "C", undefined, "A", "B", "C"]);
});

test("done callbacks of tasks do not see the context of whoever started the worker", async () => {
  const executor = storage.run("starter", () => {
    const executor = new ThreadPoolExecutor(1);
    executor.submit(() => 1);
    return executor;
  });
  const told = inEach(() =>
    new Promise((resolve) =>
      executor.submit(() => 1).addDoneCallback(() => resolve(storage.getStore()))
    )
  );
  assertEquals(await Promise.all(told), NAMES);
  await executor.shutdown();
});

test("onProgress runs in the context of with()", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const seen: unknown[] = [];
  const views = inEach(() => executor.with({ onProgress: () => seen.push(storage.getStore()) }));
  for (const view of views) {
    await view.submit(function (this: { report(x: number): void }) {
      this.report(1);
      this.report(2);
    });
  }
  assertEquals(seen, ["A", "A", "B", "B", "C", "C"]);
});

test("callback and errorCallback of a pool run in the context of the call", async () => {
  await using pool = new ThreadPool(1);
  const seen: unknown[] = [];
  const note = () => void seen.push(storage.getStore());
  const fail = () => {
    throw new Error("of the task");
  };
  for (const result of inEach(() => pool.applyAsync(() => 1, [], { callback: note }))) {
    await result.get();
  }
  for (const result of inEach(() => pool.applyAsync(fail, [], { errorCallback: note }))) {
    await result.wait();
  }
  assertEquals(seen, [...NAMES, ...NAMES]);
});

test("inputs of map() are read and closed in its context, whoever takes the results", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const seen = new Set<unknown>();
  function* plain() {
    try {
      for (let i = 0; i < 40; i++) {
        seen.add(storage.getStore());
        yield i;
      }
    } finally {
      seen.add(storage.getStore());
    }
  }
  async function* later() {
    for await (const i of plain()) {
      await null;
      yield i;
    }
  }
  for (const inputs of [plain, later]) {
    const results = storage.run("mapper", () => executor.map((x: number) => x, inputs()));
    await storage.run("taker", async () => {
      for await (const result of results) if (result === 20) break;
    });
  }
  assertEquals([...seen], ["mapper"]);
});

test("an input of map() that is closed while it makes an item is closed in its context", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const goOn = Promise.withResolvers<void>();
  const waits = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<unknown[]>();
  async function* inputs() {
    const seen: unknown[] = [];
    try {
      yield 1;
      waits.resolve();
      await goOn.promise;
      seen.push(storage.getStore());
      yield 2;
      seen.push("read on");
    } finally {
      seen.push(storage.getStore());
      await null;
      seen.push(storage.getStore());
      closed.resolve(seen);
    }
  }
  const results = storage.run("mapper", () => executor.map((x: number) => x, inputs()));
  await storage.run("taker", async () => {
    await waits.promise;
    await results.return();
    goOn.resolve();
  });
  assertEquals(await closed.promise, ["mapper", "mapper", "mapper"]);
});

test("inline tasks run in the context of their submit", async () => {
  await using executor = new InlineExecutor();
  const here = () => storage.getStore();
  const later = async () => {
    await null;
    return storage.getStore();
  };
  assertEquals(await Promise.all(inEach(() => executor.submit(here).result())), NAMES);
  assertEquals(await Promise.all(inEach(() => executor.submit(later).result())), NAMES);
  for (const result of inEach(() => executor.map(later, [1, 2, 3]).toArray())) {
    assertEquals(new Set(await result).size, 1);
  }
  const mapped = await Promise.all(inEach(() => executor.map(here, [1, 2]).toArray()));
  assertEquals(mapped, NAMES.map((name) => [name, name]));
  assertEquals(await executor.submit(here), undefined);
});

/** How a context is entered: each calls a function in one, and leaves it again. */
const WAYS: Record<string, <R>(callback: () => R) => R | Promise<R>> = {
  "no store": (callback) => callback(),
  "run()": (callback) => storage.run("A", callback),
  "run() in run()": (callback) => storage.run("A", () => storage.run("B", callback)),
  "run() of undefined": (callback) => storage.run("A", () => storage.run(undefined!, callback)),
  "exit()": (callback) => storage.run("A", () => storage.exit(callback)),
  "after run()": async (callback) => {
    storage.run("A", () => {});
    return await callback();
  },
  "enterWith()": async (callback) => {
    await null;
    storage.enterWith("late");
    return await callback();
  },
  "enterWith() of undefined": async (callback) => {
    await null;
    storage.enterWith("late");
    await null;
    storage.enterWith(undefined!);
    return await callback();
  },
  "a store of another": (callback) => new AsyncLocalStorage<string>().run("else", callback),
  "both": (callback) =>
    new AsyncLocalStorage<string>().run("else", () => storage.run("A", callback)),
  "snapshot()": (callback) =>
    storage.run("A", () => AsyncLocalStorage.snapshot())(
      (callback: () => never) => storage.run("B", () => {}) ?? callback(),
      callback as () => never,
    ),
  "a resource": (callback) => {
    const resource = storage.run("A", () => new AsyncResource("test"));
    return storage.run("B", () => resource.runInAsyncScope(callback));
  },
  "bindStore()": (callback) => {
    const bound = channel("test") as unknown as {
      bindStore?(storage: unknown): void;
      unbindStore(storage: unknown): void;
      runStores<R>(store: string, callback: () => R): R;
    };
    if (bound.bindStore === undefined) return callback();
    bound.bindStore(storage);
    try {
      return bound.runStores("bound", callback);
    } finally {
      bound.unbindStore(storage);
    }
  },
  "a timer": (callback) =>
    new Promise((resolve) => storage.run("A", () => setTimeout(() => resolve(callback()), 1))),
};

test("inline tasks see what a promise would, however their context was entered", async () => {
  await using executor = new InlineExecutor();
  const here = () => storage.getStore();
  const later = async () => {
    await null;
    return storage.getStore();
  };
  for (const among of [WAYS, Object.fromEntries(Object.entries(WAYS).toReversed())]) {
    const seen = Object.entries(among).map(async ([name, enter]) => {
      // Not a promise of them: a context is left when its function returns.
      const all = await enter(() => ({
        expected: Promise.resolve().then(here),
        others: [
          executor.submit(here).result(),
          executor.submit(later).result(),
          executor.map(here, [1]).toArray().then(([one]) => one),
          executor.submit(function (this: TaskContext) {
            return this.submit(() => 1);
          }).result().then(() => executor.submit(here).result()),
        ],
      }));
      const expected = await all.expected;
      assertEquals(await Promise.all(all.others), all.others.map(() => expected), name);
      return expected;
    });
    await Promise.all(seen);
  }
});

test("a store that is made after the executor, and first used late, is kept", async () => {
  await using executor = new InlineExecutor();
  assertEquals(await executor.submit(() => 1), 1);
  const late = new AsyncLocalStorage<string>();
  const here = () => late.getStore();
  const futures = [
    executor.submit(here),
    late.run("A", () => executor.submit(here)),
    executor.submit(here),
    late.run("B", () => executor.submit(here)),
  ];
  assertEquals(await Promise.all(futures), [undefined, "A", undefined, "B"]);
});

test("what is registered where there is no store sees none, whoever calls it", async () => {
  await using executor = new InlineExecutor();
  const seen: unknown[] = [];
  const note = () => void seen.push(storage.getStore());
  const view = executor.with({ onProgress: note });
  function* inputs() {
    for (let i = 0; i < 70; i++) {
      note();
      yield i;
    }
  }
  const results = executor.map((x: number) => x, inputs());
  await storage.run("A", async () => {
    await view.submit(function (this: TaskContext) {
      this.report(1);
    });
    for await (const _ of results);
  });
  assertEquals([...new Set(seen)], [undefined]);
  assertEquals(seen.length, 71);
});

test("listeners of an inline task's signal are called in its context", async () => {
  await using executor = new InlineExecutor();
  const controller = new AbortController();
  const begun: Promise<void>[] = [];
  const heard = inEach(() => {
    let begin!: () => void;
    begun.push(new Promise((resolve) => begin = resolve));
    return new Promise<unknown>((hear) => {
      executor.with({ signal: controller.signal }).submit(function (this: { signal: AbortSignal }) {
        begin();
        return new Promise<void>((end) =>
          this.signal.addEventListener("abort", () => {
            hear(storage.getStore());
            end();
          })
        );
      });
    });
  });
  await Promise.all(begun);
  controller.abort();
  assertEquals(await Promise.all(heard), NAMES);
});

test("workers are started in no context, whoever submits first", async () => {
  const seen: unknown[] = [];
  const { spawn, ...rest } = detectRuntime();
  const runtime: Runtime = {
    ...rest,
    spawn(...args) {
      seen.push(storage.getStore());
      return spawn(...args);
    },
  };
  await storage.run("A", async () => {
    await using executor = new ThreadPoolExecutor({ maxWorkers: 1, maxTasksPerChild: 1, runtime });
    assertEquals(await executor.submit(() => 1), 1);
    assertEquals(await executor.map((x: number) => x, [1, 2]).toArray(), [1, 2]);
    assertEquals(storage.getStore(), "A");
  });
  assertEquals(seen.length > 1, true);
  assertEquals(seen.filter((store) => store !== undefined), []);
});

test("currentTask() is that of the task, however many wait on one worker", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, tasksPerWorker: 8 });
  const url = new URL("../../src/worker/mod.ts", import.meta.url).href;
  const seen: unknown[] = [];
  const view = executor.with({ onProgress: (value) => seen.push(value) });
  const futures = Array.from({ length: 8 }, (_, i) =>
    view.submit(
      async (url: string, i: number) => {
        const { currentTask } = await import(url);
        const before = currentTask();
        await new Promise((resolve) => setTimeout(resolve, (8 - i) * 2));
        const after = currentTask();
        after?.report(i);
        return [before !== undefined, before === after || after?.signal === before?.signal];
      },
      url,
      i,
    ));
  for (const future of futures) assertEquals(await future, [true, true]);
  assertEquals(seen.toSorted(), [0, 1, 2, 3, 4, 5, 6, 7]);
});
