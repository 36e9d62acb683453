import { assert, assertEquals, assertMatch } from "@std/assert";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";
import { runExample } from "./programs.ts";

/** What an example prints, if it ends well and complains about nothing. */
async function outputOf(name: string, args?: string[]): Promise<string> {
  const { code, stdout, stderr } = await runExample(name, args);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

async function linesOf(name: string, args?: string[]): Promise<string[]> {
  return (await outputOf(name, args)).trimEnd().split("\n");
}

test("map_tasks ends after all of its tasks", async () => {
  const lines = await linesOf("map_tasks");
  assertEquals([lines.shift(), lines.pop()], ["main began", "main ended"]);
  for (const name of ["A", "B", "C"]) {
    const own = lines.filter((line) => line.startsWith(`task ${name} `));
    assertEquals(own, [`task ${name} began`, `task ${name} ended`]);
  }
  assertEquals(lines.length, 6);
});

test("submit_two prints two results, and how long both took together", async () => {
  assertMatch(await outputOf("submit_two"), /^9 16\ntook \d+\.\d s\n$/);
});

test("map_in_order prints results in the order of the inputs", async () => {
  const lines = await linesOf("map_in_order");
  assertEquals(lines.slice(0, 3), ["Hello, Ada", "Hello, Grace", "Hello, Guido"]);
  assertMatch(lines.slice(3).join(" "), /^\[\s*32,\s*9,\s*1000,?\s*\]$/);
});

test("downloads saves every file, and gives their sizes in order", async () => {
  const lines = await linesOf("downloads");
  const names = ["apple", "banana", "cherry", "date", "elderberry"];
  assertEquals(lines.slice(0, 5).sort(), names.map((name) => `saved ${name}.txt`));
  assertEquals(lines.slice(5), [
    "bytes, in the order of the URLs: 19 20 20 18 24",
    "files: apple.txt banana.txt cherry.txt date.txt elderberry.txt",
    "the first: This is apple.txt.",
  ]);
});

test("submit_loop shows that result() in the loop runs one task at a time", async () => {
  assertEquals(await linesOf("submit_loop"), [
    "The futures are kept: 4 at once",
    "  submit 1, submit 2, submit 3, submit 4, result 2, result 4, result 6, result 8",
    "result() in the loop: 1 at once",
    "  submit 1, result 2, submit 2, result 4, submit 3, result 6, submit 4, result 8",
  ]);
});

test("shutdown_no_wait returns at once, refuses a task, and still ends after its tasks", async () => {
  const lines = await linesOf("shutdown_no_wait");
  assertEquals(lines.slice(0, 3), [
    "shutdown returned",
    "ShutdownError: Cannot submit a task to ThreadPoolExecutor: executor is shut down",
    "main ended",
  ]);
  assertEquals(lines.slice(3).sort(), ["task A ended", "task B ended", "task C ended"]);
});

test("map_timeout prints four results and the error, and does not hang", async () => {
  assertEquals(await linesOf("map_timeout"), [
    "result 1",
    "result 2",
    "result 3",
    "result 4",
    "TimeoutError: Cannot finish map within 1000 ms: the rest is cancelled",
    "main ended",
  ]);
});

for (const command of [undefined, "deno", "bun", "node"]) {
  test(`processes runs tasks in processes of ${command ?? "its own runtime"}`, async () => {
    const lines = await linesOf("processes", command === undefined ? [] : [command]);
    const pids = new Set<string>();
    lines.slice(0, 3).sort().forEach((line, i) => {
      assertMatch(line, /^task [ABC] runs in process \d+, worker [012]$/);
      assertEquals(line[5], "ABC"[i]);
      pids.add(/process (\d+)/.exec(line)![1]!);
    });
    assertEquals(pids.size, 3);
    assertEquals(lines.slice(3), [
      "3 processes, this one is none of them",
      "9 16",
      "chunks of 1: 10 tasks, 0 1 4 9 16 25 36 49 64 81",
      "chunks of 5: 2 tasks, 0 1 4 9 16 25 36 49 64 81",
    ]);
  });
}

test(
  "product_calls gathers 6,000 prices and errors in order, a bounded number at once",
  async () => {
    const lines = await linesOf("product_calls");
    const most = Number(/^at most (\d+) calls at once$/.exec(lines.pop()!)?.[1]);
    assert(most > 1 && most <= 32, `${most} calls at once`);
    assertEquals(lines, [
      "6000 products, 5940 prices",
      "first P0001, last P6000",
      "P0001: 0.01",
      "P0099: 0.99",
      "P0100: 404 unknown product",
      "P1000: 500 server error",
      "P5999: 59.99",
    ]);
  },
  { deadline: 30_000 },
);

test(
  "how_many_workers starts 20 of 5,000 workers for 20 tasks, and limits what waits",
  async () => {
    const lines = await linesOf("how_many_workers");
    assertMatch(lines.shift()!, /^by default: [1-9]\d*$/);
    assertEquals(lines, [
      "0 of 5000 have started",
      "20 of 5000 have started for 20 tasks",
      "5000 tasks on 2 workers",
      "RangeError: Cannot use maxWorkers: expected a positive integer, got 0",
      "QueueFullError after 10 tasks: Cannot submit a task to ThreadPoolExecutor: 10 tasks are pending; await ready() first",
      "10 more with ready()",
    ]);
  },
  { deadline: 30_000 },
);

test("user_cache loads each profile once", async () => {
  assertEquals(await linesOf("user_cache"), ["40 requests, 4 profiles loaded"]);
});

test("actor handles the messages of an account one after the other", async () => {
  assertEquals(await linesOf("actor"), ["70 170", "RangeError: Ada has only 70"]);
});

test("observe shows that one worker is too few for forty requests", async () => {
  const lines = await linesOf("observe");
  assertEquals(lines.length, 4);
  const waits = [lines[0]!, lines[2]!].map((line) => Number(/work (\d+) ms/.exec(line)![1]));
  assert(waits[0]! > waits[1]!, lines.join("\n"));
  assertMatch(lines[1]!, /^ {2}of 40 tasks half waited more than \d+ ms$/);
});

test("trace writes what ran, what timed out, and what was cancelled", async () => {
  const path = join(tmpdir(), `example-trace-${process.pid}.json`);
  try {
    const lines = await linesOf("trace", [path]);
    assertMatch(lines.shift()!, /^4\d tasks ran on \d rows$/);
    assertEquals(lines, ["cancelled", "timedOut", `written to ${path}`]);
    const { traceEvents } = JSON.parse(await readFile(path, "utf8"));
    assert(
      traceEvents.some(({ name, ph }: { name: string; ph: string }) =>
        name === "work" && ph === "X"
      ),
    );
  } finally {
    await rm(path, { force: true });
  }
});

test("quicksort sorts on one worker and on two", async () => {
  const lines = await linesOf("quicksort", ["300000"]);
  assertEquals(lines.slice(0, 2), ["1 worker: sorted true", "2 workers: sorted true"]);
  assertMatch(lines[2]!, /^two are \d+\.\d times as fast as one$/);
});

test("tree_walk finds the same on one worker and on two", async () => {
  const lines = await linesOf("tree_walk", [
    fileURLToPath(new URL("../../src/wire", import.meta.url)),
  ]);
  assertMatch(lines[0]!, /^1 folders, \d+ files, \d+ bytes, digest [0-9a-f]{8}$/);
  assertEquals(lines[1], lines[0]);
});

test("opentelemetry nests the spans of caller, task, run and worker", async () => {
  assertEquals(await linesOf("opentelemetry"), [
    "the span of the task is in the same trace: true",
    "run resize, child of task resize",
    "task resize, child of upload",
    "upload",
  ]);
});
