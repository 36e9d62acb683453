import { fileURLToPath } from "node:url";
import { importTasks, ThreadPoolExecutor } from "../../mod.ts";
import { quicksort, shareNumbers } from "../tasks.js";
import { check, OURS, time } from "../workload.ts";
import type { Contender, Workload } from "../workload.ts";

const { walk } = importTasks<typeof import("../../examples/tree_walk_tasks.ts")>(
  new URL("../../examples/tree_walk_tasks.ts", import.meta.url).href,
);

export const workload: Workload = {
  title: "Recursion: quicksort of 4 million doubles, and a walk through files, on 1 and 2 workers",
  unit: "ms",
  better: "less",
  rounds: 7,
  targets: [
    { of: `${OURS}, quicksort, 2 workers`, than: /quicksort, 1 worker$/, ratio: 1 / 1.7 },
    { of: `${OURS}, walk, 2 workers`, than: /walk, 1 worker$/, ratio: 1 / 1.7 },
  ],
  async contenders(quick) {
    const count = quick ? 1_000_000 : 4_000_000;
    const top = fileURLToPath(new URL("../../src", import.meta.url));
    const memory = new SharedArrayBuffer(8 * count);
    const numbers = new Float64Array(memory);
    const contenders: Contender[] = [];
    let digest: string | undefined;
    for (const workers of [1, 2]) {
      const executor = new ThreadPoolExecutor({
        maxWorkers: workers,
        initializer: shareNumbers,
        initargs: [memory],
      });
      await executor.warmUp();
      const on = `${workers} worker${workers > 1 ? "s" : ""}`;
      contenders.push({
        name: `${OURS}, quicksort, ${on}`,
        async round() {
          for (let i = 0; i < count; i++) numbers[i] = Math.random();
          const took = await time(() => executor.submit(quicksort, 0, count));
          check(numbers.every((x, i) => i === 0 || numbers[i - 1]! <= x), "sorted");
          return took;
        },
      }, {
        name: `${OURS}, walk, ${on}`,
        round: () =>
          time(async () => {
            const found = await executor.submit(walk, top);
            check((digest ??= found.digest) === found.digest, "the same files");
          }),
        end: () => executor.shutdown(),
      });
    }
    return contenders;
  },
};
