import { ours } from "../pools.ts";
import { countNodes, identity, sumOfTasks } from "../tasks.js";
import { check, OURS, rate } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Children: 20,000 tiny tasks that a task submits, and a tree of 19,531",
  unit: "tasks/s",
  better: "more",
  rounds: 11,
  // Of the tree each node waits for those below it, and goes alone: it is a row to watch.
  targets: [{ of: `${OURS}, this.map()`, than: /, submit\(\)$/, ratio: 0.5 }],
  async contenders(quick) {
    const count = quick ? 5_000 : 20_000;
    const [depth, fan] = quick ? [5, 5] : [6, 5];
    const nodes = (fan ** (depth + 1) - 1) / (fan - 1);
    const sum = count * (count - 1) / 2;
    const executor = await ours();
    return [
      {
        name: `${OURS}, submit()`,
        round: () =>
          rate(count, async () => {
            const futures = Array.from({ length: count }, (_, i) => executor.submit(identity, i));
            const values = await Promise.all(futures);
            check(values.reduce((a, b) => a + b, 0) === sum, "sum");
          }),
      },
      {
        name: `${OURS}, this.map()`,
        round: () =>
          rate(count, async () => {
            check(await executor.submit(sumOfTasks, count) === sum, "sum");
          }),
      },
      {
        name: `${OURS}, a tree`,
        round: () =>
          rate(nodes, async () => {
            check(await executor.submit(countNodes, depth, fan) === nodes, "nodes");
          }),
        end: () => executor.shutdown(),
      },
    ];
  },
};
