import { runScript } from "../child.ts";
import { OURS, together } from "../workload.ts";
import type { Workload } from "../workload.ts";

const STEADY = `${OURS}, steady`;
const FIRST = `${OURS}, first`;

export const workload: Workload = {
  title: "Burst, fresh: the first 100,000 identity tasks of a program, and after some rounds",
  unit: "tasks/s",
  better: "more",
  rounds: 7,
  cold: true,
  targets: [{ of: FIRST, than: /steady$/, ratio: 0.5 }],
  contenders: () =>
    Promise.resolve(together([FIRST, STEADY, "raw, first", "raw, steady"], () => {
      const ours = JSON.parse(runScript("./first_burst_probe.js", ["ours"])) as number[];
      const raw = JSON.parse(runScript("./first_burst_probe.js", ["raw"])) as number[];
      return Promise.resolve({
        [FIRST]: ours[0]!,
        [STEADY]: ours[1]!,
        "raw, first": raw[0]!,
        "raw, steady": raw[1]!,
      });
    })),
};
