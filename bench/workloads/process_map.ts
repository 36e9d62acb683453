import { ourProcesses, PROCESS_PEERS } from "../pools.ts";
import { python } from "../python.ts";
import { identity } from "../tasks.js";
import { check, OURS, rate } from "../workload.ts";
import type { Contender, Workload } from "../workload.ts";

/** Items for those who send a message for each. */
const FEW = 20_000;

export const workload: Workload = {
  title: "Processes, map: a million integers; peers without chunks have 20,000",
  unit: "items/s",
  better: "more",
  rounds: 7,
  targets: [
    { than: /^(tinypool|workerpool|jest-worker)/, ratio: 5 },
    { than: /^CPython/, ratio: 1 },
  ],
  async contenders(quick) {
    const count = quick ? 200_000 : 1_000_000;
    const numbers = Array.from({ length: count }, (_, i) => i);
    const executor = await ourProcesses();
    const pools = await Promise.all(
      PROCESS_PEERS.map(async ({ name, start }): Promise<Contender> => {
        const pool = await start("identity");
        return {
          name,
          round: () =>
            rate(FEW, async () => {
              const results = await Promise.all(
                numbers.slice(0, FEW).map((i) => pool.submit(i)),
              );
              check(results.every((x, i) => x === i), "all in order");
            }),
          end: () => pool.end() as void,
        };
      }),
    );
    return [
      {
        name: OURS,
        round: () =>
          rate(count, async () => {
            const results = await executor.map(identity, numbers).toArray();
            check(
              results.length === count && results.every((x, i) => x === i),
              "all in order",
            );
          }),
        end: () => executor.shutdown(),
      },
      ...pools,
      ...python("process.py", [
        ["CPython ProcessPoolExecutor, chunksize 1,000", "map", `${count}`],
      ]),
    ];
  },
};
