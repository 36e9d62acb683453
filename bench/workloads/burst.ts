import { OUR_POOL, PEERS, RAW, RAW_BATCHED } from "../pools.ts";
import { python } from "../python.ts";
import { check, rate } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Burst: 100,000 identity tasks submitted at once, then all awaited",
  unit: "tasks/s",
  better: "more",
  rounds: 7,
  targets: [
    { than: /^raw, micro-batched$/, ratio: 0.6 },
    { than: /^piscina$/, ratio: 15 },
    { than: /^piscina, 16/, ratio: 7 },
    { than: /^(tinypool|poolifier|workerpool|jest-worker)/, ratio: 8 },
    { than: /^CPython/, ratio: 7 },
  ],
  async contenders(quick) {
    const count = quick ? 20_000 : 100_000;
    const pools = await Promise.all(
      [RAW_BATCHED, RAW, OUR_POOL, ...PEERS].map(async ({ name, start }) => {
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
      ...python("burst.py", [["CPython ThreadPoolExecutor", `${count}`]]),
    ];
  },
};
