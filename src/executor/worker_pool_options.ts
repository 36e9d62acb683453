import type { NewClaims } from "../engine/claims.ts";
import { exclusiveClaims } from "../engine/exclusive_claims.ts";
import { Scheduler } from "../engine/scheduler.ts";
import { sharedClaims } from "../engine/table_claims.ts";
import { outsideOfRequests } from "../runtime/async_context.ts";
import { taskChannel } from "../runtime/task_channel.ts";
import { UnsupportedError } from "../futures/errors.ts";
import type { BrokenExecutorError } from "../futures/errors.ts";
import { checkNames } from "../futures/known_options.ts";
import { show } from "../futures/show.ts";
import type {
  Runtime,
  WorkerOptions,
  WorkerPermissions,
  WorkerResourceLimits,
} from "../runtime/runtime.ts";
import type { Task } from "../wire/task_ref.ts";
import { PROGRAM_SOURCE } from "../worker/program_source.ts";
import {
  checkBoolean,
  checkCount,
  checkEnvironment,
  checkFunction,
  checkOptions,
  checkString,
  checkTime,
  checkWorkers,
} from "./options.ts";

/** Options of every executor that has workers. */
export interface WorkerPoolOptions {
  /**
   * How many workers there are at the most; up to 65,536.
   *
   * @default {available parallelism}
   */
  maxWorkers?: number | undefined;
  /**
   * How many asynchronous tasks one worker runs at once.
   *
   * @default {1}
   */
  tasksPerWorker?: number | undefined;
  /**
   * Runs in each worker before its first task; if it fails, the executor is broken.
   *
   * @default {undefined}
   */
  initializer?: Task<never[], unknown> | undefined;
  /**
   * Arguments of `initializer`.
   *
   * @default {[]}
   */
  initargs?: readonly unknown[] | undefined;
  /**
   * Tasks after which a worker is replaced.
   *
   * @default {Infinity}
   */
  maxTasksPerChild?: number | undefined;
  /**
   * Runs in each worker that ends in good order: at the end of `shutdown()`, when it is replaced because of
   * `maxTasksPerChild` or `maxWorkerMemory`, and when it is let go after `idleTimeout`. Not after a crash,
   * nor after `terminate()`. What it throws is told by `console.error`.
   *
   * @default {undefined}
   */
  finalizer?: Task<[], unknown> | undefined;
  /**
   * Milliseconds that `finalizer` may take; then its worker is stopped.
   *
   * @default {5000}
   */
  finalizerTimeout?: number | undefined;
  /**
   * Bytes that a worker may have: a thread its heap and its buffers, a process all of its memory
   * (resident set). It is measured between tasks, and what is not collected yet counts; a worker beyond
   * it ends when the tasks that it has begun have ended, and is replaced. Not in browsers.
   *
   * @default {Infinity}
   */
  maxWorkerMemory?: number | undefined;
  /**
   * Milliseconds until a worker with nothing to do is let go.
   *
   * @default {Infinity}
   */
  idleTimeout?: number | undefined;
  /**
   * Workers that are kept although they have nothing to do. With `idleTimeout` the pool breathes between
   * this and `maxWorkers`. They start when there are tasks, or by `warmUp()`.
   *
   * @default {0}
   */
  minWorkers?: number | undefined;
  /**
   * Tasks that may be pending; `submit` throws `QueueFullError` past it.
   *
   * @default {Infinity}
   */
  maxPending?: number | undefined;
  /**
   * Whether a dead worker is replaced, or breaks the executor, as in Python's process pools.
   *
   * @default {"replace"}
   */
  onCrash?: "replace" | "break" | undefined;
  /**
   * Milliseconds that an aborted task has to end by itself.
   *
   * @default {100}
   */
  grace?: number | undefined;
  /**
   * What the executor is called in events.
   *
   * @default {what its workers are called, without their number}
   */
  name?: string | undefined;
  /**
   * Measure how long tasks wait and run, for `Executor.metrics()`. It costs each task a little.
   *
   * @default {false}
   */
  metrics?: boolean | undefined;
}

/** For pools: an option that tells what the executor is called in errors. */
export const NAME: unique symbol = Symbol("name");

/** What may be asked of workers, of whatever kind. */
interface GivenOptions extends WorkerPoolOptions {
  [NAME]?: string;
  threadNamePrefix?: string | undefined;
  worker?: (() => unknown) | undefined;
  permissions?: WorkerPermissions | undefined;
  env?: Record<string, string> | undefined;
  resourceLimits?: WorkerResourceLimits | undefined;
}

/** What the kinds of executors differ in. */
export interface WorkerPoolKind {
  /** The options that it has beside the common ones. */
  readonly options: readonly string[];
  readonly executorName: string;
  readonly brokenError: (message: string, options: ErrorOptions) => BrokenExecutorError;
}

/** The options that say how workers live: pools have them, too. */
export const LIFE_OPTIONS = [
  "initializer",
  "initargs",
  "maxTasksPerChild",
  "finalizer",
  "finalizerTimeout",
  "maxWorkerMemory",
  "idleTimeout",
  "minWorkers",
] as const;

/** The options that all executors with workers have. */
const COMMON_OPTIONS = [
  "maxWorkers",
  "tasksPerWorker",
  ...LIFE_OPTIONS,
  "maxPending",
  "onCrash",
  "grace",
  "name",
  "metrics",
  "threadNamePrefix",
  "permissions",
  "env",
  "runtime",
];

const RESOURCE_LIMITS = [
  "maxOldGenerationSizeMb",
  "maxYoungGenerationSizeMb",
  "codeRangeSizeMb",
  "stackSizeMb",
] as const;

const PERMISSIONS = ["env", "ffi", "import", "net", "read", "run", "sys", "write"];

let created = 0;

/** Options as executors take them: a number is `maxWorkers`. */
export function optionsOf<T extends WorkerPoolOptions>(options: number | T | undefined): T {
  if (typeof options === "object" && options !== null) return options;
  return { maxWorkers: options } as T;
}

/**
 * Checks the options of an executor; starts nothing yet.
 *
 * @param kind The executor's class.
 * @param given The options, `runtime` apart.
 * @param makeRuntime Who starts the workers. Called when all else is checked.
 */
export function makeScheduler(
  kind: WorkerPoolKind,
  given: GivenOptions,
  makeRuntime: () => Runtime,
): Scheduler {
  checkNames(given[NAME] ?? kind.executorName, given, [...COMMON_OPTIONS, ...kind.options]);
  checkFunction("worker", given.worker);
  checkString("name", given.name);
  checkBoolean("metrics", given.metrics);
  checkString("threadNamePrefix", given.threadNamePrefix);
  checkEnvironment(given.env);
  checkOptions("resourceLimits", given.resourceLimits, RESOURCE_LIMITS);
  for (const limit of RESOURCE_LIMITS) checkLimit(limit, given.resourceLimits);
  if (given.permissions !== undefined && typeof given.permissions !== "string") {
    checkOptions("permissions", given.permissions, PERMISSIONS);
  }
  if (given.initargs !== undefined && !Array.isArray(given.initargs)) {
    throw new TypeError(`Cannot use initargs: expected an array, got ${show(given.initargs)}`);
  }
  if (given.onCrash !== undefined && given.onCrash !== "replace" && given.onCrash !== "break") {
    throw new TypeError(
      `Cannot use onCrash: expected "replace" or "break", got ${show(given.onCrash)}`,
    );
  }
  const maxWorkers = checkWorkers("maxWorkers", given.maxWorkers);
  const tasksPerWorker = checkCount("tasksPerWorker", given.tasksPerWorker) ?? 1;
  const maxTasksPerChild = checkCount("maxTasksPerChild", given.maxTasksPerChild);
  const maxPending = checkCount("maxPending", given.maxPending);
  const idleTimeout = checkTime("idleTimeout", given.idleTimeout);
  const { finalizerTimeout: ofFinalizer = 5_000 } = given;
  const finalizerTimeout = checkTime("finalizerTimeout", ofFinalizer) ?? Infinity;
  const maxWorkerMemory = given.maxWorkerMemory === Infinity
    ? undefined
    : checkCount("maxWorkerMemory", given.maxWorkerMemory);
  const minWorkers = given.minWorkers === 0 ? 0 : checkWorkers("minWorkers", given.minWorkers) ?? 0;
  const grace = checkTime("grace", given.grace === undefined ? 100 : given.grace) ?? Infinity;

  const executorName = given[NAME] ?? kind.executorName;
  const runtime = makeRuntime();
  const worker: Omit<WorkerOptions, "name"> = {
    program: PROGRAM_SOURCE,
    factory: given.worker,
    env: given.env,
    resourceLimits: given.resourceLimits,
    permissions: given.permissions,
  };
  const unsupported = runtime.unsupported(worker);
  if (unsupported !== undefined) throw unsupported;
  if (maxWorkerMemory !== undefined && runtime.measuresMemory !== true) {
    throw new UnsupportedError(
      `Cannot use maxWorkerMemory: ${runtime.name} does not tell how much memory a worker has`,
    );
  }
  const most = maxWorkers ?? runtime.availableParallelism();
  if (minWorkers > most) {
    const name = given[NAME] === undefined ? "maxWorkers" : "processes";
    throw new RangeError(`Cannot use minWorkers: ${minWorkers} are more than ${name}, ${most}`);
  }

  const namePrefix = given.threadNamePrefix ?? `${executorName}-${created++}`;
  return new Scheduler({
    brokenError: kind.brokenError,
    executorName,
    runtime,
    worker,
    claims: claimsOf(runtime, worker),
    inThread: false,
    maxWorkers: most,
    finalizer: given.finalizer,
    finalizerTimeout,
    maxWorkerMemory,
    minWorkers,
    tasksPerWorker,
    namePrefix,
    name: given.name ?? namePrefix,
    metrics: given.metrics,
    initializer: given.initializer === undefined
      ? undefined
      : { task: given.initializer, args: given.initargs ?? [] },
    maxTasksPerChild,
    idleTimeout,
    maxPending,
    onCrash: given.onCrash ?? "replace",
    grace,
    outsideOfRequests: outsideOfRequests(),
    taskChannel,
  });
}

/** How workers agree with their owner on who runs what. */
function claimsOf(runtime: Runtime, worker: Omit<WorkerOptions, "name">): NewClaims {
  if (runtime.claims !== undefined) {
    return (slots, places, begun) => runtime.claims!(slots, places, begun);
  }
  const { sharedMemory } = runtime.capabilitiesOf?.(worker) ?? runtime.capabilities;
  return sharedMemory ? sharedClaims : exclusiveClaims;
}

/** A size of `resourceLimits`: Node takes 0 for its own default. */
function checkLimit(
  name: keyof WorkerResourceLimits,
  limits: WorkerResourceLimits | undefined,
): void {
  const value: unknown = limits?.[name];
  if (value === undefined) return;
  if (typeof value !== "number") {
    throw new TypeError(`Cannot use ${name}: expected mebibytes, got ${show(value)}`);
  }
  if (!(value >= 0)) throw new RangeError(`Cannot use ${name}: expected mebibytes, got ${value}`);
}
