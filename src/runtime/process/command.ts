/**
 * How a process of each runtime is started: the program comes by stdin, so that no file and no
 * long command line is needed.
 *
 * @module
 */

import { UnsupportedError } from "../../futures/errors.ts";
import { show } from "../../futures/show.ts";
import type { Command, RuntimeName } from "../command.ts";
import { ownFlags, withoutOwnOptions } from "./flags.ts";
import { denoPermissions, nodePermissions, refusePermissions } from "./permissions.ts";
import { isEdge } from "../edge.ts";
import type { WorkerPermissions } from "../runtime.ts";
import type { ProcessLike } from "../thread_handle.ts";

/** Which runtime runs the tasks: one that is found by its name, or by its path. */
export type ProcessCommand = RuntimeName | {
  /** The runtime's file, or its name; "deno", "bun" or "node" must be part of its last part. */
  readonly path: string;
  /**
   * Arguments for the runtime, before the library's own.
   *
   * @default {[]}
   */
  readonly args?: readonly string[] | undefined;
};

interface Scope {
  readonly process?: ProcessLike & {
    readonly execPath?: string;
    readonly env?: Record<string, string | undefined>;
  };
  readonly Deno?: {
    readonly version: { readonly deno: string };
    execPath(): string;
    readonly permissions: {
      querySync(description: { name: string; command?: string }): {
        state: string;
        partial?: boolean;
      };
    };
  };
}

const scope = globalThis as Scope;

/** Which of them runs this program; `undefined` for a browser or an edge runtime. */
function thisRuntime(): RuntimeName | undefined {
  if (isEdge()) return undefined;
  if (scope.Deno !== undefined) return "deno";
  if (scope.process?.versions?.bun !== undefined) return "bun";
  return scope.process?.versions?.node === undefined ? undefined : "node";
}

/**
 * The command to start, as the option says.
 *
 * @throws {TypeError} If the option is of a wrong kind.
 * @throws {UnsupportedError} If it names no runtime that can be started.
 */
export function resolveCommand(command: ProcessCommand | undefined): Command {
  const own = thisRuntime();
  if (own === undefined) {
    throw new UnsupportedError(
      "Cannot start processes: this runtime has none; use createExecutor()",
    );
  }
  if (command === undefined || command === own) {
    return { name: own, path: scope.Deno?.execPath() ?? scope.process!.execPath!, args: [] };
  }
  if (command === "deno" || command === "bun" || command === "node") {
    return { name: command, path: command, args: [] };
  }
  if (typeof command !== "object" || command === null || typeof command.path !== "string") {
    throw new TypeError(
      `Cannot use command: expected "deno", "bun", "node" or { path }, got ${show(command)}`,
    );
  }
  const { path, args = [] } = command;
  checkArguments("command.args", args);
  const name = /(deno|bun|node)[^\\/]*$/i.exec(path)?.[1]?.toLowerCase();
  if (name === undefined) {
    throw new UnsupportedError(
      `Cannot use command ${show(path)}: its name tells neither of deno, bun and node`,
    );
  }
  return { name: name as RuntimeName, path, args };
}

/**
 * Checks arguments for a runtime.
 *
 * @throws {TypeError} If they are no strings.
 */
export function checkArguments(name: string, args: unknown): void {
  if (Array.isArray(args) && args.every((one) => typeof one === "string")) return;
  throw new TypeError(`Cannot use ${name}: expected an array of strings, got ${show(args)}`);
}

/** All arguments of a process that reads its program from stdin. */
export function argumentsOf(
  command: Command,
  permissions: WorkerPermissions | undefined,
  execArgv: readonly string[] | undefined,
): string[] {
  const { name, args } = command;
  const flags = execArgv ?? (name === thisRuntime() ? ownFlags(name) : []);
  switch (name) {
    case "deno":
      return [
        "run",
        "--quiet",
        "--ext=mjs",
        ...flags,
        ...args,
        ...denoPermissions(permissions),
        "-",
      ];
    case "bun":
      return ["run", ...flags, ...args, "-"]; // else the value of a flag would be taken for the program
    case "node":
      return [
        ...flags,
        ...args,
        ...nodePermissions(command, permissions),
        "--input-type=module",
        "-",
      ];
  }
}

/**
 * The environment of a process, if it is not just this program's own. Deno lets a process write only to
 * those files that this variable names; as a parent it sets it itself. Node adds to the object that it is
 * given, so that it is a copy.
 */
export function environmentOf(
  { name }: Command,
  given: Record<string, string> | undefined,
  permissions: WorkerPermissions | undefined,
): Record<string, string | undefined> | undefined {
  const own = given ?? scope.process?.env;
  const options = name === "node" ? nodeOptionsOf(own) : undefined;
  const restricted = permissions !== undefined && permissions !== "inherit";
  const cleaned = options === undefined ? undefined : withoutOwnOptions(options, restricted);
  const needsFiles = name === "deno" && scope.Deno === undefined;
  if (given === undefined && cleaned === options && !needsFiles) return undefined;
  return {
    ...own,
    ...(cleaned === options ? {} : { NODE_OPTIONS: cleaned }),
    ...(needsFiles ? { DENO_EXTRA_STDIO_FDS: "3,4" } : {}),
  };
}

/** Deno may not let this program look. */
function nodeOptionsOf(env: Record<string, string | undefined> | undefined): string | undefined {
  try {
    return env?.["NODE_OPTIONS"];
  } catch {
    return undefined;
  }
}

/** What speaks against starting the command here, or with these permissions. */
export function refuseCommand(
  command: Command,
  permissions: WorkerPermissions | undefined,
): UnsupportedError | TypeError | undefined {
  if (scope.process?.permission?.has("child") === false) {
    return new UnsupportedError(
      "Cannot start processes: Node.js was started with --permission; add the flag --allow-child-process",
    );
  }
  for (const [name, flag] of [["run", "--allow-run"], ["env", "--allow-env"]] as const) {
    const description = name === "run" ? { name, command: command.path } : { name };
    if ((scope.Deno?.permissions.querySync(description).state ?? "granted") === "granted") continue;
    return new UnsupportedError(
      `Cannot start processes: Deno was started without ${flag}; they need --allow-run and --allow-env`,
    );
  }
  const [major = 2, minor = 9] = scope.Deno?.version.deno.split(".").map(Number) ?? [];
  if (command.path === scope.Deno?.execPath() && (major - 2 || minor - 9) < 0) {
    return new UnsupportedError(
      "Cannot start processes: they need Deno 2.9, to open their channel",
    );
  }
  return refusePermissions(command, permissions);
}
