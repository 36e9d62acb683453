import { identity, spin } from "../tasks.js";
import { OUR_POOL, ours, PEERS } from "../pools.ts";
import { check, OURS } from "../workload.ts";
import type { Workload } from "../workload.ts";

const TINY = 50;

/** Milliseconds of the long task. */
const LONG = 200;

/** Milliseconds until the tiny ones that were submitted with a long one are done. */
async function delay(
  tiny: () => PromiseLike<unknown>,
  long: () => PromiseLike<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  const all = Array.from({ length: TINY }, () => tiny());
  let ended = false;
  const last = Promise.resolve(long()).then(() => ended = true);
  await Promise.all(all);
  const took = performance.now() - startedAt;
  const endedFirst = ended;
  await last;
  check(!endedFirst || took > LONG, "the long one takes its time");
  return took;
}

export const workload: Workload = {
  title: "Prompt: 50 tiny tasks and a long one in one burst; when the last tiny result is there",
  unit: "ms",
  better: "less",
  rounds: 9,
  targets: [{ bound: 5 }, { of: `${OURS}, of one function`, bound: 5 }],
  async contenders() {
    const executor = await ours();
    const pools = await Promise.all(
      [{ ...OUR_POOL, name: `${OURS}, of one function` }, ...PEERS].map(
        async ({ name, start }) => ({ name, pool: await start("spin") }),
      ),
    );
    return [
      {
        name: OURS,
        round: () => delay(() => executor.submit(identity, 0), () => executor.submit(spin, LONG)),
      },
      ...pools.map(({ name, pool }) => ({
        name,
        async round() {
          // What is known to be tiny is sent ahead, and the long one with it.
          for (let i = 0; i < 20; i++) await pool.submit(0);
          return delay(() => pool.submit(0), () => pool.submit(LONG));
        },
      })),
    ];
  },
};
