import { identity } from "../tasks.js";
import { ours } from "../pools.ts";
import { check, OURS } from "../workload.ts";
import type { Workload } from "../workload.ts";

/** Rearranges the indices of what is cancelled. */
const ORDERS: Readonly<Record<string, (indices: number[]) => number[]>> = {
  "oldest first": (indices) => indices,
  "newest first": (indices) => indices.reverse(),
  "at random": (indices) => {
    let state = 7;
    for (let i = indices.length - 1; i > 0; i--) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      const j = Math.floor(state / 2 ** 31 * (i + 1));
      [indices[i], indices[j]] = [indices[j]!, indices[i]!];
    }
    return indices;
  },
};

export const workload: Workload = {
  title: "Cancel: 100,000 pending tasks",
  unit: "µs per cancel",
  better: "less",
  rounds: 7,
  targets: Object.keys(ORDERS).map((order) => ({
    of: `${OURS}, ${order}`,
    bound: 0.5,
  })),
  async contenders(quick) {
    const count = quick ? 20_000 : 100_000;
    const executor = await ours();
    return [
      ...Object.entries(ORDERS).map(([order, arrange]) => ({
        name: `${OURS}, ${order}`,
        async round() {
          const indices = arrange(Array.from({ length: count }, (_, i) => i));
          const futures = indices.map((i) => executor.submit(identity, i));
          const startedAt = performance.now();
          let cancelled = 0;
          for (const i of indices) if (futures[i]!.cancel()) cancelled++;
          const took = performance.now() - startedAt;
          check(cancelled === count, "all cancelled");
          await executor.submit(identity, 0);
          return took * 1000 / count;
        },
      })),
    ];
  },
};
