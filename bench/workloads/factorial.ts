import { runScript } from "../child.ts";
import { PEERS } from "../pools.ts";
import { OURS, time } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Factorial: 100,000 x factorial(1000), a whole process (poolifier/benchmark)",
  unit: "ms",
  better: "less",
  rounds: 3,
  cold: true,
  targets: [{ than: /./, ratio: 1 }],
  contenders: (quick) =>
    Promise.resolve([OURS, ...PEERS.map(({ name }) => name)].map((name) => ({
      name,
      round: () =>
        time(() =>
          Promise.resolve(
            runScript("./process_probe.ts", [
              name,
              "factorial",
              quick ? "5000" : "100000",
            ]),
          )
        ),
    }))),
};
