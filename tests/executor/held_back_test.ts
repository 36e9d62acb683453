/**
 * Results of short tasks do not wait for a long one that was sent behind them, whatever they are; and what
 * has ended does not count as running.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import { test } from "../harness.ts";

/** Short without a gate; with one it keeps its thread busy until there is such a file. */
function give(kind: string, gate: string): unknown {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): { existsSync(file: string): boolean } };
  };
  if (gate !== "") {
    const { existsSync } = process.getBuiltinModule("node:fs");
    while (!existsSync(gate));
  }
  switch (kind) {
    case "number":
      return 1.5;
    case "text":
      return "short";
    case "object":
      return { a: [1, 2] };
    case "large":
      return "x".repeat(300_000);
    case "thrown":
      throw new Error("thrown");
  }
}

const EXECUTORS = { threads: ThreadPoolExecutor, processes: ProcessPoolExecutor };

for (const [name, Executor] of Object.entries(EXECUTORS)) {
  for (const kind of ["nothing", "number", "text", "object", "large", "thrown"]) {
    test(
      `results do not wait for a long task behind them [${name}, ${kind}]`,
      async () => {
        const folder = mkdtempSync(join(tmpdir(), "held-back-"));
        const gate = join(folder, "gate");
        const executor = new Executor(1);
        try {
          // So that the function is known to be short, and all go to the worker together.
          for (let i = 0; i < 100; i++) await executor.submit(give, kind, "").exception();
          const short = Array.from({ length: 20 }, () => executor.submit(give, kind, ""));
          const long = executor.submit(give, kind, gate);
          const behind = executor.submit(give, kind, "");
          for (const future of short) await future.exception();
          assert(short.every((future) => future.done() && future.state === "finished"));
          while (!long.running()) await new Promise((resolve) => setTimeout(resolve, 1));
          assertEquals([long.state, behind.running()], ["running", false]);
          assertEquals(executor.stats().running, 1);
          writeFileSync(gate, "");
          await Promise.all([long.exception(), behind.exception()]);
          const { completed, failed, pending, running } = executor.stats();
          assertEquals([completed + failed, pending, running], [122, 0, 0]);
        } finally {
          writeFileSync(gate, "");
          await executor.shutdown();
          rmSync(folder, { recursive: true, force: true });
        }
      },
      { deadline: 30_000 },
    );
  }

  test(`no more tasks run than there are places, and all views agree [${name}]`, async () => {
    await using executor = new Executor({ maxWorkers: 1, tasksPerWorker: 2 });
    const identity = (x: number): number => x;
    for (let i = 0; i < 100; i++) await executor.submit(identity, i);
    const futures = Array.from({ length: 5_000 }, (_, i) => executor.submit(identity, i));
    while (!futures.at(-1)!.done()) {
      const { running } = executor.stats();
      assert(running <= 2, `${running} run`);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assertEquals(await Promise.all(futures), futures.map((_, i) => i));
  }, { deadline: 30_000 });

  test(`a caller that was busy sees no false timeout [${name}]`, async () => {
    await using executor = new Executor(1);
    const task = (): string => {
      const end = performance.now() + 20;
      while (performance.now() < end);
      return "done";
    };
    await executor.submit(task);
    const future = executor.with({ timeout: 1_000 }).submit(task);
    while (!future.running() && !future.done()) await new Promise((r) => setTimeout(r, 1));
    const end = performance.now() + 1_300;
    while (performance.now() < end);
    assertEquals(await future, "done");
  }, { deadline: 30_000 });
}
