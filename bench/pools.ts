import { ProcessPoolExecutor, ThreadPoolExecutor } from "../mod.ts";
import type { Executor } from "../mod.ts";
import { peers, processPeers } from "./peers/start.js";
import type { Start } from "./peers/start.js";
import { BatchedPipe } from "./raw_pipe.ts";
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
  start(task: TaskName, concurrency?: number): Promise<Pool>;
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

function poolOf(executor: Executor, task: TaskName): Pool {
  const fn = tasks[task] as (arg: unknown) => unknown;
  return { submit: (arg) => executor.submit(fn, arg), end: () => executor.shutdown() };
}

export const OUR_POOL: PoolKind = {
  name: OURS,
  start: async (task, concurrency) => poolOf(await ours(concurrency), task),
};

export const OUR_PROCESS_POOL: PoolKind = {
  name: OURS,
  start: async (task) => poolOf(await ourProcesses(), task),
};

export const RAW: PoolKind = {
  name: "raw, a message per task",
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
  start: async (task) =>
    new BatchedChannel(await RawChannel.start(WORKERS, task, { batched: true })),
};

export const RAW_PIPE: PoolKind = {
  name: "raw pipes, micro-batched",
  start: (task) => Promise.resolve(new BatchedPipe(WORKERS, task)),
};

/** What runs where, as tried: those left out do not start, or never answer. */
const WORKS: Readonly<Record<RuntimeName, RegExp>> = {
  deno: /^(?!tinypool$)/,
  bun: /^(?!workerpool)/,
  node: /^(?!poolifier-web-worker)/,
};

function working(all: Readonly<Record<string, Start>>): readonly PoolKind[] {
  return Object.entries(all)
    .filter(([name]) => WORKS[RUNTIME].test(name))
    .map(([name, start]) => ({ name, start }));
}

/** The peers with threads that run on this runtime. */
export const PEERS: readonly PoolKind[] = working(peers);

/** The peers with processes that run on this runtime. */
export const PROCESS_PEERS: readonly PoolKind[] = working(processPeers);
