import { assert, assertEquals } from "@std/assert";
import { asCompleted, InlineExecutor, Pool, TaskGroup, ThreadPool } from "../../mod.ts";
import { test } from "../harness.ts";

/** What `await using` looks for here, or the code that bundlers make of it. */
const symbol: symbol = (Symbol as { asyncDispose?: symbol }).asyncDispose ??
  Symbol.for("Symbol.asyncDispose");

test("executors, pools and iterators have the method of await using, on every runtime", async () => {
  await using executor = new InlineExecutor();
  const disposables: object[] = [
    executor,
    executor.with({ priority: 1 }),
    executor.map((x: number) => x, [1]),
    asCompleted([]),
    TaskGroup.prototype,
    ThreadPool.prototype,
    Pool.prototype,
  ];
  for (const object of disposables) {
    assertEquals(typeof Reflect.get(object, symbol), "function");
    assert(!("undefined" in object));
  }
});
