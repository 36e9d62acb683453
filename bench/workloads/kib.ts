import { OUR_POOL, PEERS, RAW_ALONE } from "../pools.ts";
import { check, OURS, rate } from "../workload.ts";
import type { Contender, Target, Workload } from "../workload.ts";

const PAYLOADS: Readonly<Record<string, string | Uint8Array>> = {
  string: "x".repeat(1024),
  bytes: new Uint8Array(1024).fill(7),
};

/** Each with a string and with bytes. */
export async function thereAndBack(quick: boolean): Promise<Contender[]> {
  const count = quick ? 2_000 : 10_000;
  const pools = await Promise.all(
    [RAW_ALONE, OUR_POOL, ...PEERS].map(async ({ name, start }) => ({
      name,
      pool: await start("identity"),
    })),
  );
  return pools.flatMap(({ name, pool }) =>
    Object.entries(PAYLOADS).map(([kind, value]) => ({
      name: `${name}: ${kind}`,
      round: () =>
        rate(count, async () => {
          for (let i = 0; i < count; i++) {
            const back = await pool.submit(value) as typeof value;
            check(back.length === value.length && back[1023] === value[1023], kind);
          }
        }),
      end: () => pool.end() as void,
    }))
  );
}

export const targets: readonly Target[] = Object.keys(PAYLOADS).map((kind) => ({
  of: `${OURS}: ${kind}`,
  than: new RegExp(`^(?!raw|${OURS}).*: ${kind}$`),
  ratio: 0.95,
}));

export const workload: Workload = {
  title: "1 KiB: there and back, one after the other, on one CPU",
  unit: "round trips/s",
  better: "more",
  pinned: true,
  rounds: 9,
  quickRounds: 5,
  targets,
  contenders: thereAndBack,
};
