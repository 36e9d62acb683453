/**
 * Measures in a page: this library beside the bare channel, by turns. Tells `main.ts` the figures.
 *
 * @module
 */

import { importTasks, ThreadPoolExecutor } from "../../mod.ts";
import { BatchedChannel, RawChannel } from "../raw.ts";
import { check, OURS, rate, time, WORKERS } from "../workload.ts";

/** Figures of one contender of a workload. */
export interface PageRow {
  readonly workload: string;
  readonly unit: string;
  readonly name: string;
  readonly figures: number[];
}

interface Contender {
  readonly name: string;
  round(): Promise<number>;
}

const BURST = 20_000;
const SEQUENTIAL = 2_000;
const MAP = 200_000;
/** Numbers in one message of the raw channel. */
const FLAT = 8192;

const ROUNDS = 7;

const { identity } = importTasks<{ identity(x: number): number }>(
  new URL("../tasks.js", import.meta.url).href,
);
const numbers = Array.from({ length: MAP }, (_, i) => i);

const executor = new ThreadPoolExecutor(WORKERS);
await executor.warmUp();
const raw = await RawChannel.start(WORKERS, "identity");
const flat = await RawChannel.start(WORKERS, "identity", { batched: true });
const batched = new BatchedChannel(flat);
const single = new ThreadPoolExecutor(1);
await single.warmUp();
const alone = await RawChannel.start(1, "identity");

function ordered(results: readonly unknown[], count: number): void {
  check(results.length === count && results.every((x, i) => x === i), "all in order");
}

function burst(name: string, submit: (x: number) => PromiseLike<unknown>): Contender {
  return {
    name,
    round: () =>
      rate(BURST, async () => {
        const pending: PromiseLike<unknown>[] = [];
        for (let i = 0; i < BURST; i++) pending.push(submit(i));
        ordered(await Promise.all(pending), BURST);
      }),
  };
}

function sequential(name: string, submit: (x: number) => PromiseLike<unknown>): Contender {
  return {
    name,
    round: () =>
      rate(SEQUENTIAL, async () => {
        for (let i = 0; i < SEQUENTIAL; i++) check(await submit(i) === i, "identity");
      }),
  };
}

async function mapRaw(): Promise<void> {
  const sent: Promise<unknown[]>[] = [];
  for (let at = 0; at < MAP; at += FLAT) sent.push(flat.send(numbers.slice(at, at + FLAT)));
  const results: unknown[] = [];
  for (const part of sent) for (const value of await part) results.push(value);
  ordered(results, MAP);
}

const WORKLOADS: readonly { title: string; unit: string; contenders: Contender[] }[] = [
  {
    title: `Burst: ${BURST.toLocaleString("en")} identity tasks at once`,
    unit: "tasks/s",
    contenders: [
      burst("raw, micro-batched", (x) => batched.submit(x)),
      burst("raw, a message per task", (x) => raw.send(x)),
      burst(OURS, (x) => executor.submit(identity, x)),
    ],
  },
  {
    title: "Sequential: one after the other, one worker",
    unit: "round trips/s",
    contenders: [
      sequential("raw, a message per task", (x) => alone.send(x)),
      sequential(OURS, (x) => single.submit(identity, x)),
    ],
  },
  {
    title: `Map: ${MAP.toLocaleString("en")} integers`,
    unit: "items/s",
    contenders: [
      { name: "raw, flat arrays", round: () => rate(MAP, mapRaw) },
      {
        name: OURS,
        round: () =>
          rate(MAP, async () => ordered(await executor.map(identity, numbers).toArray(), MAP)),
      },
    ],
  },
  {
    title: "Start: a worker, its first result, and its end",
    unit: "ms",
    contenders: [
      {
        name: "raw, a message per task",
        round: () =>
          time(async () => {
            const channel = await RawChannel.start(1, "identity");
            check(await channel.send(1) === 1, "identity");
            await channel.end();
          }),
      },
      {
        name: OURS,
        round: () =>
          time(async () => {
            await using executor = new ThreadPoolExecutor(1);
            check(await executor.submit(identity, 1) === 1, "identity");
          }),
      },
    ],
  },
];

const rows: PageRow[] = [];
let failure: string | undefined;
try {
  for (const { title, unit, contenders } of WORKLOADS) {
    const mine = contenders.map(({ name }) => ({ workload: title, unit, name, figures: [] }));
    rows.push(...mine);
    for (let round = -1; round < ROUNDS; round++) { // the first warms up
      for (let i = 0; i < contenders.length; i++) {
        const at = (i + round + 1) % contenders.length; // who begins changes
        const figure = await contenders[at]!.round();
        if (round >= 0) (mine[at]!.figures as number[]).push(figure);
      }
    }
  }
} catch (error) {
  failure = String(error);
}
await fetch("/report?page=bench", {
  method: "POST",
  body: JSON.stringify({ rows, failure, isolated: crossOriginIsolated }),
});
