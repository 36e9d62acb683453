import { identity } from "../tasks.js";
import { ours } from "../pools.ts";
import { python } from "../python.ts";
import { RawChannel } from "../raw.ts";
import { check, OURS, rate, WORKERS } from "../workload.ts";
import type { Workload } from "../workload.ts";

/** Numbers in one message of the raw channel: the size at which all three runtimes are at their best. */
const FLAT = 8192;

export const workload: Workload = {
  title: "Map: a million integers",
  unit: "items/s",
  better: "more",
  rounds: 7,
  targets: [
    { than: /^raw/, ratio: 0.8 },
    { than: /^CPython Pool$/, ratio: 1.3 },
    { than: /^CPython ThreadPool$/, ratio: { bun: 1 } },
    { than: /toArray/, ratio: 0.4, of: `${OURS}, for await` },
  ],
  async contenders(quick) {
    const count = quick ? 200_000 : 1_000_000;
    const numbers = Array.from({ length: count }, (_, i) => i);
    const ordered = (results: readonly unknown[]): void =>
      check(
        results.length === count && results.every((x, i) => x === i),
        "all in order",
      );
    const executor = await ours();
    const raw = await RawChannel.start(WORKERS, "identity", { batched: true });
    return [
      {
        name: "raw, flat arrays",
        round: () =>
          rate(count, async () => {
            const sent: Promise<unknown[]>[] = [];
            for (let at = 0; at < count; at += FLAT) {
              sent.push(raw.send<unknown[]>(numbers.slice(at, at + FLAT)));
            }
            const results: unknown[] = [];
            for (const part of sent) {
              for (const value of await part) results.push(value);
            }
            ordered(results);
          }),
        end: () => raw.end(),
      },
      {
        name: `${OURS}, toArray`,
        round: () =>
          rate(
            count,
            async () => ordered(await executor.map(identity, numbers).toArray()),
          ),
      },
      {
        name: `${OURS}, for await`,
        round: () =>
          rate(count, async () => {
            let expected = 0;
            for await (const x of executor.map(identity, numbers)) {
              check(x === expected++, "in order");
            }
            check(expected === count, "all");
          }),
        end: () => executor.shutdown(),
      },
      ...python("map.py", [
        ["CPython Pool", "Pool", `${count}`],
        ["CPython ThreadPool", "ThreadPool", `${count}`],
      ]),
    ];
  },
};
