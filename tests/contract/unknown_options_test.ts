import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  asCompleted,
  createExecutor,
  FutureSource,
  InlineExecutor,
  Pool,
  ProcessPoolExecutor,
  ThreadPool,
  ThreadPoolExecutor,
  wait,
} from "../../mod.ts";
import { nearest } from "../../src/futures/known_options.ts";
import { test } from "../harness.ts";
import { NO_PROCESSES } from "./executors.ts";

type Options = Record<string, unknown>;

const double = (x: number): number => 2 * x;

/** Refuses each of these options, and names what was probably meant. */
function refuses(use: (options: never) => unknown, pairs: Record<string, string>): void {
  for (const [wrong, right] of Object.entries(pairs)) {
    const error = assertThrows(() => use({ [wrong]: 1 } as never), TypeError);
    assertMatch(error.message, new RegExp(`^Cannot use ${wrong}: .* did you mean ${right}\\?$`));
  }
}

const OF_WORKERS = {
  max_workers: "maxWorkers",
  maxWorker: "maxWorkers",
  MaxWorkers: "maxWorkers",
  workers: "maxWorkers",
  processes: "maxWorkers",
  thread_name_prefix: "threadNamePrefix",
  max_tasks_per_child: "maxTasksPerChild",
  initArgs: "initargs",
  initialiser: "initializer",
  idleTimeoutMs: "idleTimeout",
  timeoutMs: "idleTimeout",
  oncrash: "onCrash",
  taskPerWorker: "tasksPerWorker",
};

test("executors refuse options that do not exist, and name the nearest", () => {
  refuses((options) => new ThreadPoolExecutor(options), OF_WORKERS);
  refuses((options) => new ThreadPoolExecutor({ resourceLimits: options }), {
    maxOldGenerationSizeMB: "maxOldGenerationSizeMb",
    stackSize: "stackSizeMb",
  });
  refuses((options) => new ThreadPoolExecutor({ permissions: options }), { reads: "read" });
  refuses((options) => new InlineExecutor(options), { max_workers: "maxWorkers", clones: "clone" });
  refuses((options) => createExecutor(options), { max_workers: "maxWorkers" });
});

test("ProcessPoolExecutor refuses options that do not exist, and names the nearest", () => {
  refuses((options) => new ProcessPoolExecutor(options), {
    ...OF_WORKERS,
    mp_context: "command",
    cwdir: "cwd",
  });
  refuses((options) => new ProcessPoolExecutor({ command: options }), { arg: "args" });
}, { skip: NO_PROCESSES });

test("methods of executors refuse options that do not exist, before anything starts", async () => {
  await using executor = new InlineExecutor();
  refuses((options) => executor.with(options), { timeoutMs: "timeout", onprogress: "onProgress" });
  refuses((options) => executor.map(double, [1], options), {
    chunksize: "chunkSize",
    buffer_size: "bufferSize",
    settle: "settled",
  });
  refuses((options) => executor.shutdown(options), { cancel_futures: "cancelFutures" });
  assertEquals(executor.stats().pending, 0);
  assertEquals(await executor.submit(double, 2), 4); // still open
});

test("waits refuse options that do not exist, and name the nearest", () => {
  const { future } = new FutureSource<number>();
  const pairs = { timeoutMs: "timeout", Signal: "signal", abort_signal: "signal" };
  refuses((options) => wait([future], options), { ...pairs, return_when: "returnWhen" });
  refuses((options) => asCompleted([future], options), pairs);
  refuses((options) => future.result(options), pairs);
  refuses((options) => future.exception(options), pairs);
});

for (const Class of [ThreadPool, Pool]) {
  test(`${Class.name} refuses options that do not exist, and names the nearest`, async () => {
    refuses((options) => new Class(options), {
      max_workers: "processes",
      maxWorkers: "processes",
      process: "processes",
      maxtasksperchild: "maxTasksPerChild",
    });
    await using pool = new Class(1);
    const callbacks = { error_callback: "errorCallback", callBack: "callback" };
    const chunks = { chunksize: "chunkSize" };
    refuses((options) => pool.applyAsync(double, [1], options), callbacks);
    refuses((options) => pool.mapAsync(double, [1], options), { ...chunks, ...callbacks });
    refuses((options) => pool.starmapAsync(double, [[1]], options), { ...chunks, ...callbacks });
    refuses((options) => pool.imap(double, [1], options), { ...chunks, buffersize: "bufferSize" });
    refuses((options) => pool.imapUnordered(double, [1], options), chunks);
    refuses((options) => pool.applyAsync(double, [1]).get(options), { timeouts: "timeout" });
    const error = await pool.imap(double, [1]).next({ timeoutMs: 1 } as never).catch((e) => e);
    assertMatch(String(error), /^TypeError: Cannot use timeoutMs: next has no such option/);
  }, { skip: Class === Pool ? NO_PROCESSES : false });
}

test("an option that is like none is told with all there are", () => {
  assertThrows(
    () => new InlineExecutor({ colour: "red" } as never),
    TypeError,
    "Cannot use colour: InlineExecutor has no such option; it takes maxWorkers, clone, waitUntil",
  );
});

test("options are own enumerable properties: what is inherited or hidden is not looked at", () => {
  class Settings {
    maxWorkers: number | undefined = undefined;
    get other(): never {
      throw new Error("looked at");
    }
  }
  new InlineExecutor(new Settings());
  const hidden: Options = Object.create({ inherited: 1 }, { own: { value: 1 } });
  new InlineExecutor({ ...hidden, [Symbol("key")]: 1 } as never);
  new InlineExecutor(hidden);
  new InlineExecutor({ max_workers: undefined } as never); // asks for nothing
});

test("nearest() is quick and sure of itself whatever it is given", () => {
  for (const name of ["", "_", "__proto__", "constructor", "x".repeat(100_000), "👍"]) {
    assertEquals(nearest(name, ["maxWorkers", "clone"]), undefined, name.slice(0, 20));
  }
});
