import { assertEquals } from "@std/assert";
import process from "node:process";
import {
  asCompleted,
  createExecutor,
  FutureSource,
  InlineExecutor,
  ThreadPool,
  ThreadPoolExecutor,
} from "../../mod.ts";
import { test } from "../harness.ts";
import { EXECUTORS, Gate, hold, IN_PAGE } from "./executors.ts";

interface Inspects {
  inspect(value: unknown, options?: { depth?: number }): string;
}

/** How this runtime's console shows a value; pages and edge runtimes show the object itself. */
const found = (globalThis as { Deno?: Inspects }).Deno ??
  (IN_PAGE
    ? undefined
    : process.getBuiltinModule?.("node:util") as unknown as Inspects | undefined);
const skip = found === undefined ? "its console does not ask objects what they are" : false;
const inspect: Inspects["inspect"] = (value, options) => found!.inspect(value, options);

function failed(error: unknown): FutureSource<unknown>["future"] {
  const source = new FutureSource<unknown>();
  source.setException(error);
  return source.future;
}

function finished(value: unknown): FutureSource<unknown>["future"] {
  const source = new FutureSource<unknown>();
  source.setResult(value);
  return source.future;
}

test("a future is printed with its state and what it came to", () => {
  const source = new FutureSource<number>();
  assertEquals(inspect(source.future), "Future { pending }");
  source.setRunningOrNotifyCancel();
  assertEquals(inspect(source.future), "Future { running }");
  source.setResult(42);
  assertEquals(inspect(source.future), "Future { finished, 42 }");
  const { future } = new FutureSource<number>();
  future.cancel();
  assertEquals(inspect(future), "Future { cancelled }");
  assertEquals(
    inspect(failed(new RangeError("too far"))),
    "Future { failed, RangeError: too far }",
  );
  assertEquals(inspect(failed(new Error(""))), "Future { failed, Error }");
  assertEquals(inspect(failed(7)), "Future { failed, 7 }");
}, { skip });

test("a future is printed inside of other values, no deeper than they are", () => {
  const deep = finished({ a: { b: { c: { d: { e: { f: 1 } } } } } });
  assertEquals(inspect(deep, { depth: 0 }), "Future { finished, [an object] }");
  assertEquals(inspect([finished(1)]).replace(/\s+/g, " "), "[ Future { finished, 1 } ]");
  const nested = inspect({ a: { b: deep } }, { depth: 3 });
  assertEquals(/f: 1/.test(nested), false, nested);
}, { skip });

test("a future that holds itself is printed", () => {
  const source = new FutureSource<unknown>();
  source.setResult({ self: source.future });
  assertEquals(
    /^Future \{ finished, \{\s*self: \[Circular\],?\s*\} \}$/.test(inspect(source.future)),
    true,
  );
}, { skip });

test("printing a future runs no getter, and settles and reports nothing", async () => {
  let runs = 0;
  const error = new Error("plain");
  Object.defineProperty(error, "name", { get: () => `${++runs}` });
  Object.defineProperty(error, "message", { get: () => `${++runs}` });
  const value = {
    get looked(): number {
      return ++runs;
    },
  };
  inspect(failed(error));
  inspect(finished(value));
  const pending = new FutureSource<number>();
  inspect(pending.future);
  await Promise.resolve();
  assertEquals([runs, pending.future.done()], [0, false]);
}, { skip });

test("prototypes are printed", () => {
  for (const Class of [FutureSource, ThreadPoolExecutor, InlineExecutor, ThreadPool]) {
    assertEquals(typeof inspect(Class.prototype), "string");
  }
}, { skip });

for (const kind of EXECUTORS) {
  test(`an executor is printed with its workers and tasks [${kind.name}]`, async () => {
    const executor = kind.create({ maxWorkers: 2 });
    const { parallel } = executor.capabilities;
    const name = parallel ? "ThreadPoolExecutor" : "InlineExecutor";
    const workers = (count: number) => parallel ? `${count} of 2 workers, ` : "";
    const places = 2 * (parallel ? kind.perWorker ?? 1 : 1);
    assertEquals(inspect(executor), `${name} { ${workers(0)}0 running, 0 pending }`);
    assertEquals(executor.stats().workers, 0, "printing starts nothing");
    using gate = new Gate(kind);
    const futures = Array.from({ length: places + 3 }, () => executor.submit(hold, gate.handle));
    await gate.waitEntered(places);
    const busy = `${name} { ${workers(2)}${places} running, 3 pending }`;
    assertEquals(inspect(executor), busy);
    assertEquals(inspect(executor.with({ priority: 1 })), busy);
    gate.open();
    for (const future of futures) await future;
    await executor.shutdown();
    assertEquals(inspect(executor), `${name} { shut down, ${workers(0)}0 running, 0 pending }`);
  }, { skip });
}

test("a pool, its results, and iterators are printed", async () => {
  await using pool = new ThreadPool(1);
  assertEquals(inspect(pool), "ThreadPool { 1 of 1 workers, 0 running, 0 pending }");
  const result = pool.applyAsync((x: number) => x, [1]);
  assertEquals(/^AsyncResult \{ (pending|running) \}$/.test(inspect(result)), true);
  await result;
  assertEquals(inspect(result), "AsyncResult { finished, 1 }");
  const squares = pool.imap((x: number) => x * x, [1, 2]);
  assertEquals(inspect(squares), "PoolIterator { 0 ready }");
  await squares.next();
  await using executor = createExecutor({ maxWorkers: 1 });
  const map = executor.map((x: number) => x, [1, 2]);
  await map.toArray();
  assertEquals(inspect(map), "MapIterator { ended }");
  const futures = [finished(1), new FutureSource<unknown>().future];
  const completed = asCompleted(futures);
  assertEquals(inspect(completed), "asCompleted { 1 done, 1 pending }");
  await completed.return!();
}, { skip });
