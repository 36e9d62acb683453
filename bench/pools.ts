import { ProcessPoolExecutor, ThreadPoolExecutor } from "../mod.ts";
import type { Executor } from "../mod.ts";
import { BatchedChannel, RawChannel } from "./raw.ts";
import * as tasks from "./tasks.js";
import { OURS, RUNTIME, WORKERS } from "./workload.ts";
import type { RuntimeName } from "./workload.ts";

/** A pool as the workloads see it, whoever made it. */
export interface Pool {
  submit(arg: unknown): PromiseLike<unknown>;
  end(): Promise<unknown> | void;
}

/** How to start one for a task, with so many running at once in each worker. */
interface PoolKind {
  readonly name: string;
  readonly runtimes: readonly RuntimeName[];
  start(task: TaskName, concurrency: number): Promise<Pool>;
}

export type TaskName = keyof typeof tasks;

/** Our executor, ready to run. */
export async function ours(concurrency = 1): Promise<Executor> {
  const executor = new ThreadPoolExecutor({
    maxWorkers: WORKERS,
    tasksPerWorker: concurrency,
  });
  await executor.warmUp();
  return executor;
}

/** Our executor over processes, ready to run. */
export async function ourProcesses(): Promise<Executor> {
  const executor = new ProcessPoolExecutor(WORKERS);
  await executor.warmUp();
  return executor;
}

const file = (path: string): string => new URL(path, import.meta.url).href;

/** Imports what is only there when `bench/package.json` is installed. */
// deno-lint-ignore no-explicit-any -- every peer has an interface of its own
const load = (name: string): Promise<any> => import(name);

export const OUR_POOL: PoolKind = {
  name: OURS,
  runtimes: ["deno", "bun", "node"],
  async start(task, concurrency) {
    const executor = await ours(concurrency);
    const fn = tasks[task] as (arg: unknown) => unknown;
    return {
      submit: (arg) => executor.submit(fn, arg),
      end: () => executor.shutdown(),
    };
  },
};

export const RAW: PoolKind = {
  name: "raw, a message per task",
  runtimes: ["deno", "bun", "node"],
  async start(task) {
    const channel = await RawChannel.start(WORKERS, task);
    return { submit: (arg) => channel.send(arg), end: () => channel.end() };
  },
};

/** One worker, for round trips: with two it would wake another one each time. */
export const RAW_ALONE: PoolKind = {
  ...RAW,
  async start(task) {
    const channel = await RawChannel.start(1, task);
    return { submit: (arg) => channel.send(arg), end: () => channel.end() };
  },
};

export const RAW_BATCHED: PoolKind = {
  name: "raw, micro-batched",
  runtimes: ["deno", "bun", "node"],
  start: async (task) => new BatchedChannel(await RawChannel.start(WORKERS, task, true)),
};

function piscina(name: string, concurrency: number | undefined): PoolKind {
  return {
    name,
    runtimes: ["node"],
    async start(task, asked) {
      const { Piscina } = await load("piscina");
      const pool = new Piscina({
        filename: file("./tasks.js"),
        minThreads: WORKERS,
        maxThreads: WORKERS,
        concurrentTasksPerWorker: concurrency ?? asked,
      });
      return {
        submit: (arg) => pool.run(arg, { name: task }),
        end: () => pool.destroy(),
      };
    },
  };
}

const ALL_PEERS: readonly PoolKind[] = [
  piscina("piscina", undefined),
  piscina("piscina, 16 per worker", 16),
  {
    name: "tinypool",
    runtimes: ["node"],
    async start(task, concurrency) {
      const { Tinypool } = await load("tinypool");
      const pool = new Tinypool({
        filename: file("./tasks.js"),
        minThreads: WORKERS,
        maxThreads: WORKERS,
        concurrentTasksPerWorker: concurrency,
      });
      return {
        submit: (arg) => pool.run(arg, { name: task }),
        end: () => pool.destroy(),
      };
    },
  },
  {
    name: "poolifier",
    runtimes: ["node"],
    async start(task) {
      const { FixedThreadPool } = await load("poolifier");
      const pool = new FixedThreadPool(
        WORKERS,
        new URL("./peers/poolifier_worker.js", import.meta.url).pathname,
      );
      return {
        submit: (arg) => pool.execute(arg, task),
        end: () => pool.destroy(),
      };
    },
  },
  {
    name: "workerpool",
    runtimes: ["node"],
    async start(task) {
      const workerpool = (await load("workerpool")).default;
      const pool = workerpool.pool(
        new URL("./peers/workerpool_worker.js", import.meta.url).pathname,
        {
          minWorkers: WORKERS,
          maxWorkers: WORKERS,
          workerType: "thread",
          workerThreadOpts: {},
        },
      );
      return {
        submit: (arg) => pool.exec(task, [arg]),
        end: () => pool.terminate(),
      };
    },
  },
  {
    name: "poolifier-web-worker",
    runtimes: ["deno", "bun"],
    async start(task) {
      const build = RUNTIME === "bun" ? "browser" : "esm";
      const { FixedThreadPool } = await load(
        file(`./node_modules/poolifier-web-worker/${build}/mod.js`),
      );
      const pool = new FixedThreadPool(
        WORKERS,
        new URL(`./peers/poolifier_web_worker_${RUNTIME}.js`, import.meta.url),
      );
      return {
        submit: (arg) => pool.execute(arg, task),
        end: () => pool.destroy(),
      };
    },
  },
];

export const OUR_PROCESS_POOL: PoolKind = {
  name: OURS,
  runtimes: ["deno", "bun", "node"],
  async start(task) {
    const executor = await ourProcesses();
    const fn = tasks[task] as (arg: unknown) => unknown;
    return {
      submit: (arg) => executor.submit(fn, arg),
      end: () => executor.shutdown(),
    };
  },
};

const ALL_PROCESS_PEERS: readonly PoolKind[] = [
  {
    name: "tinypool, child_process",
    runtimes: ["node"],
    async start(task) {
      const { Tinypool } = await load("tinypool");
      const pool = new Tinypool({
        filename: file("./tasks.js"),
        runtime: "child_process",
        minThreads: WORKERS,
        maxThreads: WORKERS,
      });
      return {
        submit: (arg) => pool.run(arg, { name: task }),
        end: () => pool.destroy(),
      };
    },
  },
  {
    name: "workerpool, process",
    runtimes: ["node"],
    async start(task) {
      const workerpool = (await load("workerpool")).default;
      const path = new URL("./peers/workerpool_worker.js", import.meta.url).pathname;
      const pool = workerpool.pool(path, {
        minWorkers: WORKERS,
        maxWorkers: WORKERS,
        workerType: "process",
      });
      return {
        submit: (arg) => pool.exec(task, [arg]),
        end: () => pool.terminate(),
      };
    },
  },
  {
    name: "jest-worker",
    runtimes: ["node"],
    async start(task) {
      const { Worker } = await load("jest-worker");
      const path = new URL("./peers/jest_worker.cjs", import.meta.url).pathname;
      const pool = new Worker(path, {
        numWorkers: WORKERS,
        exposedMethods: ["identity"],
      });
      return { submit: (arg) => pool[task](arg), end: () => pool.end() };
    },
  },
];

/** The peers with threads that run on this runtime. */
export const PEERS: readonly PoolKind[] = ALL_PEERS.filter(({ runtimes }) =>
  runtimes.includes(RUNTIME)
);

/** The peers with processes that run on this runtime. */
export const PROCESS_PEERS: readonly PoolKind[] = ALL_PROCESS_PEERS.filter((
  { runtimes },
) => runtimes.includes(RUNTIME));
