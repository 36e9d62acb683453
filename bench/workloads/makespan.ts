import { OUR_POOL, PEERS, RAW } from "../pools.ts";
import { check, OURS, time, WORKERS } from "../workload.ts";
import type { Workload } from "../workload.ts";

const TASKS = 400;

/** Shares of work whose sum is the same, in an order that the seed fixes. */
const SHAPES: Readonly<Record<string, (random: () => number) => number>> = {
  flat: () => 1,
  random: (random) => 0.05 + 1.9 * random(),
  "10 % are 20 x longer": (random) => random() < 0.1 ? 20 / 2.9 : 1 / 2.9,
};

function seeded(): () => number {
  let state = 42;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

export const workload: Workload = {
  title: "Makespan: 400 CPU tasks of different lengths, as a ratio to the bound",
  unit: "x bound",
  better: "less",
  rounds: 5,
  targets: Object.keys(SHAPES).map((shape) => ({
    of: `${OURS}, ${shape}`,
    bound: 1.1,
  })),
  async contenders(quick) {
    const pools = await Promise.all(
      [OUR_POOL, RAW, ...PEERS].map(async ({ name, start }) => ({
        name: name === RAW.name ? "raw, in turns" : name,
        pool: await start("burn"),
      })),
    );
    const unit = quick ? 500 : 1500; // a millisecond or three
    return pools.flatMap(({ name, pool }) =>
      Object.entries(SHAPES).map(([shape, share]) => ({
        name: `${name}, ${shape}`,
        /** The tasks tell how long they took: so a busy machine changes bound and makespan alike. */
        async round() {
          const random = seeded();
          const lengths = Array.from(
            { length: TASKS },
            () => Math.round(unit * share(random)),
          );
          let took: number[] = [];
          const makespan = await time(async () => {
            took = await Promise.all(
              lengths.map((units) => pool.submit(units)),
            ) as number[];
          });
          check(
            took.length === TASKS && took.every((ms) => ms >= 0),
            "times",
          );
          const sum = took.reduce((a, b) => a + b, 0);
          return makespan / Math.max(sum / WORKERS, ...took);
        },
      }))
    );
  },
};
