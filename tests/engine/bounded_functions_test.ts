import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import process from "node:process";
import { InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import { TaskRegistry } from "../../src/engine/task_registry.ts";
import { childProcessRuntime } from "../../src/runtime/process/start_process.ts";
import { detectRuntime, type Runtime } from "../../src/runtime/mod.ts";
import { DEFINE, KINDS, UNDEFINE } from "../../src/wire/messages.ts";
import { SafeSet } from "../../src/wire/originals.ts";
import { TaskTable } from "../../src/worker/task_table.ts";
import { test } from "../harness.ts";

/** A runtime that counts how many functions its workers know, and the most that one ever knew. */
function counting(runtime: Runtime): { runtime: Runtime; most: () => number } {
  let most = 0;
  return {
    most: () => most,
    runtime: {
      ...runtime,
      capabilities: runtime.capabilities,
      spawn(options, events) {
        const handle = runtime.spawn(options, events);
        const post = handle.post.bind(handle);
        let known = 0;
        handle.post = (message, transfer) => {
          post(message, transfer);
          const [first, ...rest] = message as number[];
          if (first! % KINDS === DEFINE) known++;
          if (first! % KINDS === UNDEFINE) known -= rest.length;
          most = Math.max(most, known);
        };
        return handle;
      },
    },
  };
}

/** Functions with texts of their own. */
const makeFunction = (i: number) => new Function(`return ${i}`) as () => number;

for (
  const [name, host, create] of [
    [
      "ThreadPoolExecutor",
      detectRuntime,
      (runtime: Runtime) => new ThreadPoolExecutor({ maxWorkers: 1, runtime }),
    ],
    [
      "ProcessPoolExecutor",
      () => childProcessRuntime({}),
      (runtime: Runtime) => new ProcessPoolExecutor({ maxWorkers: 1, runtime }),
    ],
  ] as const
) {
  test(`${name}: a worker knows a bounded number of functions, and each gives its result`, async () => {
    const { runtime, most } = counting(host());
    await using executor = create(runtime);
    const functions = Array.from({ length: 2000 }, (_, i) => makeFunction(i));
    const results = await Promise.all(functions.map((fn) => executor.submit(fn)));
    assertEquals(results, functions.map((_, i) => i));
    assert(most() > 400 && most() < 600, `${most()} functions`);
    assertEquals(await executor.submit(functions[0]!), 0, "one that was forgotten");
  });
}

test("TaskRegistry keeps a bounded number of texts, those that are used", () => {
  const registry = new TaskRegistry(false);
  const first = registry.entry(makeFunction(0));
  for (let i = 1; i < 10_000; i++) {
    registry.entry(makeFunction(i));
    if (i % 100 === 0) assertEquals(registry.entry(makeFunction(0)), first);
  }
  assert(registry.size <= 1024, `${registry.size}`);
});

function setOf(...ids: number[]): SafeSet<number> {
  const set = new SafeSet<number>();
  for (const id of ids) set.add(id);
  return set;
}

test("TaskTable forgets functions, but not those whose tasks wait", () => {
  const table = new TaskTable();
  for (let id = 0; id < 4; id++) table.define(id, { kind: "named", name: `${id}` });
  table.forget([0, 1], 0, setOf(1, 3));
  assertEquals([0, 1, 2, 3].map((id) => table.find(id) !== undefined), [false, true, true, true]);
  table.forget([], 0, setOf(3));
  assertEquals([table.size, table.find(1)], [2, undefined]);
  table.forget([-1, 3], 1, setOf(3));
  table.define(3, { kind: "named", name: "3" });
  table.forget([], 0, setOf());
  assertEquals(table.size, 2, "one that was defined again stays");
});

const isNode = !("Deno" in globalThis) && !("bun" in (process.versions ?? {})) &&
  process.versions?.node !== undefined && !("document" in globalThis);
const skip = isNode ? false : "only Node has a collector that can be called";

test("a closure that was submitted inline is collected with all that it holds", async () => {
  process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
  const gc = process.getBuiltinModule("node:vm").runInNewContext("gc") as () => void;
  await using executor = new InlineExecutor();
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  for (let i = 0; i < 100; i++) {
    const buffer = new Uint8Array(1000);
    registry.register(buffer, i);
    assertEquals(await executor.submit(() => buffer.length), 1000);
    if (i % 10 === 0) {
      assertEquals(await executor.map((x: number) => x + buffer.length, [1]).toArray(), [1001]);
    }
  }
  for (let i = 0; i < 20 && collected < 98; i++) {
    gc();
    await delay(10);
  }
  assert(collected >= 98, `${collected} of 100 collected`);
}, { skip });
