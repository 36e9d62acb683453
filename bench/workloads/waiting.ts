import { OUR_POOL, PEERS, RAW } from "../pools.ts";
import { check, time, WORKERS } from "../workload.ts";
import type { Workload } from "../workload.ts";

const TASKS = 1024;
const MILLISECONDS = 230;

/** Workers of these run one task at a time, or 16: they would take minutes. */
const ONE_BY_ONE = /16 per worker|workerpool|jest-worker/;

export const workload: Workload = {
  title: "Waiting: 1,024 asynchronous tasks of 230 ms at once",
  unit: "ms",
  better: "less",
  rounds: 5,
  targets: [{ bound: 1.3 * MILLISECONDS }],
  contenders: async () => [
    ...await Promise.all(
      [
        OUR_POOL,
        RAW,
        ...PEERS.filter(({ name }) => !ONE_BY_ONE.test(name)),
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
