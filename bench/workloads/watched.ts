import { ThreadPoolExecutor } from "../../mod.ts";
import { identity } from "../tasks.js";
import { check, OURS, rate, WORKERS } from "../workload.ts";
import type { Workload } from "../workload.ts";

const NOBODY = `${OURS}, nobody looks`;

/** What it costs to be seen: each with an executor of its own, the rest as in burst. */
export const workload: Workload = {
  title: "Watched: 100,000 identity tasks, with metrics and with an observer",
  unit: "tasks/s",
  better: "more",
  rounds: 15,
  targets: [
    { than: /nobody looks$/, ratio: 1 / 1.15, of: `${OURS}, metrics` },
    { than: /nobody looks$/, ratio: 1 / 1.5, of: `${OURS}, an observer` },
  ],
  async contenders(quick) {
    const count = quick ? 20_000 : 100_000;
    const executors = [
      { name: NOBODY, metrics: false, observed: false },
      { name: `${OURS}, metrics`, metrics: true, observed: false },
      { name: `${OURS}, an observer`, metrics: false, observed: true },
    ];
    return await Promise.all(executors.map(async ({ name, metrics, observed }) => {
      const executor = new ThreadPoolExecutor({ maxWorkers: WORKERS, metrics });
      await executor.warmUp();
      let ended = 0;
      if (observed) executor.observe(({ type }) => type === "ended" && ended++);
      return {
        name,
        round: async () => {
          ended = 0;
          const figure = await rate(count, async () => {
            const futures = [];
            for (let i = 0; i < count; i++) futures.push(executor.submit(identity, i));
            const results = await Promise.all(futures);
            check(results.length === count && results.every((x, i) => x === i), "all in order");
          });
          if (observed) check(ended === count, "each task told of");
          return figure;
        },
        end: () => executor.shutdown(),
      };
    }));
  },
};
