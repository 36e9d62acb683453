/**
 * Processes share no memory with their owner, but count what they begin: short tasks are sent ahead, and
 * everything stays exact.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { delay } from "@std/async";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Future, ProcessPoolExecutor, WorkerCrashError } from "../../mod.ts";
import { test } from "../harness.ts";

/** Appends a number to a file; the process of a negative one is killed. */
function append(file: string, n: number, fatal: boolean): number {
  const { process } = globalThis as unknown as {
    process: {
      pid: number;
      kill(pid: number, signal: string): void;
      getBuiltinModule(name: string): { appendFileSync(file: string, text: string): void };
    };
  };
  process.getBuiltinModule("node:fs").appendFileSync(file, `${n}\n`);
  if (fatal) {
    process.kill(process.pid, "SIGKILL");
    for (;;);
  }
  return n;
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "batches-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runsIn(file: string): Map<number, number> {
  const runs = new Map<number, number>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line !== "") runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
  }
  return runs;
}

test(
  "a killed process loses what it had begun, and nothing else; nothing runs twice",
  () =>
    withFolder(async (folder) => {
      const file = join(folder, "runs");
      writeFileSync(file, "");
      await using executor = new ProcessPoolExecutor(2);
      const count = 4_000;
      const fatal = (n: number): boolean => n % 1_000 === 700;
      const futures = Array.from(
        { length: count },
        (_, n) => executor.submit(append, file, n, fatal(n)),
      );
      let lost = 0;
      for (const [n, outcome] of (await Promise.allSettled(futures)).entries()) {
        if (outcome.status === "fulfilled") {
          assertEquals(outcome.value, n);
          assert(!fatal(n));
          continue;
        }
        lost++;
        assertInstanceOf(outcome.reason, WorkerCrashError);
        assertEquals(outcome.reason.signal, "SIGKILL");
      }
      const runs = runsIn(file);
      for (let n = 0; n < count; n++) assertEquals(runs.get(n), 1, `runs of task ${n}`);
      // Besides the four, only those whose results were gathered and not sent yet.
      assert(lost >= 4 && lost < 1_000, `${lost} lost`);
      assertEquals(executor.stats().crashed, 4);
    }),
  { deadline: 30_000 },
);

test(
  "what waits behind a long task that was thought to be short runs elsewhere",
  () =>
    withFolder(async (folder) => {
      const gate = join(folder, "gate");
      await using executor = new ProcessPoolExecutor(2);
      const wait = async (file: string | undefined, n: number): Promise<number> => {
        const { process } = globalThis as unknown as {
          process: { getBuiltinModule(name: string): { existsSync(file: string): boolean } };
        };
        const { existsSync } = process.getBuiltinModule("node:fs");
        while (file !== undefined && !existsSync(file)) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return n;
      };
      for (let round = 0; round < 5; round++) {
        await Promise.all(
          Array.from({ length: 200 }, (_, n) => executor.submit(wait, undefined, n)),
        );
      }
      const long = executor.submit(wait, gate, -1);
      const short = Array.from({ length: 200 }, (_, n) => executor.submit(wait, undefined, n));
      assertEquals(await Promise.all(short), short.map((_, n) => n));
      assertEquals(long.done(), false);
      writeFileSync(gate, "");
      assertEquals(await long, -1);
    }),
  { deadline: 20_000 },
);

test(
  "what was cancelled has not run, and what was not has run once",
  () =>
    withFolder(async (folder) => {
      const file = join(folder, "runs");
      writeFileSync(file, "");
      await using executor = new ProcessPoolExecutor(2);
      const futures = Array.from(
        { length: 3_000 },
        (_, n) => executor.submit(append, file, n, false),
      );
      const cancelled = new Set<number>();
      while (
        futures.some((future) => !future.done())
      ) {
        for (let i = 0; i < 50; i++) {
          const n = Math.floor(Math.random() * futures.length);
          if (futures[n]!.cancel()) cancelled.add(n);
        }
        await delay(1);
      }
      const runs = runsIn(file);
      for (const [n, future] of futures.entries()) {
        assertEquals(future.cancelled(), cancelled.has(n));
        assertEquals(runs.get(n), cancelled.has(n) ? undefined : 1, `runs of task ${n}`);
      }
    }),
  { deadline: 20_000 },
);

test(
  "an abort of what waits behind a busy task leaves that one alone",
  () =>
    withFolder(async (folder) => {
      await using executor = new ProcessPoolExecutor({ maxWorkers: 1, grace: 20 });
      const spin = (file: string | undefined): number => {
        const { process } = globalThis as unknown as {
          process: { getBuiltinModule(name: string): { existsSync(file: string): boolean } };
        };
        const { existsSync } = process.getBuiltinModule("node:fs");
        while (file !== undefined && !existsSync(file));
        return 1;
      };
      const controller = new AbortController();
      let gate: string;
      let busy: Future<number>;
      let aborted: Future<number>;
      // On a busy machine short tasks may look long, and nothing is sent ahead: then it learns again.
      for (let round = 0;; round++) {
        gate = join(folder, `gate-${round}`);
        for (let n = 0; n < 5; n++) {
          await Promise.all(Array.from({ length: 100 }, () => executor.submit(spin, undefined)));
        }
        busy = executor.submit(spin, gate);
        aborted = executor.with({ signal: controller.signal }).submit(spin, undefined);
        while (!busy.running()) await delay(1);
        if (!aborted.cancel()) break; // sent ahead, behind the busy one
        writeFileSync(gate, "");
        await busy;
      }
      const reason = new Error("no longer wanted");
      controller.abort(reason);
      assertEquals(await aborted.exception(), reason);
      assertEquals(busy.done(), false);
      writeFileSync(gate, "");
      assertEquals(await busy, 1);
      assertEquals(executor.stats().crashed, 0);
    }),
  { deadline: 20_000 },
);

test("a process whose counter was closed begins nothing more", () =>
  withFolder(async (folder) => {
    const file = join(folder, "runs");
    writeFileSync(file, "");
    await using executor = new ProcessPoolExecutor(1);
    await executor.submit(() => {
      const { process } = globalThis as unknown as {
        process: { getBuiltinModule(name: string): { closeSync(file: number): void } };
      };
      process.getBuiltinModule("node:fs").closeSync(4);
    });
    const futures = Array.from({ length: 20 }, (_, n) => executor.submit(append, file, n, false));
    assertEquals(await Promise.all(futures), futures.map((_, n) => n));
    const runs = runsIn(file);
    for (let n = 0; n < futures.length; n++) assertEquals(runs.get(n), 1, `runs of task ${n}`);
    assertEquals(executor.stats().crashed, 1);
  }), { deadline: 20_000 });
