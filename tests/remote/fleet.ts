/**
 * A client and its workers over a queue in memory, on the test's own thread unless it wants threads.
 *
 * @module
 */

import { InlineExecutor, ThreadPoolExecutor } from "../../mod.ts";
import type { Executor, TasksOf } from "../../mod.ts";
import {
  DistributedExecutor,
  MemoryEngine,
  memoryTransport,
  remoteTasks,
  RemoteWorker,
} from "../../src/remote/mod.ts";
import type {
  DistributedExecutorOptions,
  MemoryFaults,
  RemoteWorkerEvent,
  RemoteWorkerOptions,
} from "../../src/remote/mod.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import { watched } from "../leaks.ts";

/** The tasks of `tasks.ts`, as clients name them. */
export const tasks: TasksOf<typeof import("./tasks.ts")> = remoteTasks<typeof import("./tasks.ts")>(
  "tests",
);

const MODULE = import.meta.resolve("./tasks.ts");

/** What a fleet is made of. */
export interface FleetOptions extends DistributedExecutorOptions {
  /** @default 1 */
  workers?: number;
  /** Tasks run in threads. */
  threads?: boolean;
  worker?: Partial<RemoteWorkerOptions>;
  faults?: MemoryFaults;
}

/** A worker that runs. */
export interface RunningWorker {
  readonly ended: Promise<void>;
  readonly events: RemoteWorkerEvent[];
  stop(): Promise<void>;
}

/** A client, a queue and workers. */
export interface Fleet extends AsyncDisposable {
  readonly engine: MemoryEngine;
  readonly executor: DistributedExecutor;
  readonly workers: RunningWorker[];
  /** Another client of the queue. */
  client(options?: DistributedExecutorOptions): DistributedExecutor;
  /** One more worker. */
  hire(options?: Partial<RemoteWorkerOptions>): RunningWorker;
}

export function fleet(options: FleetOptions = {}): Fleet {
  const { workers = 1, threads = false, worker, faults = {}, ...rest } = options;
  const engine = new MemoryEngine();
  engine.faults = faults;
  const clients: DistributedExecutor[] = [];
  const hired: RunningWorker[] = [];

  function client(own: DistributedExecutorOptions = {}): DistributedExecutor {
    const made = new DistributedExecutor(memoryTransport(engine), own);
    clients.push(made);
    return made;
  }

  function hire(own: Partial<RemoteWorkerOptions> = {}): RunningWorker {
    const stopper = new AbortController();
    const events: RemoteWorkerEvent[] = [];
    const executor: Executor = threads
      ? new ThreadPoolExecutor({ maxWorkers: 2, runtime: watched(detectRuntime()) })
      : new InlineExecutor({ maxWorkers: 4 });
    const ended = new RemoteWorker(memoryTransport(engine), {
      modules: { tests: MODULE },
      executor,
      grace: 0,
      lock: 200,
      log: (event) => events.push(event),
      ...worker,
      ...own,
    }).run({ signal: stopper.signal }).finally(() => executor.terminate());
    ended.catch(() => {});
    const running: RunningWorker = {
      ended,
      events,
      stop() {
        stopper.abort();
        return ended;
      },
    };
    hired.push(running);
    return running;
  }

  const executor = client(rest);
  for (let i = 0; i < workers; i++) hire();
  return {
    ...{ engine, executor, workers: hired, client, hire },
    async [Symbol.asyncDispose]() {
      engine.faults = {};
      await Promise.all(clients.map((each) => each.terminate()));
      await Promise.allSettled(hired.map((each) => each.stop()));
    },
  };
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
