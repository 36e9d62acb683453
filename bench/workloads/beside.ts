import { OUR_POOL, ours, PEERS } from "../pools.ts";
import { RawChannel } from "../raw.ts";
import { identity, spin } from "../tasks.js";
import { check, OURS, percentile } from "../workload.ts";
import type { Workload } from "../workload.ts";

/** Milliseconds of a task that is not tiny; one of these always runs. */
const LONG = 5;

/** Milliseconds between two tiny tasks. */
const EVERY = 2;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, EVERY));

/** The 99th percentile of the milliseconds until a tiny task is done, while the other worker is busy. */
async function latency(
  count: number,
  tiny: () => PromiseLike<unknown>,
  long: () => PromiseLike<unknown>,
): Promise<number> {
  const delays: number[] = [];
  let ended = false;
  const busy = (async () => {
    while (!ended) await long();
  })();
  const pending: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    await pause();
    const startedAt = performance.now();
    pending.push(
      Promise.resolve(tiny()).then(() => {
        delays.push(performance.now() - startedAt);
      }),
    );
  }
  await Promise.all(pending);
  ended = true;
  await busy;
  check(delays.length === count, "all");
  return percentile(delays, 0.99);
}

export const workload: Workload = {
  title: "Beside: tiny tasks, one every 2 ms, beside tasks of 5 ms, of which one always runs; p99",
  unit: "ms",
  better: "less",
  rounds: 7,
  targets: [
    { bound: 1 },
    { than: /^(piscina|poolifier-web-worker)$/, ratio: 1 },
    { of: `${OURS}, of one function`, bound: 1 },
    { of: `${OURS}, of one function`, than: /^(piscina|poolifier-web-worker)$/, ratio: 1 },
  ],
  async contenders(quick) {
    const count = quick ? 200 : 500;
    const executor = await ours();
    const raw = await RawChannel.start(2, "spin");
    const pools = await Promise.all(
      [{ ...OUR_POOL, name: `${OURS}, of one function` }, ...PEERS].map(
        async ({ name, start }) => ({ name, pool: await start("spin") }),
      ),
    );
    return [
      {
        name: "raw, a worker for each",
        round: () => latency(count, () => raw.send(0, 0), () => raw.send(LONG, 1)),
      },
      {
        name: OURS,
        round: () =>
          latency(count, () => executor.submit(identity, 0), () => executor.submit(spin, LONG)),
      },
      ...pools.map(({ name, pool }) => ({
        name,
        round: () => latency(count, () => pool.submit(0), () => pool.submit(LONG)),
      })),
    ];
  },
};
