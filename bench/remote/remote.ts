/**
 * The distributed executor beside bare BullMQ, on the same Redis in the same run: only ratios mean anything.
 *
 *     npm run bench:remote -- [tasks]
 *
 * One worker in a process of its own, for both; each does nothing but give back its argument.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import { DistributedExecutor, remoteTasks } from "../../src/remote/mod.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { RedisServer } from "../../tests/remote/redis_server.ts";
import { chart } from "../chart.ts";
import { median } from "../report.ts";

const TASKS = Number(process.argv[2] ?? 20_000);
const SEQUENTIAL = 300;
const ABORTS = 100;
const BATCH = 500;
const CONCURRENCY = process.argv[3] ?? "20";
const QUEUE = "bench";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** One line of the result. */
interface Row {
  readonly name: string;
  readonly ours: number;
  readonly bare: number;
  readonly unit: "ms" | "/s";
  readonly target: string;
}

function start(file: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`${file} ended with ${code}`)));
    child.stdout!.on("data", (text) => {
      if (/ serves |ready/.test(String(text))) resolve(child);
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit").once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await body();
  return performance.now() - since;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Rates and times of bare BullMQ, whose completions are read from the queue's own stream of events. */
async function bare(
  url: string,
): Promise<{ p50: number; rate: number; chunks: Map<number, number> }> {
  const connection = (): Redis => new Redis(url, { maxRetriesPerRequest: null });
  const [one, two] = [connection(), connection()];
  const queue = new Queue("bare", { connection: one });
  const events = new QueueEvents("bare", { connection: two, lastEventId: "0-0" });
  let onEnd = (): void => {};
  events.on("completed", () => onEnd());
  const ended = (count: number): Promise<void> =>
    new Promise((resolve) => {
      let seen = 0;
      onEnd = () => {
        if (++seen === count) resolve();
      };
    });
  const opts = { removeOnComplete: { age: 600 } };
  const addAll = async (count: number, data: unknown): Promise<void> => {
    const all = ended(count);
    for (let i = 0; i < count; i += BATCH) {
      const size = Math.min(BATCH, count - i);
      await queue.addBulk(range(size).map(() => ({ name: "x", data, opts })));
    }
    await all;
  };
  await addAll(1_000, 1); // warm
  const times: number[] = [];
  for (let i = 0; i < SEQUENTIAL; i++) {
    times.push(
      await timed(async () => {
        const all = ended(1);
        await queue.add("x", i, opts);
        await all;
      }),
    );
  }
  const rate = TASKS / await timed(() => addAll(TASKS, 1)) * 1000;
  const chunks = new Map<number, number>();
  for (const size of [10, 100, 1000]) {
    const milliseconds = await timed(() => addAll(TASKS / size, range(size)));
    chunks.set(size, TASKS / milliseconds * 1000);
  }
  await events.close();
  await queue.close();
  one.disconnect();
  two.disconnect();
  return { p50: median(times), rate, chunks };
}

async function ours(url: string): Promise<
  { p50: number; submit: number; rate: number; chunks: Map<number, number>; aborts: number[] }
> {
  await using executor = new DistributedExecutor(bullmq({ url, queue: QUEUE }));
  const { same, untilAborted } = remoteTasks<typeof import("./tasks.ts")>("bench");
  await Promise.all(range(1_000).map((i) => executor.submit(same, i))); // warm
  const times: number[] = [];
  for (let i = 0; i < SEQUENTIAL; i++) {
    times.push(await timed(() => executor.submit(same, i).result()));
  }
  let submit = 0;
  const rate = TASKS / await timed(async () => {
    const since = performance.now();
    const futures = range(TASKS).map((i) => executor.submit(same, i));
    submit = (performance.now() - since) / TASKS * 1000;
    for (const future of futures) await future;
  }) * 1000;
  const chunks = new Map<number, number>();
  for (const chunkSize of [10, 100, 1000]) {
    const milliseconds = await timed(() =>
      executor.map(same, range(TASKS), { chunkSize }).toArray()
    );
    chunks.set(chunkSize, TASKS / milliseconds * 1000);
  }
  const aborts: number[] = [];
  for (let i = 0; i < ABORTS; i++) {
    const controller = new AbortController();
    const future = executor.with({ signal: controller.signal, onProgress: () => {} })
      .submit(untilAborted);
    while (!future.running()) await new Promise((resolve) => setTimeout(resolve, 1));
    // From the abort to the moment that the task itself saw it, by this machine's one clock.
    const aborted = Date.now();
    controller.abort();
    await future.exception().catch(() => {});
    aborts.push(await executor.submit(same, aborted) === aborted ? Date.now() - aborted : NaN);
  }
  return { p50: median(times), submit, rate, chunks, aborts: aborts.sort((a, b) => a - b) };
}

async function main(): Promise<void> {
  await using server = await RedisServer.start();
  const theirs = await start(here("bare_worker.ts"), server.url, CONCURRENCY);
  const without = await bare(server.url);
  await end(theirs);
  server.cli("flushall");
  const worker = await start(
    here("../../src/cli/cli.ts"),
    ...["worker", "--url", server.url, "--queue", QUEUE, "--concurrency", CONCURRENCY],
    ...["--module", `bench=${here("tasks.ts")}`],
  );
  const { p50, submit, rate, chunks, aborts } = await ours(server.url);
  await end(worker);

  const rows: Row[] = [
    {
      name: "W1 one after the other, p50",
      ours: p50,
      bare: without.p50,
      unit: "ms",
      target: "<= 1.5 x",
    },
    {
      name: `W2 ${TASKS} at once`,
      ours: rate,
      bare: without.rate,
      unit: "/s",
      target: ">= 0.85 x",
    },
    ...[...chunks].map(([size, ours]): Row => ({
      name: `W4 chunks of ${size}`,
      ours,
      bare: without.chunks.get(size)!,
      unit: "/s",
      target: ">= 0.6 x",
    })),
  ];
  const show = (value: number, unit: string): string =>
    unit === "ms" ? `${value.toFixed(2)} ms` : `${Math.round(value).toLocaleString("en")}/s`;
  for (const { name, ours, bare, unit, target } of rows) {
    console.log(
      `${name.padEnd(30)} ${show(ours, unit).padStart(12)}  bare ${
        show(bare, unit).padStart(12)
      }  ` +
        `${(ours / bare).toFixed(2)} x (${target})`,
    );
  }
  for (const [size, least] of [[10, 5], [100, 25], [1000, 70]] as const) {
    const factor = chunks.get(size)! / rate;
    console.log(`chunks of ${size}: ${factor.toFixed(1)} x of single ones (>= ${least} x)`);
  }
  console.log(`W9 submit() itself: ${submit.toFixed(1)} us (<= 10)`);
  const p99 = aborts[Math.floor(aborts.length * 0.99)]!;
  console.log(
    `W11 abort of a running task and one task after it: p50 ${median(aborts)} ms, p99 ${p99} ms`,
  );

  writeFileSync(
    here("../charts/remote.svg"),
    chart(
      "Distributed tasks per second, beside bare BullMQ",
      "tasks/s",
      rows.filter(({ unit }) => unit === "/s").map(({ name, ours, bare }) => ({
        title: name,
        bars: [
          { name: "DistributedExecutor", value: ours, label: show(ours, "/s"), ours: true },
          { name: "bare BullMQ", value: bare, label: show(bare, "/s"), ours: false },
        ],
      })),
    ),
  );
}

await main();
