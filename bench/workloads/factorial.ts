import { PEERS } from "../pools.ts";
import { OURS } from "../workload.ts";
import type { Workload } from "../workload.ts";
import { programs } from "./startup.ts";

export const workload: Workload = {
  title: "Factorial: 100,000 x factorial(1000), a whole process (poolifier/benchmark)",
  unit: "ms",
  better: "less",
  rounds: 3,
  quickRounds: 2,
  cold: true,
  targets: [{ than: /./, ratio: 1 }],
  contenders: (quick) =>
    programs([OURS, ...PEERS.map(({ name }) => name)], "factorial", quick ? 10_000 : 100_000),
};
