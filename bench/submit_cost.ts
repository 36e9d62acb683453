/**
 * What a submit costs the caller where async contexts matter: CPU time of the whole program, in nanoseconds
 * for each task, of several versions of the library, one after the other in each round.
 *
 *     node bench/submit_cost.ts ../main/mod.ts ./mod.ts      (bun, deno run -A)
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { pathToFileURL } from "node:url";

const ROUNDS = Number(process.env.ROUNDS ?? 15);
const TASKS = Number(process.env.TASKS ?? 40_000);

type Library = typeof import("../mod.ts");

const storage = new AsyncLocalStorage<number>();
const task = (): number => 1;

/** Submits so many tasks; resolves when all are done. */
type Run = (library: Library, count: number) => Promise<unknown>;

function inline(submit: (executor: InstanceType<Library["InlineExecutor"]>) => void): Run {
  return async ({ InlineExecutor }, count) => {
    const executor = new InlineExecutor({ clone: false });
    for (let i = 0; i < count; i++) submit(executor);
    await executor.shutdown();
  };
}

const CASES: Record<string, Run> = {
  "inline, no store": inline((executor) => executor.submit(task)),
  "inline, in one store": (library, count) =>
    storage.run(1, () => inline((executor) => executor.submit(task))(library, count)),
  "inline, each in a store of its own": inline((executor) =>
    storage.run(1, () => executor.submit(task))
  ),
  "with({ onProgress })": inline((executor) => executor.with({ onProgress: task })),
  "a done callback": inline((executor) => executor.submit(task).addDoneCallback(task)),
  "threads": async ({ ThreadPoolExecutor }, count) => {
    const executor = new ThreadPoolExecutor(1);
    for (let i = 0; i < count; i++) void executor.submit(task);
    await executor.shutdown();
  },
};

const paths = process.argv.slice(2);
const libraries: Library[] = [];
for (const path of paths) libraries.push(await import(pathToFileURL(path).href));

const only = process.env.CASE;
for (const [name, run] of Object.entries(CASES)) {
  if (only !== undefined && !name.includes(only)) continue;
  const costs = libraries.map((): number[] => []);
  for (let round = -2; round < ROUNDS; round++) {
    // First one, then the other goes first.
    const order = libraries.map((_, i) => round % 2 === 0 ? i : libraries.length - 1 - i);
    for (const i of order) {
      const before = process.cpuUsage();
      await run(libraries[i]!, TASKS);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) costs[i]!.push((user + system) * 1_000 / TASKS);
    }
  }
  const medians = costs.map((all) => Math.round(all.toSorted((a, b) => a - b)[all.length >> 1]!));
  console.log(name.padEnd(36), ...medians.map((ns) => `${ns} ns`.padStart(9)));
}
process.exit();
