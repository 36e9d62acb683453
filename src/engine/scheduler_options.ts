import type { BrokenExecutorError } from "../futures/errors.ts";
import type { AsyncContext, Runtime, TaskChannel, WorkerOptions } from "../runtime/runtime.ts";
import type { NewClaims } from "./claims.ts";

/** How a scheduler is set up; everything is checked already. */
export interface SchedulerOptions {
  /** The class of the executor, for messages. */
  readonly executorName: string;
  readonly runtime: Runtime;
  readonly worker: Omit<WorkerOptions, "name">;
  /** How owner and worker agree on who runs what was sent. */
  readonly claims: NewClaims;
  /** Whether the worker is the owner's own thread. */
  readonly inThread: boolean;
  readonly maxWorkers: number;
  readonly tasksPerWorker: number;
  readonly namePrefix: string;
  /** What the executor is called, in events. */
  readonly name: string;
  /** Whether metrics are kept. */
  readonly metrics?: boolean | undefined;
  readonly initializer: { readonly task: unknown; readonly args: readonly unknown[] } | undefined;
  /** Runs in each worker that ends in good order. */
  readonly finalizer: unknown;
  /** Milliseconds that it may take. */
  readonly finalizerTimeout: number;
  readonly maxTasksPerChild: number | undefined;
  /** Bytes that a worker may have. */
  readonly maxWorkerMemory: number | undefined;
  /** Workers that are kept although they are idle. */
  readonly minWorkers: number;
  readonly idleTimeout: number | undefined;
  readonly maxPending: number | undefined;
  readonly onCrash: "replace" | "break";
  readonly grace: number;
  readonly brokenError: (message: string, options: ErrorOptions) => BrokenExecutorError;
  /** Given, whenever work begins, a promise that settles when there is none. */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /** Asked at each submit, where tasks run on the caller's thread: in which async context. */
  readonly captureContext?: (() => AsyncContext | undefined) | undefined;
  /** Asked at the first submit: the channel by which tools listen. */
  readonly taskChannel?: (() => TaskChannel | undefined) | undefined;
  /** Where there are async contexts: calls a function in that of no task. Workers are started in it. */
  readonly outsideOfRequests?: (<R>(fn: () => R) => R) | undefined;
}
