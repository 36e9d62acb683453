import { runScript } from "../child.ts";
import { OURS, together } from "../workload.ts";
import type { Workload } from "../workload.ts";

const OPERATIONS = ["submit", "map", "wait", "asCompleted", "cancel"] as const;

const names = OPERATIONS.flatMap((operation) =>
  ["time", "memory"].map((what) => `${OURS}, ${operation}, ${what}`)
);

export const workload: Workload = {
  title: "Doubling: the exponent by which CPU time and heap grow from 31,250 tasks to a million",
  unit: "exponent",
  better: "less",
  rounds: 3,
  quickRounds: 1,
  cold: true,
  targets: names.map((of) => ({ of, bound: 1.1 })),
  contenders: (quick) =>
    Promise.resolve(together(names, () => {
      const figures: Record<string, number> = {};
      for (const operation of OPERATIONS) {
        const most = quick ? "500000" : "1000000";
        const printed = runScript("./doubling_probe.ts", [operation, most], true);
        const { time, memory } = JSON.parse(printed) as { time: number; memory: number };
        figures[`${OURS}, ${operation}, time`] = time;
        figures[`${OURS}, ${operation}, memory`] = memory;
      }
      return Promise.resolve(figures);
    })),
};
