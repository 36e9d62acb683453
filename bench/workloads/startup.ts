import { runScript } from "../child.ts";
import { PEERS } from "../pools.ts";
import { OURS, time } from "../workload.ts";
import type { Contender, Workload } from "../workload.ts";

/** Programs from their start to their end, with so many tasks each. */
export function programs(
  names: readonly string[],
  task: "identity" | "factorial",
  count: number,
): Promise<Contender[]> {
  return Promise.resolve(names.map((name) => ({
    name,
    round: () =>
      time(() => Promise.resolve(runScript("./start_probe.js", [name, task, `${count}`]))),
  })));
}

export const workload: Workload = {
  title: "Start: a program from its start to its end, with one result",
  unit: "ms",
  better: "less",
  rounds: 15,
  quickRounds: 7,
  cold: true,
  targets: [
    { than: /^bare/, ratio: { deno: 1 / 0.7, bun: 1 / 0.6, node: 1 / 0.85 } },
    { than: /^(?!bare)/, ratio: 1 },
  ],
  contenders: () =>
    programs(["bare Worker", OURS, ...PEERS.map(({ name }) => name)], "identity", 1),
};
