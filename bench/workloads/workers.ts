import { readFileSync } from "node:fs";
import { ThreadPoolExecutor } from "../../mod.ts";
import { identity, sleep } from "../tasks.js";
import { check, OURS } from "../workload.ts";
import type { Contender, Workload } from "../workload.ts";

const WORKERS = [1, 2, 4, 8, 16];

/**
 * Milliseconds for which this thread has had a CPU, garbage collectors and workers not counted. Read on
 * the thread itself, which all three runtimes do in their synchronous calls. NaN where there is no Linux.
 */
function ownCpu(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return NaN;
  }
}

/** What is done with an executor of so many workers; returns how many tasks that were. */
type Load = (executor: ThreadPoolExecutor, workers: number, quick: boolean) => Promise<number>;

const LOADS: Readonly<Record<string, Load>> = {
  // Each worker has one task, which sleeps, and gets the next when it has ended: a message for each.
  async sleeping(executor, workers, quick) {
    const count = (quick ? 60 : 150) * workers;
    const sums = await Promise.all(
      Array.from({ length: count }, () => executor.submit(sleep, 2)),
    );
    check(sums.every((ms) => ms === 2), "all");
    return count;
  },
  // Nothing is queued, and one is awaited after the other: whoever has nothing to do looks for some.
  async "one by one"(executor, _workers, quick) {
    const count = quick ? 1_000 : 3_000;
    for (let i = 0; i < count; i++) check(await executor.submit(identity, i) === i, "identity");
    return count;
  },
  async burst(executor, _workers, quick) {
    const count = quick ? 50_000 : 100_000;
    const results = await Promise.all(
      Array.from({ length: count }, (_, i) => executor.submit(identity, i)),
    );
    check(results.every((x, i) => x === i), "all in order");
    return count;
  },
};

/** Those of an executor with `maxPending`. */
const BOUNDED: Readonly<Record<string, Load>> = {
  // As many wait as may: each submit asks whether there is room.
  async bounded(executor, workers, quick) {
    const count = (quick ? 60 : 150) * workers;
    const all: PromiseLike<number>[] = [];
    for (let i = 0; i < count; i++) {
      await executor.ready();
      all.push(executor.submit(sleep, 2));
    }
    check((await Promise.all(all)).every((ms) => ms === 2), "all");
    return count;
  },
};

const nameOf = (load: string, workers: number): string =>
  `${OURS}, ${load}: ${workers} worker${workers === 1 ? "" : "s"}`;

export const workload: Workload = {
  title: "Workers: CPU time of the owner's thread for each task, by the number of workers",
  unit: "µs per task",
  better: "less",
  rounds: 5,
  // A few per cent more are caches: more workers answer in smaller messages.
  targets: Object.keys({ ...LOADS, ...BOUNDED }).map((load) => ({
    of: nameOf(load, 16),
    than: new RegExp(`${load}: 2 workers$`),
    ratio: 1.15,
  })),
  async contenders(quick) {
    const contenders: Contender[] = [];
    for (const workers of WORKERS) {
      for (const [loads, maxPending] of [[LOADS, undefined], [BOUNDED, 64]] as const) {
        const executor = new ThreadPoolExecutor({ maxWorkers: workers, maxPending });
        await executor.warmUp();
        for (const [load, run] of Object.entries(loads)) {
          contenders.push({
            name: nameOf(load, workers),
            async round() {
              const before = ownCpu();
              const count = await run(executor, workers, quick);
              return (ownCpu() - before) * 1000 / count;
            },
          });
        }
      }
    }
    return contenders;
  },
};
