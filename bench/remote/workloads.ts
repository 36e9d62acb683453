/**
 * What is measured on one runtime, of client and worker alike: W1 to W12 of the reference.
 *
 * Both sides have one worker process, on the same Redis, and take turns, round by round. Results are as JSON on
 * the last line.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { ThreadPoolExecutor } from "../../mod.ts";
import {
  DistributedExecutor,
  type DistributedExecutorOptions,
  remoteTasks,
} from "../../src/remote/mod.ts";
import { hostInfo } from "../../src/runtime/host_info.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { RedisServer } from "../../tests/remote/redis_server.ts";
import { median } from "../report.ts";
import { BareClient } from "./bare.ts";
import { countCommands, cpuOf, end, startBare, startWorker } from "./processes.ts";
import { compute, now } from "./tasks.ts";

/** One line of the result. */
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly unit: "ms" | "/s" | "us" | "%" | "x";
  readonly ours: number;
  /** What bare BullMQ, or whatever it is compared with, gave; `undefined` if the figure stands for itself. */
  readonly other?: number | undefined;
  /** Whom it is compared with. */
  readonly against?: string | undefined;
  /** `"<= 1.5 x"` of the other, or `"<= 10"` of the unit; `undefined` for what only informs. */
  readonly goal?: string | undefined;
}

/** What one runtime gives. */
export interface Results {
  readonly runtime: string;
  readonly rows: readonly Row[];
}

const CONCURRENCY = 20;
const QUEUE = "bench";
const BARE = "bare";
const AGAINST = "bare BullMQ";

const tasks = remoteTasks<typeof import("./tasks.ts")>("bench");

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const rest = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function timed(body: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await body();
  return performance.now() - since;
}

/** The time that a part of some times did not exceed. */
function quantile(times: readonly number[], part: number): number {
  return [...times].sort((a, b) =>
    a - b
  )[Math.min(times.length - 1, Math.floor(part * times.length))]!;
}

/** A server, both workers and both clients. */
class Bench {
  readonly rows: Row[] = [];
  readonly #scale: number;
  readonly #only: readonly string[];
  readonly server: RedisServer;
  readonly #redis: Redis;

  constructor(server: RedisServer, scale: number, only: readonly string[]) {
    this.server = server;
    this.#scale = scale;
    this.#only = only;
    this.#redis = new Redis(server.url, { maxRetriesPerRequest: null });
  }

  get url(): string {
    return this.server.url;
  }

  wants(...ids: string[]): boolean {
    return this.#only.length === 0 || ids.some((id) => this.#only.includes(id));
  }

  count(full: number): number {
    return Math.max(10, Math.round(full * this.#scale));
  }

  add(row: Row): void {
    this.rows.push(row);
    const { id, name, unit, ours, other, goal } = row;
    const ratio = other === undefined
      ? ""
      : ` against ${other.toPrecision(4)}: ${(ours / other).toFixed(2)} x`;
    console.log(
      `${id} ${name}: ${ours.toPrecision(4)} ${unit}${ratio}${
        goal === undefined ? "" : ` (${goal})`
      }`,
    );
  }

  client(options?: DistributedExecutorOptions): DistributedExecutor {
    return new DistributedExecutor(bullmq({ url: this.url, queue: QUEUE }), options);
  }

  /** Both in turn; who begins changes each time. What they left behind is deleted. */
  async turns<T>(
    rounds: number,
    ours: () => Promise<T>,
    bare: () => Promise<T>,
  ): Promise<{ ours: T[]; bare: T[] }> {
    const figures = { ours: [] as T[], bare: [] as T[] };
    for (let round = 0; round < rounds; round++) {
      for (const who of round % 2 === 0 ? ["bare", "ours"] as const : ["ours", "bare"] as const) {
        figures[who].push(await (who === "ours" ? ours() : bare()));
        await this.#clean();
      }
    }
    return figures;
  }

  async #clean(): Promise<void> {
    for (const [name, prefix] of [[QUEUE, "cf"], [BARE, "bull"]] as const) {
      const key = `${prefix}:${name}:completed`;
      const ids = await this.#redis.zrange(key, "0", "-1");
      for (let i = 0; i < ids.length; i += 1_000) {
        await this.#redis.unlink(ids.slice(i, i + 1_000).map((id) => `${prefix}:${name}:${id}`));
      }
      await this.#redis.unlink(key);
    }
  }

  close(): void {
    this.#redis.disconnect();
  }
}

/** W1 to W4, W8, W9 and W11: one client, one worker. */
async function single(bench: Bench, ours: ChildProcess, theirs: ChildProcess): Promise<void> {
  await using executor = bench.client();
  const bare = await BareClient.open(bench.url, BARE);
  await Promise.all(range(1_000).map((i) => executor.submit(tasks.same, i))); // warm
  await bare.run(1_000, 1);

  if (bench.wants("W1")) {
    const times = async (one: (i: number) => Promise<unknown>): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < bench.count(300); i++) all.push(await timed(() => one(i)));
      return all;
    };
    const figures = await bench.turns(
      3,
      () => times((i) => executor.submit(tasks.same, i).result()),
      () => times((i) => bare.one(i)),
    );
    const [our, their] = [figures.ours.flat(), figures.bare.flat()];
    const row = { id: "W1", unit: "ms", against: AGAINST } as const;
    bench.add({
      ...row,
      name: "one task after the other, p50",
      ours: median(our),
      other: median(their),
      goal: "<= 1.5 x",
    });
    bench.add({
      ...row,
      name: "one task after the other, p99",
      ours: quantile(our, 0.99),
      other: quantile(their, 0.99),
      goal: "<= 2 x",
    });
  }

  /** Tasks a second, and milliseconds of processor time for each thousand: client, worker, Redis. */
  const burst = async (count: number, worker: ChildProcess, run: () => Promise<unknown>) => {
    const pids = [process.pid, worker.pid!, bench.server.pid];
    const before = pids.map(cpuOf);
    const took = await timed(run);
    const cpu = pids.map((pid, i) => (cpuOf(pid) - before[i]!) / count * 1000);
    return { rate: count / took * 1000, cpu };
  };
  let singles = NaN;
  for (const [id, full, rounds] of [["W2", 20_000, 3], ["W3", 100_000, 1]] as const) {
    if (!bench.wants(id) && !(id === "W2" && bench.wants("W4", "W9"))) continue;
    const count = bench.count(full);
    const submits: number[] = [];
    const figures = await bench.turns(
      rounds,
      () =>
        burst(count, ours, async () => {
          const since = performance.now();
          const futures = range(count).map((i) => executor.submit(tasks.same, i));
          submits.push((performance.now() - since) / count * 1000);
          for (const future of futures) await future;
        }),
      () => burst(count, theirs, () => bare.run(count, 1)),
    );
    const rate = singles = median(figures.ours.map(({ rate }) => rate));
    bench.add({
      id,
      name: `${count.toLocaleString("en")} tasks at once`,
      unit: "/s",
      ours: rate,
      other: median(figures.bare.map(({ rate }) => rate)),
      against: AGAINST,
      goal: ">= 0.85 x",
    });
    const sums = (who: "ours" | "bare", at?: number): number =>
      median(
        figures[who].map(({ cpu }) => at === undefined ? cpu.reduce((a, b) => a + b) : cpu[at]!),
      );
    for (
      const [at, who] of [...["client", "worker", "Redis"].entries(), [undefined, "all"] as const]
    ) {
      bench.add({
        id,
        name: `processor time of one task, ${who}`,
        unit: "us",
        ours: sums("ours", at),
        other: sums("bare", at),
        against: AGAINST,
      });
    }
    if (id === "W2") {
      bench.add({
        id: "W9",
        name: "submit() itself",
        unit: "us",
        ours: median(submits),
        goal: "<= 10",
      });
    }
  }

  if (bench.wants("W4")) {
    const count = bench.count(100_000);
    for (const [chunkSize, factor] of [[10, 5], [100, 25], [1_000, 70]] as const) {
      const figures = await bench.turns(
        3,
        async () =>
          count / await timed(() =>
            executor.map(tasks.same, range(count), { chunkSize }).toArray()
          ) * 1000,
        async () => count / await timed(() => bare.run(count / chunkSize, range(chunkSize))) * 1000,
      );
      const rate = median(figures.ours);
      const name = `chunks of ${chunkSize.toLocaleString("en")}`;
      const row = { id: "W4", unit: "/s", ours: rate } as const;
      bench.add({
        ...row,
        name,
        other: median(figures.bare),
        against: "arrays by bare BullMQ",
        goal: ">= 0.6 x",
      });
      bench.add({ ...row, name, other: singles, against: "single tasks", goal: `>= ${factor} x` });
    }
  }

  if (bench.wants("W8")) {
    for (
      const [name, bytes, times] of [["100 KB", 100_000, 60], ["1 MB", 1_000_000, 20]] as const
    ) {
      const value = crypto.getRandomValues(new Uint8Array(50_000));
      const payload = new Uint8Array(bytes);
      for (let i = 0; i < bytes; i += value.length) payload.set(value, i);
      const text = "x".repeat(Math.ceil(bytes * 4 / 3)); // as base64 is
      const rounds = async (one: () => Promise<unknown>): Promise<number[]> => {
        const all: number[] = [];
        for (let i = 0; i < times; i++) all.push(await timed(one));
        return all;
      };
      const figures = await bench.turns(
        2,
        () => rounds(() => executor.submit(tasks.same, payload).result()),
        () => rounds(() => bare.one(text)),
      );
      bench.add({
        id: "W8",
        name: `${name} there and back, p50`,
        unit: "ms",
        ours: median(figures.ours.flat()),
        other: median(figures.bare.flat()),
        against: "as base64 by bare BullMQ",
        goal: "<= 1.5 x",
      });
    }
  }

  if (bench.wants("W11")) {
    const folder = mkdtempSync(join(tmpdir(), "bench-"));
    const file = join(folder, "aborts");
    const told: number[] = [];
    for (let i = 0; i < bench.count(200); i++) {
      const controller = new AbortController();
      const future = executor.with({ signal: controller.signal }).submit(tasks.untilAborted, file);
      while (!future.running()) await rest(1);
      told.push(now());
      controller.abort();
      await future.exception().catch(() => {});
      while (linesOf(file).length <= i) await rest(1);
    }
    const delays = linesOf(file).map((line, i) => Number(line) - told[i]!);
    rmSync(folder, { recursive: true });
    const row = { id: "W11", unit: "ms" } as const;
    bench.add({ ...row, name: "abort() until the task sees it, p50", ours: median(delays) });
    bench.add({
      ...row,
      name: "abort() until the task sees it, p99",
      ours: quantile(delays, 0.99),
      goal: "<= 10",
    });
  }

  if (bench.wants("W12")) {
    await rest(62_000); // a worker lets threads go after a minute
    const [client, worker] = [cpuOf(process.pid), cpuOf(ours.pid!)];
    const milliseconds = Math.max(5_000, 10_000 * Math.min(1, bench.count(10_000) / 10_000));
    await bare.close();
    await end(theirs);
    const since = performance.now();
    await rest(milliseconds);
    const took = performance.now() - since;
    const part = (pid: number, before: number): number => (cpuOf(pid) - before) / took * 100;
    const row = { id: "W12", unit: "%" } as const;
    bench.add({
      ...row,
      name: "a core for an idle client",
      ours: part(process.pid, client),
      goal: "<= 1",
    });
    bench.add({
      ...row,
      name: "a core for an idle worker",
      ours: part(ours.pid!, worker),
      goal: "<= 1",
    });
    const commands = countCommands(bench.server.port, milliseconds);
    bench.add({
      id: "W12",
      name: "commands to Redis, idle client and worker",
      unit: "/s",
      ours: commands / milliseconds * 1000,
      goal: "<= 4",
    });
  } else await bare.close();
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trim().split("\n");
  } catch {
    return [];
  }
}

/** W9: how fast tasks come to the engine; nobody takes them. */
async function enqueuing(bench: Bench): Promise<void> {
  const count = bench.count(20_000);
  const redis = new Redis(bench.url, { maxRetriesPerRequest: null });
  const queue = new Queue("unserved", { connection: redis });
  const job = { name: "x", data: 1, opts: { removeOnComplete: { age: 600 } } };
  const figures = await bench.turns(3, async () => {
    const executor = new DistributedExecutor(bullmq({ url: bench.url, queue: "unserved" }));
    await executor.warmUp();
    const took = await timed(async () => {
      for (let i = 0; i < count; i++) executor.submit(tasks.same, i);
      while (await redis.zcard("cf:unserved:prioritized") < count) await rest(2);
    });
    await executor.shutdown({ cancelFutures: true });
    return count / took * 1000;
  }, async () => {
    const took = await timed(async () => {
      for (let left = count; left > 0; left -= 500) {
        await queue.addBulk(range(Math.min(500, left)).map(() => job));
      }
    });
    await queue.obliterate();
    return count / took * 1000;
  });
  bench.add({
    id: "W9",
    name: "tasks that come to the engine",
    unit: "/s",
    ours: median(figures.ours),
    other: median(figures.bare),
    against: "addBulk() of bare BullMQ",
    goal: ">= 15000",
  });
  await queue.close();
  redis.disconnect();
}

/** W5: many clients, one queue. */
async function crowd(bench: Bench): Promise<void> {
  const [clients, each] = [8, bench.count(1_000)];
  const executors = range(clients).map(() => bench.client());
  const bares = await Promise.all(range(clients).map(() => BareClient.open(bench.url, BARE)));
  await Promise.all(executors.map((executor) => executor.submit(tasks.same, 1)));
  const measured = async (run: () => Promise<unknown>) => {
    const before = cpuOf(process.pid);
    const took = await timed(run);
    const all = clients * each;
    return { rate: all / took * 1000, cpu: (cpuOf(process.pid) - before) / all * 1000 };
  };
  const figures = await bench.turns(
    3,
    () =>
      measured(() =>
        Promise.all(executors.map(async (executor) => {
          const futures = range(each).map((i) => executor.submit(tasks.same, i));
          for (const future of futures) await future;
        }))
      ),
    () => measured(() => Promise.all(bares.map((bare) => bare.run(each, 1, "x", clients * each)))),
  );
  const row = { id: "W5", against: "events that all of them read" } as const;
  const of = (who: "ours" | "bare", what: "rate" | "cpu") =>
    median(figures[who].map((figure) => figure[what]));
  const name = `${clients} clients, ${each.toLocaleString("en")} tasks each`;
  bench.add({
    ...row,
    name,
    unit: "/s",
    ours: of("ours", "rate"),
    other: of("bare", "rate"),
    goal: ">= 1.15 x",
  });
  bench.add({
    ...row,
    name: "processor time of a client for one task",
    unit: "us",
    ours: of("ours", "cpu"),
    other: of("bare", "cpu"),
    goal: "<= 0.5 x",
  });
  await Promise.all(executors.map((executor) => executor.shutdown()));
  await Promise.all(bares.map((bare) => bare.close()));
}

/** W6: fifty tasks that sleep at once. */
async function sleepers(bench: Bench): Promise<void> {
  const [places, milliseconds, count] = [50, 10, bench.count(5_000)];
  const worker = await startWorker(bench.url, "sleep", places);
  const theirs = await startBare(bench.url, "bare-sleep", places);
  {
    await using executor = new DistributedExecutor(bullmq({ url: bench.url, queue: "sleep" }));
    const bare = await BareClient.open(bench.url, "bare-sleep");
    await Promise.all(range(200).map(() => executor.submit(tasks.sleep, 1)));
    await bare.run(200, 1, "sleep");
    const figures = await bench.turns(
      3,
      async () =>
        count / await timed(() =>
          Promise.all(
            range(count).map(() => executor.submit(tasks.sleep, milliseconds)),
          )
        ) * 1000,
      async () => count / await timed(() => bare.run(count, milliseconds, "sleep")) * 1000,
    );
    const row = { id: "W6", name: `tasks of 10 ms, ${places} at once`, unit: "/s" } as const;
    const ours = median(figures.ours);
    bench.add({
      ...row,
      ours,
      other: places / milliseconds * 1000,
      against: "the ideal",
      goal: ">= 0.9 x",
    });
    bench.add({ ...row, ours, other: median(figures.bare), against: AGAINST });
    await bare.close();
  }
  await Promise.all([end(worker), end(theirs)]);
}

/** W7: two threads that compute. */
async function computing(bench: Bench): Promise<void> {
  const [threads, milliseconds, count] = [2, 20, bench.count(200)];
  const worker = await startWorker(bench.url, "compute", threads);
  {
    await using executor = new DistributedExecutor(bullmq({ url: bench.url, queue: "compute" }));
    await using local = new ThreadPoolExecutor({ maxWorkers: threads });
    await Promise.all(range(8).map(() => executor.submit(tasks.compute, 1)));
    await Promise.all(range(8).map(() => local.submit(compute, 1)));
    const figures = await bench.turns(
      2,
      async () =>
        count / await timed(() =>
          Promise.all(
            range(count).map(() => executor.submit(tasks.compute, milliseconds)),
          )
        ) * 1000,
      async () =>
        count / await timed(() =>
          Promise.all(
            range(count).map(() => local.submit(compute, milliseconds)),
          )
        ) * 1000,
    );
    bench.add({
      id: "W7",
      name: "tasks that compute for 20 ms, two threads",
      unit: "/s",
      ours: median(figures.ours),
      other: median(figures.bare),
      against: "a local ThreadPoolExecutor",
      goal: ">= 0.9 x",
    });
  }
  await end(worker);
}

/** W10: a worker is killed in mid-task, with the default lock. */
async function recovery(bench: Bench): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const file = join(folder, "runs");
  const victim = await startWorker(bench.url, "recover", 1);
  await using executor = new DistributedExecutor(bullmq({ url: bench.url, queue: "recover" }));
  const future = executor.submit(tasks.stay, file, 60_000);
  while (linesOf(file).length === 0) await rest(5);
  const other = await startWorker(bench.url, "recover", 1);
  const killed = now();
  await end(victim, "SIGKILL");
  await future;
  const again = Number(linesOf(file)[1]!.split(" ")[1]!);
  rmSync(folder, { recursive: true });
  bench.add({
    id: "W10",
    name: "from SIGKILL until the task runs again, lock 10 s, check 5 s",
    unit: "ms",
    ours: again - killed,
    goal: "<= 17000",
  });
  await executor.shutdown();
  await end(other);
}

async function main(scale: number, only: readonly string[]): Promise<void> {
  await using server = await RedisServer.start();
  const bench = new Bench(server, scale, only);
  const ours = await startWorker(server.url, QUEUE, CONCURRENCY);
  const theirs = await startBare(server.url, BARE, CONCURRENCY);
  if (bench.wants("W5")) await crowd(bench);
  if (bench.wants("W1", "W2", "W3", "W4", "W8", "W9", "W11", "W12")) {
    await single(bench, ours, theirs);
  }
  await Promise.all([end(ours), end(theirs)]);
  if (bench.wants("W9")) await enqueuing(bench);
  if (bench.wants("W6")) await sleepers(bench);
  if (bench.wants("W7")) await computing(bench);
  if (bench.wants("W10")) await recovery(bench);
  bench.close();
  const { runtime } = hostInfo();
  console.log(JSON.stringify({ runtime, rows: bench.rows } satisfies Results));
}

const [scale = "1", only = ""] = process.argv.slice(2);
await main(Number(scale), only === "" ? [] : only.split(","));
