import { ours } from "../pools.ts";
import { RawChannel } from "../raw.ts";
import { root, roots } from "../tasks.js";
import { check, OURS, rate, WORKERS } from "../workload.ts";
import type { Workload } from "../workload.ts";

/** Numbers in one block, here and there: what the library itself would take. */
const BLOCK = 1 << 16;

export const workload: Workload = {
  title: "Typed arrays: square roots of a million doubles",
  unit: "numbers/s",
  better: "more",
  rounds: 15,
  targets: [
    { than: /^raw blocks$/, ratio: 0.7, of: `${OURS}, mapBlocks` },
    { than: /^raw blocks, shared$/, ratio: 0.7, of: `${OURS}, mapBlocks, shared` },
  ],
  async contenders(quick) {
    const count = quick ? 1 << 18 : 1 << 20;
    const numbers = Float64Array.from({ length: count }, (_, i) => i);
    const shared = new Float64Array(new SharedArrayBuffer(8 * count));
    shared.set(numbers);
    const target = new Float64Array(count);
    const executor = await ours();
    const raw = await RawChannel.start(WORKERS, "roots");
    const verify = (): void => {
      check(target.every((x, i) => x === Math.sqrt(i)), "all in order");
      target.fill(0);
    };
    async function sent(channel: RawChannel, part: (at: number) => Float64Array): Promise<void> {
      const blocks: Promise<Float64Array>[] = [];
      for (let at = 0; at < count; at += BLOCK) blocks.push(channel.send(part(at)));
      let at = 0;
      for (const block of blocks) {
        target.set(await block, at);
        at += BLOCK;
      }
    }
    const copied = (at: number): Float64Array => numbers.slice(at, at + BLOCK);
    const seen = (at: number): Float64Array => shared.subarray(at, at + BLOCK);
    const contender = (name: string, run: () => Promise<unknown>, end?: () => Promise<void>) => ({
      name,
      async round(): Promise<number> {
        const measured = await rate(count, run);
        verify();
        return measured;
      },
      ...(end === undefined ? {} : { end }),
    });
    return [
      contender("raw blocks", () => sent(raw, copied)),
      contender("raw blocks, shared", () => sent(raw, seen), () => raw.end()),
      contender(`${OURS}, mapBlocks`, () => executor.mapBlocks(roots, numbers).into(target)),
      contender(`${OURS}, mapBlocks, shared`, () => executor.mapBlocks(roots, shared).into(target)),
      contender(
        `${OURS}, map into`,
        () => executor.map(root, numbers).into(target),
        () => executor.shutdown(),
      ),
    ];
  },
};
