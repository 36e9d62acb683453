import { burn, identity } from "../tasks.js";
import { ours, PEERS } from "../pools.ts";
import { check, OURS } from "../workload.ts";
import type { Workload } from "../workload.ts";

const TINY = 50;

export const workload: Workload = {
  title: "Prompt: 50 tiny tasks and a long one in one burst; when the last tiny result is there",
  unit: "ms",
  better: "less",
  rounds: 9,
  targets: [{ than: /^5 ms/, ratio: 1 }],
  async contenders() {
    const executor = await ours();
    const peers = await Promise.all(PEERS.map(async ({ name, start }) => ({
      name,
      pool: await start("burn", 1),
    })));
    return [
      { name: "5 ms", round: () => Promise.resolve(5) },
      {
        name: OURS,
        async round() {
          const startedAt = performance.now();
          const tiny = Array.from(
            { length: TINY },
            (_, i) => executor.submit(identity, i),
          );
          const long = executor.submit(burn, 300_000);
          check((await Promise.all(tiny)).every((x, i) => x === i), "tiny");
          const delay = performance.now() - startedAt;
          check(!long.done() && await long > 0, "the long one ends last");
          return delay;
        },
      },
      ...peers.map(({ name, pool }) => ({
        name,
        async round() {
          const startedAt = performance.now();
          const tiny = Array.from({ length: TINY }, () => pool.submit(0));
          const long = pool.submit(300_000);
          await Promise.all(tiny);
          const delay = performance.now() - startedAt;
          await long;
          return delay;
        },
      })),
    ];
  },
};
