/** What pages have, and other runtimes have not, under no policy. @module */

import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import {
  BrokenThreadPoolError,
  importTasks,
  InlineExecutor,
  namedTasks,
  ThreadPoolExecutor,
  WorkerCrashError,
} from "../../mod.ts";
import { detectRuntime, type Runtime } from "../../src/runtime/mod.ts";
import { until } from "../contract/executors.ts";
import { NO_LOCKS, ownWorker, StartedWorkers, testInPage } from "./pages.ts";

const named = namedTasks<typeof import("./own_tasks.ts")>();
const moduleUrl = import.meta.resolve("./own_tasks.ts");

/** Workers that can end without the library's program hearing of it. */
function withSilentEnds(): Runtime {
  const runtime = detectRuntime();
  const head = "globalThis.endSilently = close.bind(globalThis);\n";
  return {
    ...runtime,
    spawn: (options, events) =>
      runtime.spawn({ ...options, program: head + options.program }, events),
  };
}

function endSilently(): Promise<void> {
  (globalThis as unknown as { endSilently(): void }).endSilently();
  return new Promise(() => {});
}

/** The `blob:` URLs that were made and not revoked. */
class LiveUrls implements Disposable {
  readonly urls = new Set<string>();
  made = 0;
  readonly #create = URL.createObjectURL;
  readonly #revoke = URL.revokeObjectURL;

  constructor() {
    URL.createObjectURL = (blob) => {
      const url = this.#create.call(URL, blob);
      this.urls.add(url);
      this.made++;
      return url;
    };
    URL.revokeObjectURL = (url) => {
      this.urls.delete(url);
      this.#revoke.call(URL, url);
    };
  }

  [Symbol.dispose](): void {
    URL.createObjectURL = this.#create;
    URL.revokeObjectURL = this.#revoke;
  }
}

// --- capabilities ---

testInPage("memory is shared where the page is cross-origin isolated, and only there", async () => {
  await using executor = new ThreadPoolExecutor(1);
  assertEquals(executor.capabilities, {
    parallel: true,
    stopsBusyTasks: true,
    sharedMemory: crossOriginIsolated,
    sandbox: false,
  });
  assertEquals(crossOriginIsolated, "SharedArrayBuffer" in globalThis);
  await using inline = new InlineExecutor();
  const memory = new Uint8Array(new (crossOriginIsolated ? SharedArrayBuffer : ArrayBuffer)(1));
  const clone = await inline.submit((bytes: Uint8Array) => [bytes], memory);
  memory[0] = 7;
  assertEquals(inline.capabilities.sharedMemory, clone[0]![0] === 7);
  assertEquals(await executor.submit(() => self.crossOriginIsolated), crossOriginIsolated);
});

testInPage("options that workers of browsers do not have are refused", async () => {
  for (const options of [{ env: {} }, { resourceLimits: {} }, { permissions: "none" as const }]) {
    const [name] = Object.keys(options);
    await assertRejects(
      // deno-lint-ignore require-await -- it must not start at all
      async () => new ThreadPoolExecutor(options),
      Error,
      `Cannot use ${name}`,
    );
  }
});

// --- silent deaths ---

testInPage("a worker that ends silently fails its task alone, and is replaced", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime: withSilentEnds() });
  const dead = executor.submit(endSilently);
  const behind = [1, 2, 3].map((x) => executor.submit((x: number) => x, x));
  assertInstanceOf(await dead.exception(), WorkerCrashError);
  // Without shared memory nobody knows whether the next one had begun.
  const first = await behind[0]!.then((value) => value, (error) => error);
  if (crossOriginIsolated || !(first instanceof WorkerCrashError)) assertEquals(first, 1);
  assertEquals([await behind[1], await behind[2]], [2, 3]);
  assertEquals(executor.stats().crashed, 1);
}, { skip: NO_LOCKS });

testInPage("a worker that ends silently while it is idle is missed and replaced", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime: withSilentEnds() });
  await executor.submit(() => {
    setTimeout((globalThis as unknown as { endSilently(): void }).endSilently, 5);
  });
  await until(() => executor.stats().crashed === 1);
  assertEquals(await executor.submit((x: number) => x, 1), 1);
}, { skip: NO_LOCKS });

testInPage("self.close() is told, also by a page without locks", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const error = await executor.submit(() => {
    self.close();
    return new Promise<void>(() => {});
  }).exception();
  assertInstanceOf(error, WorkerCrashError);
  assertEquals(error.exitCode, 0);
  assertEquals(await executor.submit((x: number) => x, 1), 1);
});

testInPage("a rejection that nobody handles is told, with its reason as cause", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const error = await executor.submit(() => {
    Promise.reject(new RangeError("nobody's"));
    return new Promise<void>(() => {});
  }).exception();
  assertInstanceOf(error, WorkerCrashError);
  assertInstanceOf(error.cause, RangeError);
  assertEquals(error.cause.message, "nobody's");
  assertEquals(await executor.submit((x: number) => x, 1), 1);
});

testInPage("an error that a module's task throws later is told, in every browser", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const { strayLater } = importTasks<typeof import("./own_tasks.ts")>(moduleUrl);
  const error = await executor.submit(strayLater).exception();
  assertInstanceOf(error, WorkerCrashError);
  assertInstanceOf(error.cause, RangeError);
  assertEquals(error.cause.message, "stray");
});

// --- blob: URLs ---

testInPage("every blob: URL is revoked, however its worker ends", async () => {
  using live = new LiveUrls();
  {
    await using executor = new ThreadPoolExecutor(2);
    await executor.warmUp();
    await executor.submit(() => self.close()).exception();
    await executor.submit(() => {});
  }
  const { made } = live;
  const starting = new ThreadPoolExecutor(1);
  starting.submit(() => {}).catch(() => {});
  await until(() => live.made > made); // its worker starts now
  await starting.terminate();
  assertEquals([...live.urls], []);
});

testInPage("a worker starts from a text of its own, which does not grow", async () => {
  using started = new StartedWorkers();
  await using executor = new ThreadPoolExecutor(2);
  await executor.warmUp();
  assertEquals(started.urls.length, 2);
  for (const url of started.urls) assertMatch(url, /^blob:/);
});

// --- workers of the user's own ---

testInPage("worker() starts a module of the page's own, which serves named tasks", async () => {
  using started = new StartedWorkers();
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 2,
    threadNamePrefix: "own",
    worker: ownWorker,
  });
  assertEquals(await executor.submit(named.add, 1, 2), 3);
  assertMatch(await executor.submit(named.whoAmI), /^own_\d$/);
  assertEquals(await executor.map(named.add, [1, 2], [10, 20]).toArray(), [11, 22]);
  const error = await executor.submit(named.fail, "named").exception() as Error;
  assertInstanceOf(error, RangeError);
  assertInstanceOf(error.cause, TypeError);
  for (const url of started.urls) assertMatch(url, /\/own_worker\.ts$/);
});

testInPage("worker() that ends by self.close(), or by a stray error, is replaced", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, worker: ownWorker });
  assertInstanceOf(await executor.submit(named.leave).exception(), WorkerCrashError);
  const error = await executor.submit(named.stray).exception();
  assertInstanceOf(error, WorkerCrashError);
  assertInstanceOf(error.cause, RangeError);
  assertEquals(await executor.submit(named.add, 1, 2), 3);
});

testInPage(
  "worker() whose file is missing, or wrong, breaks the executor and says why",
  async () => {
    for (const file of ["./missing.ts", "/docs/faults.md"]) {
      await using executor = new ThreadPoolExecutor({
        maxWorkers: 2,
        worker: () => new Worker(new URL(file, import.meta.url), { type: "module" }),
      });
      const error = await executor.submit(named.add, 1, 2).exception();
      assertInstanceOf(error, BrokenThreadPoolError);
      assertInstanceOf(error.cause, Error);
      assertMatch(error.cause.message, /^Cannot load the worker that worker\(\) made/);
    }
  },
);

// --- modules ---

testInPage("modules of tasks come from this origin, from another, and from data:", async () => {
  const elsewhere = new URL(moduleUrl);
  elsewhere.hostname = "localhost";
  assert(elsewhere.origin !== location.origin);
  const data = "data:text/javascript,export const add = (a, b) => a + b";
  await using executor = new ThreadPoolExecutor(1);
  for (const url of [moduleUrl, elsewhere, data]) {
    const { add } = importTasks<typeof import("./own_tasks.ts")>(url);
    assertEquals(await executor.submit(add, 1, 2), 3);
  }
  // Each is a module of its own.
  const here = importTasks<typeof import("./own_tasks.ts")>(moduleUrl);
  await executor.submit(here.storeIn, "stored", 7);
  assertEquals(await executor.submit(here.loadFrom, "stored"), 7);
});
