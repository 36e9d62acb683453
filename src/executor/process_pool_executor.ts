import { BrokenProcessPoolError } from "../futures/errors.ts";
import { show } from "../futures/show.ts";
import { childProcessRuntime } from "../runtime/process/start_process.ts";
import type { ProcessCommand } from "../runtime/process/command.ts";
import type { Runtime, WorkerPermissions } from "../runtime/runtime.ts";
import { attachWorkers } from "./dropped.ts";
import { Executor } from "./executor.ts";
import { checkOptions, checkRuntime } from "./options.ts";
import { makeScheduler, optionsOf } from "./worker_pool_options.ts";
import type { WorkerPoolKind, WorkerPoolOptions } from "./worker_pool_options.ts";

/** Options of {@linkcode ProcessPoolExecutor}. */
export interface ProcessPoolExecutorOptions extends WorkerPoolOptions {
  /**
   * The runtime that runs the tasks.
   *
   * @default {the one that runs this program}
   */
  command?: ProcessCommand | undefined;
  /**
   * How workers are named: `<threadNamePrefix>_<index>`.
   *
   * @default {"ProcessPoolExecutor-<n>"}
   */
  threadNamePrefix?: string | undefined;
  /**
   * The directory in which the processes start.
   *
   * @default {the program's own}
   */
  cwd?: string | URL | undefined;
  /**
   * Flags for the runtime, in place of those that this program was started with: with
   * `["--import", "./setup.js"]` Node runs a module first. An empty array gives none.
   *
   * @default {the program's own, if the command is of the same runtime}
   */
  execArgv?: readonly string[] | undefined;
  /**
   * Environment variables of the processes.
   *
   * @default {the program's own}
   */
  env?: Record<string, string> | undefined;
  /**
   * What the processes may do, at most what the program may itself. Deno and Node; for Bun an
   * `UnsupportedError`. Node can withhold read, write, run and ffi; network, environment, system and
   * imports only Deno can.
   *
   * @default {"inherit"}
   */
  permissions?: WorkerPermissions | undefined;
  /**
   * Who starts the processes.
   *
   * @default {the command}
   */
  runtime?: Runtime | undefined;
}

const KIND: WorkerPoolKind = {
  executorName: "ProcessPoolExecutor",
  options: ["command", "cwd", "execArgv"],
  brokenError: (message, options) => new BrokenProcessPoolError(message, options),
};

/**
 * Runs tasks in processes: each has a memory, an environment and a life of its own, and any can be
 * stopped, whatever it does.
 *
 * Mirrors Python's `concurrent.futures.ProcessPoolExecutor`, but a process that dies fails the tasks that
 * it ran and is replaced, unless `onCrash` is `"break"`. As there, what was sent to a process counts as
 * running, at most about a millisecond of short tasks: `cancel()` of it is false. On Deno it needs `--allow-run` and
 * `--allow-env`. Processes end with the program, however it ends.
 *
 * @example Usage
 * ```ts
 * import { ProcessPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new ProcessPoolExecutor(2);
 * assertEquals(await executor.submit((a: number, b: number) => a + b, 1, 2), 3);
 * ```
 */
export class ProcessPoolExecutor extends Executor {
  /**
   * Checks the options; starts nothing yet.
   *
   * @param options How many processes, or an options object.
   * @throws {TypeError} If an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {UnsupportedError} If this runtime has no processes, may not start any, or lacks what is asked.
   */
  constructor(options?: number | ProcessPoolExecutorOptions) {
    super();
    const given = optionsOf(options);
    const { runtime, command, cwd, execArgv } = given;
    checkRuntime(runtime);
    if (typeof command === "object") {
      checkOptions("command", command ?? undefined, ["path", "args"]);
    }
    if (cwd !== undefined && typeof cwd !== "string" && !(cwd instanceof URL)) {
      throw new TypeError(`Cannot use cwd: expected a path or a URL, got ${show(cwd)}`);
    }
    const scheduler = makeScheduler(
      KIND,
      given,
      () => runtime ?? childProcessRuntime({ command, cwd, execArgv }),
    );
    attachWorkers(this, scheduler);
  }
}
