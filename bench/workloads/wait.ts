import { asCompleted, wait } from "../../mod.ts";
import { identity } from "../tasks.js";
import { ours } from "../pools.ts";
import { check, OURS, time } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Wait: for 100,000 tasks, submission included",
  unit: "ms",
  better: "less",
  rounds: 7,
  targets: [
    { of: `${OURS}, wait`, than: /^Promise.all/, ratio: 2.5 },
    { of: `${OURS}, wait for 200,000`, than: /wait$/, ratio: 2.5 },
    { of: `${OURS}, asCompleted, 200,000`, than: /asCompleted$/, ratio: 2.5 },
  ],
  async contenders(quick) {
    const count = quick ? 20_000 : 100_000;
    const executor = await ours();
    const submitAll = (n: number) =>
      Array.from({ length: n }, (_, i) => executor.submit(identity, i));
    const waitFor = (n: number) =>
      time(async () => check((await wait(submitAll(n))).done.size === n, "all done"));
    const completedOf = (n: number) =>
      time(async () => {
        let sum = 0;
        for await (const future of asCompleted(submitAll(n))) {
          sum += await future;
        }
        check(sum === n * (n - 1) / 2, "sum");
      });
    return [
      {
        name: "Promise.all of the same futures",
        round: () =>
          time(async () => check((await Promise.all(submitAll(count))).length === count, "all")),
      },
      { name: `${OURS}, wait`, round: () => waitFor(count) },
      { name: `${OURS}, asCompleted`, round: () => completedOf(count) },
      { name: `${OURS}, wait for 200,000`, round: () => waitFor(2 * count) },
      {
        name: `${OURS}, asCompleted, 200,000`,
        round: () => completedOf(2 * count),
      },
    ];
  },
};
