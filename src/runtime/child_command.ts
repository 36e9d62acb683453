/**
 * How a process of each runtime is started: the program comes by stdin, so that no file and no
 * long command line is needed.
 *
 * @module
 */

import { UnsupportedError } from "../futures/errors.ts";
import { show } from "../futures/show.ts";
import { isEdge } from "./edge.ts";
import type { WorkerPermissions } from "./runtime.ts";
import type { ProcessLike } from "./thread_handle.ts";

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

/** The runtimes that have processes. */
export type RuntimeName = "deno" | "bun" | "node";

/** A runtime that can be started. */
export interface Command {
  readonly name: RuntimeName;
  readonly path: string;
  readonly args: readonly string[];
}

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
export function thisRuntime(): RuntimeName | undefined {
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
  const name = /(deno|bun|node)[^\\/]*$/i.exec(path)?.[1]?.toLowerCase();
  if (name === undefined) {
    throw new UnsupportedError(
      `Cannot use command ${show(path)}: its name tells neither of deno, bun and node`,
    );
  }
  return { name: name as RuntimeName, path, args };
}

/** All arguments of a process that reads its program from stdin. */
export function argumentsOf(
  { name, path, args }: Command,
  permissions: WorkerPermissions | undefined,
): string[] {
  switch (name) {
    case "deno":
      return ["run", "--quiet", "--ext=js", ...args, ...denoFlags(permissions), "-"];
    case "bun":
      return [...args, "run", "-"];
    case "node":
      return [...args, ...nodeFlags(path, permissions), "--input-type=module", "-"];
  }
}

/**
 * The environment of a process, if it is not just this program's own. Deno lets a process write only to
 * those files that this variable names; as a parent it sets it itself.
 */
export function environmentOf(
  { name }: Command,
  env: Record<string, string> | undefined,
): Record<string, string | undefined> | undefined {
  if (name !== "deno" || scope.Deno !== undefined) return env;
  return { ...env ?? scope.process?.env, DENO_EXTRA_STDIO_FDS: "3,4" };
}

/** What speaks against starting the command here, or with these permissions. */
export function refuseCommand(
  command: Command,
  permissions: WorkerPermissions | undefined,
): UnsupportedError | undefined {
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
  if (permissions === undefined || permissions === "inherit") return undefined;
  if (command.name === "bun") {
    return new UnsupportedError("Cannot use permissions: Bun has none");
  }
  if (command.name === "deno" || permissions === "none") return undefined;
  for (const [name, value] of Object.entries(permissions)) {
    const hasLists = name === "read" || name === "write";
    if (NODE_FLAGS[name] !== undefined && (typeof value === "boolean" || hasLists)) continue;
    if (value === true || value === "inherit") continue;
    return new UnsupportedError(
      `Cannot use permissions.${name}: Node.js restricts read and write by lists, run and ffi as a whole, and no more`,
    );
  }
  return undefined;
}

const DENO_NAMES = ["env", "ffi", "import", "net", "read", "run", "sys", "write"] as const;

/**
 * Deno's flags for what is asked; for "inherit" what this program has, as far as it can be told. What
 * is not given is denied by name: Deno's `node:child_process` adds `-A` where no flag speaks of it.
 */
function denoFlags(permissions: WorkerPermissions = "inherit"): string[] {
  const flags = ["--no-prompt"];
  for (const name of DENO_NAMES) {
    const asked = typeof permissions === "string" ? permissions : permissions[name] ?? false;
    if (asked === true || (asked === "inherit" && isGranted(name))) flags.push(`--allow-${name}`);
    else if (Array.isArray(asked) && asked.length > 0) {
      flags.push(`--allow-${name}=${asked.map(pathOf).join(",")}`);
    } else flags.push(`--deny-${name}`);
  }
  return flags;
}

/** Whether this program may do all of that kind. Where it may do some, it cannot be asked what. */
function isGranted(name: typeof DENO_NAMES[number]): boolean {
  if (scope.Deno !== undefined) {
    const { state, partial } = scope.Deno.permissions.querySync({ name });
    return state === "granted" && partial !== true;
  }
  const { permission } = scope.process ?? {};
  if (permission === undefined) return true;
  if (name === "read" || name === "write") return permission.has(`fs.${name}`);
  return name === "run" ? permission.has("child") : name !== "ffi" || permission.has("addon");
}

/** Node's flags of the kinds that it can restrict. */
const NODE_FLAGS: Readonly<Record<string, string>> = {
  ffi: "--allow-addons",
  read: "--allow-fs-read",
  run: "--allow-child-process",
  write: "--allow-fs-write",
};

/** Node's flags for what is asked; what it cannot restrict, it allows. */
function nodeFlags(path: string, permissions: WorkerPermissions = "inherit"): string[] {
  if (permissions === "inherit") return [];
  // Node 20 has no other name for it, and Node 24 not this one. What another Node has is not known.
  const { process } = scope;
  const isOld = path === process?.execPath && parseInt(process?.versions?.node ?? "", 10) < 23;
  const flags = [isOld ? "--experimental-permission" : "--permission"];
  if (permissions === "none") return flags;
  for (const [name, flag] of Object.entries(NODE_FLAGS)) {
    const asked = permissions[name as keyof typeof permissions];
    const isPath = name === "read" || name === "write";
    if (asked === true || asked === "inherit") flags.push(isPath ? `${flag}=*` : flag);
    if (Array.isArray(asked)) { for (const path of asked) flags.push(`${flag}=${pathOf(path)}`); }
  }
  return flags;
}

/** A path as a flag takes it; what is no `file:` URL is left as it is. */
function pathOf(path: string | URL): string {
  if (!(path instanceof URL)) return path;
  return path.protocol === "file:" ? decodeURIComponent(path.pathname) : path.href;
}
