/**
 * What tasks, and programs that they start, can do to the streams of a process, and processes that cannot
 * be started or stand still.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { delay } from "@std/async";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ProcessPoolExecutor, TimeoutError, WorkerCrashError } from "../../mod.ts";
import type { ProcessPoolExecutorOptions } from "../../mod.ts";
import { test } from "../harness.ts";

function one(options: ProcessPoolExecutorOptions = {}): ProcessPoolExecutor {
  return new ProcessPoolExecutor({ maxWorkers: 1, ...options });
}

/** How a task may write to a file of its process: itself, or by a program that it starts. */
const WAYS = {
  "a task": async (file: number, bytes: number[]) => {
    const { writeSync } = await import("node:fs");
    writeSync(file, new Uint8Array(bytes));
    return "written";
  },
  "a program that a task starts": async (file: number, bytes: number[]) => {
    const { spawnSync } = await import("node:child_process");
    const text = bytes.map((byte) => `\\0${byte.toString(8)}`).join("");
    spawnSync("sh", ["-c", `printf '%b' '${text}' >&${file}`]);
    return "written";
  },
};

/** What it may write: a word, half a header, a header of its own, many bytes. */
const JUNK = {
  "one byte": [10],
  "a line": [120, 10],
  "a frame of two billion bytes": [0, 0, 0, 0, 255, 255, 255, 127, 0, 0, 0, 0],
  "a long text": Array.from({ length: 300 }, (_, i) => 32 + i % 90),
};

/** Deno's `node:fs` knows only files that it has opened. */
function isRefused(error: unknown): boolean {
  return "Deno" in globalThis && !(error instanceof WorkerCrashError) &&
    /EBADF|bad (file|resource)/i.test(String(error));
}

for (const [who, write] of Object.entries(WAYS)) {
  for (const [what, bytes] of Object.entries(JUNK)) {
    for (const file of [3, 4]) {
      test(`${who} that writes ${what} to file ${file} costs itself, and no other task`, async () => {
        await using executor = one();
        const written = executor.submit(write, file, bytes);
        const later = executor.submit((x: number) => x, 2);
        const outcome = await written.then((value) => value, (error) => error);
        // Where the program's descriptors are not handed on, or not lent to tasks, nothing was written.
        if (outcome !== "written" && !isRefused(outcome)) {
          assertInstanceOf(outcome, WorkerCrashError);
          assertInstanceOf(outcome.cause, Error);
          assertMatch(outcome.cause.message, /^Process \d+ was stopped: its (channel|count)/);
          assertEquals(typeof outcome.pid, "number");
        }
        // It was sent ahead or not; if it may have begun, it is not run again.
        const last = await later.then((value) => value, (error) => error);
        if (last !== 2) assertInstanceOf(last, WorkerCrashError);
        assertEquals(await executor.submit((x: number) => x, 3), 3);
      });
    }
  }
}

test("a task that reads from the channel, or closes it, ends its process and nothing else", async () => {
  await using executor = one();
  for (const file of [3, 4]) {
    const closed = executor.submit(async (file: number) => {
      const { closeSync } = await import("node:fs");
      closeSync(file);
      return "closed";
    }, file);
    const outcome = await closed.then((value) => value, (error) => error);
    if (outcome !== "closed" && !isRefused(outcome)) assertInstanceOf(outcome, WorkerCrashError);
    const later = await executor.submit((x: number) => x, 1).then((v) => v, (error) => error);
    if (later !== 1) assertInstanceOf(later, WorkerCrashError);
    assertEquals(await executor.submit((x: number) => x, 2), 2);
  }
});

test("what a broken count hides is not run twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "breach-"));
  const log = join(folder, "log");
  appendFileSync(log, "");
  const note = async (log: string, name: number) => {
    const { appendFileSync } = await import("node:fs");
    appendFileSync(log, `${name}\n`);
    return name;
  };
  await using executor = one();
  for (let i = 0; i < 50; i++) await executor.submit(note, log, -1);
  const futures = Array.from(
    { length: 200 },
    (_, i) =>
      i === 100 ? executor.submit(WAYS["a task"], 4, [1, 2, 3, 4]) : executor.submit(note, log, i),
  );
  const outcomes = await Promise.all(futures.map((future) => future.then(String, String)));
  const lines = readFileSync(log, "utf8").split("\n");
  for (let i = 0; i < 200; i++) {
    const runs = lines.filter((line) => line === String(i)).length;
    assert(runs <= 1, `task ${i} ran ${runs} times`);
    if (outcomes[i] === String(i)) assertEquals(runs, i === 100 ? 0 : 1);
    else assertMatch(outcomes[i]!, /WorkerCrashError|written/);
  }
  rmSync(folder, { recursive: true });
});

// --- processes that stand still ---

test(
  "a process that is stopped is noticed by the timeout of the task that it does not begin",
  async () => {
    await using executor = one();
    const pid = await executor.submit(() => process.pid);
    process.kill(pid, "SIGSTOP");
    const late = executor.with({ timeout: 50 }).submit((x: number) => x, 1);
    assertInstanceOf(await late.exception(), TimeoutError);
    assertEquals(await executor.submit((x: number) => x, 2), 2);
  },
  { deadline: 15_000 },
);

test("a process that is stopped while its task runs is noticed by the task's timeout", async () => {
  await using executor = one();
  const pid = await executor.submit(() => process.pid);
  const late = executor.with({ timeout: 300 }).submit(() => new Promise<void>(() => {}));
  while (!late.running()) await delay(5);
  process.kill(pid, "SIGSTOP");
  assertInstanceOf(await late.exception(), TimeoutError);
  assertEquals(await executor.submit((x: number) => x, 2), 2);
}, { deadline: 15_000 });

test(
  "a process that is stopped while it begins a task is noticed by the task's timeout",
  async () => {
    for (let i = 0; i < 4; i++) { // in another place each time: on the way, counted and not told, told
      await using executor = one();
      const pid = await executor.submit(() => process.pid);
      const late = executor.with({ timeout: 100 }).submit(() => new Promise<void>(() => {}));
      const until = performance.now() + i;
      while (performance.now() < until);
      if (i % 2 === 1) await delay(0);
      process.kill(pid, "SIGSTOP");
      assertInstanceOf(await late.exception(), TimeoutError);
    }
  },
  { deadline: 40_000 },
);

test("shutdown() and terminate() end processes that are stopped", async () => {
  for (const end of ["shutdown", "terminate", "cancel"] as const) {
    const executor = one();
    const pid = await executor.submit(() => process.pid);
    process.kill(pid, "SIGSTOP");
    if (end === "cancel") executor.submit((x: number) => x, 1).catch(() => {});
    if (end === "terminate") await executor.terminate();
    else await executor.shutdown({ cancelFutures: end === "cancel" });
  }
}, { deadline: 20_000 });

// --- processes that cannot be started ---

const MISSING = {
  "its cwd does not exist": [{ cwd: "/no/such/folder" }, "/no/such/folder does not exist"],
  "its cwd is a file": [{ cwd: process.execPath }, "is no folder"],
  "its program does not exist": [
    { command: { path: "/no/such/node" } },
    "there is no program /no/such/node",
  ],
} as const;

for (const [why, [options, words]] of Object.entries(MISSING)) {
  test(`a process that cannot be started, because ${why}, says so`, async () => {
    await using executor = one(options);
    const error = await executor.submit(() => 1).exception() as Error;
    assertInstanceOf(error, Error);
    assertInstanceOf(error.cause, Error);
    assert(error.cause.message.includes(words), error.cause.message);
    assert(!error.cause.message.includes("setpriv"), error.cause.message);
  });
}
