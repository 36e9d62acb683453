import { burn } from "../tasks.js";
import { ours } from "../pools.ts";
import { RawChannel } from "../raw.ts";
import { check, OURS, time } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Speed-up: two CPU tasks on two workers, against one after the other on this thread",
  unit: "ms",
  better: "less",
  rounds: 7,
  targets: [{ than: /^inline/, ratio: 1 / 1.9 }, { than: /^raw/, ratio: 1.05 }],
  async contenders(quick) {
    const units = quick ? 100_000 : 400_000;
    const executor = await ours();
    const raw = await RawChannel.start(2, "burn");
    return [
      {
        name: "inline",
        round: () =>
          time(() => {
            check(burn(units) + burn(units) > 0, "time");
            return Promise.resolve();
          }),
      },
      {
        name: "raw, two workers",
        round: () =>
          time(async () => {
            const [a, b] = await Promise.all([
              raw.send<number>(units),
              raw.send<number>(units),
            ]);
            check(a + b > 0, "time");
          }),
      },
      {
        name: OURS,
        round: () =>
          time(async () => {
            const [a, b] = await Promise.all([
              executor.submit(burn, units),
              executor.submit(burn, units),
            ]);
            check(a + b > 0, "time");
          }),
      },
    ];
  },
};
