/** Faults: processes that die where no task runs, and what a task leaves in its process. @module */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { BrokenProcessPoolError, type Executor, ProcessPoolExecutor } from "../../mod.ts";
import { block, until } from "../contract/executors.ts";
import type { Call } from "./calls.ts";
import { outcomeOf, RUNTIME, within } from "./fault.ts";

const pidOf = (): number => (globalThis as unknown as { process: { pid: number } }).process.pid;

/** An executor whose first processes die before they listen: those for which there is a `1`. */
async function withDyingStarts(
  deaths: number,
  check: (executor: Executor) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "faults-"));
  try {
    const path = join(folder, `dies-${RUNTIME.toLowerCase()}`);
    const names = Array.from({ length: deaths }, (_, i) => `"$0.${i}"`).join(" ");
    // Only one can make a folder.
    const script = `#!/bin/sh
      for name in ${names}; do mkdir "$name" 2>/dev/null && kill -KILL $$; done
      exec "${process.execPath}" "$@"`;
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    await using executor = new ProcessPoolExecutor({ maxWorkers: 1, command: { path } });
    await check(executor);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ROWS: readonly Omit<Call, "onlyProcesses" | "after">[] = [
  {
    name: "SIGKILL while the process is idle",
    async act(executor) {
      await within(executor.warmUp(), "warmUp()");
      const before = await outcomeOf(executor.submit(pidOf));
      assert("value" in before);
      process.kill(before.value as number, "SIGKILL");
      await within(until(() => executor.stats().crashed === 1), "the process dies");
      for (let i = 0; i < 4; i++) {
        const now = await outcomeOf(executor.submit(pidOf));
        assert("value" in now);
        assertNotEquals(now.value, before.value);
      }
    },
  },
  {
    name: "SIGKILL while the process starts",
    async act() {
      await withDyingStarts(2, async (executor) => {
        const future = executor.submit(() => "once");
        assertEquals(await outcomeOf(future), { value: "once" });
        assertEquals(executor.stats().crashed, 2);
      });
    },
  },
  {
    name: "SIGKILL while the process starts, again and again",
    async act() {
      await withDyingStarts(3, async (executor) => {
        const outcome = await outcomeOf(executor.submit(() => "never"));
        assert("error" in outcome && outcome.error instanceof BrokenProcessPoolError);
        assert(outcome.error.message.includes("3 workers in a row died of SIGKILL"));
      });
    },
  },
  {
    name: "a task that changes the directory and the environment",
    async act(executor, gate) {
      const own = process.cwd();
      // One process is busy, so that the task changes the other.
      const beside = executor.submit(block, gate.handle, 42);
      await within(gate.waitEntered(1), "neighbour beside begins");
      const change = executor.submit(() => {
        process.chdir("/");
        process.env.FAULTY = "1";
        return [process.cwd(), process.pid];
      });
      const changed = await outcomeOf(change);
      assert("value" in changed);
      const [directory, pid] = changed.value as [string, number];
      assertEquals([directory, process.cwd(), process.env.FAULTY], ["/", own, undefined]);
      gate.open();
      assertEquals(await outcomeOf(beside), { value: 42 });
      const look = () => [process.pid, [process.cwd(), process.env.FAULTY]] as const;
      const seen = new Map(await within(executor.broadcast(look), "broadcast()"));
      assertEquals(seen.size, 2);
      for (const [other, state] of seen) {
        assertEquals(state, other === pid ? ["/", "1"] : [own, undefined]);
      }
    },
  },
];

export const PROCESS_CALLS: readonly Call[] = ROWS.map((row) => ({
  ...row,
  after: "works",
  onlyProcesses: true,
}));
