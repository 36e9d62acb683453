import { OUR_POOL, PEERS, RAW_ALONE } from "../pools.ts";
import { check, rate } from "../workload.ts";
import type { Contender, Workload } from "../workload.ts";

/** Who awaits one task after the other. */
export async function oneByOne(quick: boolean): Promise<Contender[]> {
  const count = quick ? 2_000 : 10_000;
  return await Promise.all(
    [RAW_ALONE, OUR_POOL, ...PEERS].map(async ({ name, start }) => {
      const pool = await start("identity");
      return {
        name,
        round: () =>
          rate(count, async () => {
            for (let i = 0; i < count; i++) check(await pool.submit(i) === i, "identity");
          }),
        end: () => pool.end() as void,
      };
    }),
  );
}

export const workload: Workload = {
  title: "Sequential: await submit(identity), again and again, on one CPU",
  unit: "round trips/s",
  better: "more",
  pinned: true,
  rounds: 9,
  quickRounds: 5,
  targets: [
    { than: /^raw/, ratio: { deno: 0.85, bun: 0.75, node: 0.85 } },
    { than: /^(?!raw)/, ratio: 1 },
  ],
  contenders: oneByOne,
};
