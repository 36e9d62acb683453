import { UnsupportedError } from "../../futures/errors.ts";
import { PROCESS_MAIN_SOURCE } from "./main_source.ts";
import {
  argumentsOf,
  checkArguments,
  environmentOf,
  refuseCommand,
  resolveCommand,
} from "./command.ts";
import type { ProcessCommand } from "./command.ts";
import { countedClaims } from "./counted_claims.ts";
import { ProcessHandle } from "./process_handle.ts";
import type { Child } from "./process_handle.ts";
import { startFailure } from "./start_failure.ts";
import { endWithParent } from "./end_with_parent.ts";
import type { Runtime } from "../runtime.ts";
import { backgroundTimer, builtin } from "../thread_handle.ts";

/** What is used of `node:child_process`. */
interface ChildProcessModule {
  spawn(path: string, args: readonly string[], options: Record<string, unknown>): Child;
}

/** How processes are started. */
export interface ProcessRuntimeOptions {
  /**
   * The runtime that runs the tasks.
   *
   * @default {the one that runs this program}
   */
  command?: ProcessCommand | undefined;
  /**
   * The directory in which they start.
   *
   * @default {this program's own}
   */
  cwd?: string | URL | undefined;
  /**
   * Flags for the runtime, in place of those that this program was started with.
   *
   * @default {the program's own, if the command is of the same runtime: those that change how modules are found and what the language is}
   */
  execArgv?: readonly string[] | undefined;
}

const NAMES = { deno: "Deno", bun: "Bun", node: "Node.js" } as const;

/**
 * Deno, Bun and Node: processes of `node:child_process`, of the same runtime or of another.
 *
 * @throws {TypeError} If an option is of a wrong kind.
 * @throws {UnsupportedError} If there are no processes here, or the command is of no runtime.
 *
 * @see https://nodejs.org/api/child_process.html
 *
 * @example Usage
 * ```ts
 * import { ThreadPoolExecutor } from "@concurrent/futures";
 * import { childProcessRuntime } from "@concurrent/futures/runtime";
 * import { assertEquals } from "@std/assert";
 *
 * // Processes for an executor that has none of its own.
 * const runtime = childProcessRuntime();
 * await using executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
 * assertEquals(await executor.submit(() => 6 * 7), 42);
 * ```
 */
export function childProcessRuntime(
  { command, cwd, execArgv }: ProcessRuntimeOptions = {},
): Runtime {
  if (execArgv !== undefined) checkArguments("execArgv", execArgv);
  const resolved = resolveCommand(command);
  return {
    name: NAMES[resolved.name],

    // --- capabilities ---

    capabilities: {
      parallel: true,
      stopsBusyTasks: true,
      sharedMemory: false,
      sandbox: resolved.name !== "bun",
    },

    measuresMemory: true,

    availableParallelism() {
      const os = builtin<{ availableParallelism(): number }>("os");
      return globalThis.navigator?.hardwareConcurrency ?? os?.availableParallelism() ?? 1;
    },

    unsupported(options) {
      for (const name of ["factory", "resourceLimits"] as const) {
        if (options[name] === undefined) continue;
        const option = name === "factory" ? "worker" : name;
        return new UnsupportedError(`Cannot use ${option}: processes have none`);
      }
      return refuseCommand(resolved, options.permissions);
    },

    timer: backgroundTimer,

    claims: countedClaims,

    // --- workers ---

    spawn({ program, env: given, permissions }, events) {
      const { spawn } = builtin<ChildProcessModule>("child_process")!;
      const env = environmentOf(resolved, given, permissions);
      const line = [
        ...endWithParent(),
        resolved.path,
        ...argumentsOf(resolved, permissions, execArgv),
      ];
      const explain = (failure: unknown) => startFailure(failure, resolved.path, cwd);
      let child: Child;
      try {
        child = spawn(line[0]!, line.slice(1), {
          stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
          windowsHide: true,
          ...(env === undefined ? {} : { env }),
          ...(cwd === undefined ? {} : { cwd }),
        });
      } catch (error) {
        throw explain(error) ?? error;
      }
      return new ProcessHandle(child, PROCESS_MAIN_SOURCE + program, events, explain);
    },
  };
}
