#!/usr/bin/env node
/**
 * The program `concurrent-futures`: `worker` runs tasks of a queue on this machine, `status` tells how the queue
 * is doing.
 *
 *     concurrent-futures worker --url redis://localhost:6379 --queue images --module images=./tasks.ts
 *     concurrent-futures status --url redis://localhost:6379 --queue images
 *
 * `npx @concurrent/futures`, `bunx @concurrent/futures` or `deno run -A jsr:@concurrent/futures/cli` runs it; from a
 * checkout it is this very file, on any of the three. As `celery worker` in Python.
 *
 * @example
 * ```ts
 * import { main } from "@concurrent/futures/cli";
 *
 * const code = await main(["--help"]);
 * console.log(code); // 0
 * ```
 *
 * @module
 */

import { existsSync, realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { messageLine, UsageError } from "./command_line.ts";
import { statusCommand } from "./status_command.ts";
import { workerCommand } from "./worker_command.ts";

const HELP = `Usage: concurrent-futures <command> [options]

  worker   takes tasks from a queue and runs them on this machine
  status   tells how a queue and its workers are doing

concurrent-futures <command> --help lists the options.`;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  worker: workerCommand,
  status: statusCommand,
};

/**
 * Runs the program.
 *
 * @param args What stands after its name.
 * @returns The exit code: 0 in good order, 1 for wrong use or set-up, 75 if the engine stayed away.
 *
 * @example
 * ```ts
 * import { main } from "@concurrent/futures/cli";
 *
 * console.log(await main(["worker", "--help"])); // 0, after the options
 * ```
 */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined) {
      throw new UsageError("there is no command", "concurrent-futures --help");
    }
    if (name === "--help" || name === "-h" || name === "help") {
      console.log(HELP);
      return 0;
    }
    if (!Object.hasOwn(COMMANDS, name)) {
      throw new UsageError(`there is no command "${name}"`, "concurrent-futures --help");
    }
    return await COMMANDS[name]!(rest);
  } catch (error) {
    console.error(`concurrent-futures: ${messageLine(error)}`);
    return 1;
  }
}

/** Whether this file is what was started; npm starts it by a link. */
function isProgram(): boolean {
  const { main } = import.meta as { main?: boolean }; // not in Node before 24.2
  if (main !== undefined) return main;
  const started = process.argv[1];
  if (started === undefined || !existsSync(started)) return false; // an argument of `node -e`
  return realpathSync(started) === fileURLToPath(import.meta.url);
}

if (isProgram()) {
  process.exitCode = await main(process.argv.slice(2));
}
