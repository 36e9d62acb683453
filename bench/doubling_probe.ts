/**
 * Prints, as JSON, the exponents by which CPU time and heap of one operation grow with the number of tasks,
 * and the figures themselves: `doubling_probe.ts submit|map|wait|asCompleted|cancel most`. From a 32nd of
 * `most` on, twice as many each time. Needs the garbage collector at hand.
 */

import process from "node:process";
import { asCompleted, ThreadPoolExecutor, wait } from "../mod.ts";
import type { Future } from "../mod.ts";
import { usedMemory } from "./memory.ts";
import { identity, sleep } from "./tasks.js";
import { check } from "./workload.ts";

const [operation, given] = process.argv.slice(2);
const most = Number(given);

/** Of so many runs of one size the cheapest counts. */
const RUNS = 3;

/** Milliseconds of CPU that the process has used: the machine may be busy with something else. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const executor = new ThreadPoolExecutor(2);
await executor.warmUp();

/** What is done with so many tasks; calls `full` when as much as ever is held. */
type Operation = (count: number, full: () => Promise<void>) => Promise<void>;

function submitAll(count: number): Future<number>[] {
  return Array.from({ length: count }, (_, i) => executor.submit(identity, i));
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  async submit(count, full) {
    const futures = submitAll(count);
    await full();
    const results = await Promise.all(futures);
    check(results.length === count && results.at(-1) === count - 1, "all");
  },
  async map(count, full) {
    const results = await executor.map(identity, Array.from({ length: count }, (_, i) => i))
      .toArray();
    await full();
    check(results.length === count && results.at(-1) === count - 1, "all");
  },
  async wait(count, full) {
    const waiting = wait(submitAll(count));
    await full();
    const { done } = await waiting;
    check(done.size === count, "all");
  },
  async asCompleted(count, full) {
    const all = asCompleted(submitAll(count));
    await full();
    let sum = 0;
    for await (const future of all) sum += await future;
    check(sum === count * (count - 1) / 2, "sum");
  },
  async cancel(count, full) {
    const busy = [executor.submit(sleep, 50), executor.submit(sleep, 50)];
    const futures = submitAll(count);
    await full();
    // Those at both ends in turn, so that no order helps.
    let cancelled = 0;
    for (let i = 0; i < count; i++) {
      if (futures[i % 2 === 0 ? i >> 1 : count - 1 - (i >> 1)]!.cancel()) cancelled++;
    }
    check(cancelled > 0, "some");
    await Promise.all(busy);
    await executor.submit(identity, 0);
  },
};

const run = OPERATIONS[operation!]!;
const sizes = Array.from({ length: 6 }, (_, i) => Math.round(most / 2 ** (5 - i)));
const rows: { count: number; time: number; memory: number }[] = [];
for (let i = 0; i < 3; i++) await run(sizes[0]!, () => Promise.resolve()); // warm
for (const count of sizes) {
  let time = Infinity;
  for (let i = 0; i < RUNS; i++) {
    await usedMemory();
    const before = cpu();
    await run(count, () => Promise.resolve());
    time = Math.min(time, cpu() - before);
  }
  const { heap } = await usedMemory();
  let memory = 0;
  await run(count, async () => {
    memory = (await usedMemory()).heap - heap;
  });
  rows.push({ count, time, memory });
}

/** The slope of the line that lies nearest, both logarithms taken. */
function exponent(what: "time" | "memory"): number {
  const xs = rows.map(({ count }) => Math.log(count));
  const ys = rows.map((row) => Math.log(row[what]));
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const above = xs.reduce((sum, value, i) => sum + (value - x) * (ys[i]! - y), 0);
  return above / xs.reduce((sum, value) => sum + (value - x) ** 2, 0);
}

const printed = { time: exponent("time"), memory: exponent("memory"), rows };
process.stdout.write(`${JSON.stringify(printed)}\n`, () => process.exit());
