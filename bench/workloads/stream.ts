import { ours } from "../pools.ts";
import { identity, numbers } from "../tasks.js";
import { check, OURS, rate } from "../workload.ts";
import type { Workload } from "../workload.ts";

export const workload: Workload = {
  title: "Stream: a million integers, one by one, of a generator in a worker",
  unit: "values/s",
  better: "more",
  rounds: 7,
  targets: [
    { of: `${OURS}, stream`, than: /, map$/, ratio: 0.5 },
    { of: `${OURS}, stream, bufferSize 8,192`, than: /, map$/, ratio: 0.5 },
  ],
  async contenders(quick) {
    const count = quick ? 200_000 : 1_000_000;
    const items = Array.from({ length: count }, (_, i) => i);
    const executor = await ours();
    const taken = (name: string, values: () => AsyncIterable<number>) => ({
      name: `${OURS}, ${name}`,
      round: () =>
        rate(count, async () => {
          let expected = 0;
          for await (const x of values()) check(x === expected++, "in order");
          check(expected === count, "all");
        }),
    });
    return [
      taken("map", () => executor.map(identity, items)),
      taken("stream", () => executor.stream(numbers, count)),
      taken(
        "stream, bufferSize 8,192",
        () => executor.with({ bufferSize: 8192 }).stream(numbers, count),
      ),
    ];
  },
};
