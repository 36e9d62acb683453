import { OUR_PROCESS_POOL, PROCESS_PEERS, RAW_PIPE } from "../pools.ts";
import { python } from "../python.ts";
import { check, rate } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Processes, burst: 20,000 identity tasks submitted at once, then all awaited",
  unit: "tasks/s",
  better: "more",
  rounds: 7,
  targets: [
    { than: /^raw/, ratio: 0.5 },
    { than: /^(tinypool|workerpool|jest-worker)/, ratio: 5 },
    { than: /^CPython/, ratio: 1 },
  ],
  async contenders(quick) {
    const count = quick ? 5_000 : 20_000;
    const pools = await Promise.all(
      [RAW_PIPE, OUR_PROCESS_POOL, ...PROCESS_PEERS].map(async ({ name, start }) => {
        const pool = await start("identity");
        return {
          name,
          round: () =>
            rate(count, async () => {
              const pending: PromiseLike<unknown>[] = [];
              for (let i = 0; i < count; i++) pending.push(pool.submit(i));
              const results = await Promise.all(pending);
              check(
                results.length === count && results.every((x, i) => x === i),
                "all in order",
              );
            }),
          end: () => pool.end() as void,
        };
      }),
    );
    return [
      ...pools,
      ...python("process.py", [[
        "CPython ProcessPoolExecutor",
        "submit",
        `${count}`,
      ]]),
    ];
  },
};
