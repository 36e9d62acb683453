import { Scheduler } from "../engine/scheduler.ts";
import { outsideOfRequests } from "../runtime/async_context.ts";
import { taskChannel } from "../runtime/task_channel.ts";
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
   * Milliseconds until a worker with nothing to do is let go.
   *
   * @default {Infinity}
   */
  idleTimeout?: number | undefined;
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

/** The options that all executors with workers have. */
const COMMON_OPTIONS = [
  "maxWorkers",
  "tasksPerWorker",
  "initializer",
  "initargs",
  "maxTasksPerChild",
  "idleTimeout",
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

  const namePrefix = given.threadNamePrefix ?? `${executorName}-${created++}`;
  return new Scheduler({
    brokenError: kind.brokenError,
    executorName,
    runtime,
    worker,
    memory: runtime.capabilities.sharedMemory ? "shared" : "none",
    inThread: false,
    maxWorkers: maxWorkers ?? runtime.availableParallelism(),
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
