import { runScript } from "../child.ts";
import { PEERS } from "../pools.ts";
import { OURS, time } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Start: a process from its start to its end, with one result",
  unit: "ms",
  better: "less",
  rounds: 15,
  cold: true,
  targets: [{ than: /^bare/, ratio: 1.3 }, { than: /^(?!bare)/, ratio: 1 }],
  contenders: () =>
    Promise.resolve(
      ["bare Worker", OURS, ...PEERS.map(({ name }) => name)].map((name) => ({
        name,
        round: () =>
          time(() =>
            Promise.resolve(
              runScript("./process_probe.ts", [name, "first", "1"]),
            )
          ),
      })),
    ),
};
