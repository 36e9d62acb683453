/**
 * Programs that process_start_test.ts runs: what a pool of processes does to a whole program.
 *
 * @module
 */

import process from "node:process";
import { ThreadPoolExecutor } from "../../mod.ts";
import { childProcessRuntime } from "../../src/runtime/process/start_process.ts";

const executor = (maxWorkers = 1): ThreadPoolExecutor => {
  const runtime = childProcessRuntime();
  return new ThreadPoolExecutor({ maxWorkers, runtime });
};

const PROGRAMS: Record<string, () => unknown> = {
  /** Ends by itself, although its workers live; what they printed is printed. */
  async idle() {
    await executor().submit(() => {
      for (let i = 0; i < 1000; i++) console.log(`line ${i}`);
      console.error("warning");
    });
  },

  /** Two processes print half lines. */
  async lines() {
    await using both = executor(2);
    await both.warmUp();
    await both.broadcast(async () => {
      for (let i = 0; i < 50; i++) {
        process.stdout.write("one ");
        process.stdout.write("line\n");
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    await both.broadcast(() => void process.stdout.write("one line"));
  },

  /** Prints the number of a process that waits, and goes on. */
  async orphan() {
    const one = executor();
    console.log(await one.submit(() => process.pid));
    setInterval(() => one.stats(), 1000); // one that nobody can reach would end its process
  },

  /** Prints the number of a process that is in a loop, and goes on. */
  async busyOrphan() {
    const one = executor();
    const pid = await one.submit(() => process.pid);
    const loop = one.submit(() => {
      for (;;);
    });
    while (!loop.running()) await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 50)); // until its message is read
    console.log(pid);
  },

  /** Prints why no process can be started. */
  refused() {
    try {
      executor();
    } catch (error) {
      console.log(String(error));
    }
  },
};

await PROGRAMS[process.argv[2]!]!();
