import { OUR_POOL, PEERS, RAW } from "../pools.ts";
import { check, time, WORKERS } from "../workload.ts";
import type { Workload } from "../workload.ts";

const TASKS = 1024;
const MILLISECONDS = 230;

export const workload: Workload = {
  title: "Waiting: 1,024 asynchronous tasks of 230 ms at once",
  unit: "ms",
  better: "less",
  rounds: 5,
  targets: [{ than: /^the bound/, ratio: 1.3 }],
  contenders: async () => [
    { name: "the bound", round: () => Promise.resolve(MILLISECONDS) },
    ...await Promise.all(
      [
        OUR_POOL,
        RAW,
        ...PEERS.filter(({ name }) => !/16 per worker/.test(name)),
      ].map(
        async ({ name, start }) => {
          const pool = await start("sleep", TASKS / WORKERS);
          return {
            name,
            round: () =>
              time(async () => {
                const all = [];
                for (let i = 0; i < TASKS; i++) {
                  all.push(pool.submit(MILLISECONDS));
                }
                check(
                  (await Promise.all(all)).every((ms) => ms === MILLISECONDS),
                  "all",
                );
              }),
          };
        },
      ),
    ),
  ],
};
