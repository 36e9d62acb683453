import { runScript } from "../child.ts";
import { OURS } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Growth: the heap after 20 rounds of 50,000 tasks, as a ratio to that after the third",
  unit: "x",
  better: "less",
  rounds: 3,
  cold: true,
  targets: [{ bound: 1.02 }],
  contenders: (quick) =>
    Promise.resolve([
      {
        name: OURS,
        round() {
          const printed = runScript("./memory_probe.ts", [
            "rounds",
            quick ? "5000" : "50000",
          ], true);
          return Promise.resolve(JSON.parse(printed).growth);
        },
      },
    ]),
};
