import { PROCESS_PEERS } from "../pools.ts";
import { OURS } from "../workload.ts";
import type { Workload } from "../workload.ts";
import { programs } from "./startup.ts";

export const workload: Workload = {
  title:
    "Processes, start: a program from its start to its end, with one result of another process",
  unit: "ms",
  better: "less",
  rounds: 15,
  quickRounds: 7,
  cold: true,
  targets: [{ than: /fork$/, ratio: 1 / 0.8 }, { than: /^(?!child_process)/, ratio: 1 }],
  contenders: () =>
    programs(
      ["child_process.fork", `${OURS}, processes`, ...PROCESS_PEERS.map(({ name }) => name)],
      "identity",
      1,
    ),
};
