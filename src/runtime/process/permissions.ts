/**
 * Permissions of processes, as flags of Deno and Node. A process has never more than this program has,
 * as far as that can be asked, and never more than was said. What cannot be said exactly is refused.
 *
 * @module
 */

import { UnsupportedError } from "../../futures/errors.ts";
import { show } from "../../futures/show.ts";
import type { Command } from "../command.ts";
import type { WorkerPermissions } from "../runtime.ts";
import { builtin } from "../thread_handle.ts";
import type { ProcessLike } from "../thread_handle.ts";
import { flagsIn } from "./flags.ts";

interface Scope {
  readonly process?: ProcessLike & {
    readonly execPath?: string;
    readonly execArgv?: readonly string[];
  };
  readonly Deno?: {
    readonly permissions: {
      querySync(description: Record<string, unknown>): { state: string; partial?: boolean };
    };
  };
}

const scope = globalThis as unknown as Scope;

const NAMES = ["env", "ffi", "import", "net", "read", "run", "sys", "write"] as const;
type Name = typeof NAMES[number];
type Asked = "inherit" | boolean | readonly (string | URL)[];

/** How Deno asks for one thing of a kind, and what of its flags a comma can be escaped in. */
const DENO: Readonly<Record<Name, { readonly key?: string; readonly escapes?: boolean }>> = {
  env: { key: "variable" },
  ffi: { key: "path", escapes: true },
  import: {},
  net: { key: "host" },
  read: { key: "path", escapes: true },
  run: { key: "command" },
  sys: { key: "kind" },
  write: { key: "path", escapes: true },
};

/** What Node can withhold: by which flag, and what it calls it when it is asked. */
const NODE: Partial<Readonly<Record<Name, { readonly flag: string; readonly scope: string }>>> = {
  ffi: { flag: "--allow-addons", scope: "addon" },
  read: { flag: "--allow-fs-read", scope: "fs.read" },
  run: { flag: "--allow-child-process", scope: "child" },
  write: { flag: "--allow-fs-write", scope: "fs.write" },
};

/** The first version of Node that has a permission for the network. The channel needs it. */
const NODE_WITH_NET = 25;

/** Whether this program may do all of a kind, or one thing of it. */
function may(name: Name, what?: string | URL): boolean {
  const value = what === undefined ? undefined : pathOf(what);
  if (scope.Deno !== undefined) {
    const { key } = DENO[name];
    try {
      const { state, partial } = scope.Deno.permissions.querySync({
        name,
        ...(value === undefined || key === undefined ? {} : { [key]: value }),
      });
      return state === "granted" && partial !== true;
    } catch {
      return false; // it cannot even be asked for
    }
  }
  const { permission } = scope.process ?? {};
  const node = NODE[name];
  if (permission === undefined) return true;
  if (node !== undefined) return permission.has(node.scope, value);
  return name !== "net" || versionOf(undefined) < NODE_WITH_NET || permission.has("net");
}

/** What was asked of a kind; what is not named is not given. */
function askedOf(permissions: WorkerPermissions, name: Name): Asked {
  if (permissions === "inherit") return "inherit";
  return permissions === "none" ? false : permissions[name] ?? false;
}

/** What speaks against starting the command with these permissions. */
export function refusePermissions(
  command: Command,
  permissions: WorkerPermissions | undefined,
): UnsupportedError | TypeError | undefined {
  if (permissions === undefined || permissions === "inherit") return undefined;
  if (command.name === "bun") {
    return new UnsupportedError("Cannot use permissions: Bun has none");
  }
  if (
    command.name === "node" && (permissions === "none" || Object.keys(permissions).length === 0)
  ) {
    return new UnsupportedError(
      "Cannot withhold everything: Node.js has no permission for env, import, net and sys; name what " +
        'it can withhold (read, write, run, ffi), and leave the rest to "inherit"',
    );
  }
  for (const name of NAMES) {
    const refused = refuse(command, name, askedOf(permissions, name), permissions);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function refuse(
  { name: runtime }: Command,
  name: Name,
  asked: Asked,
  permissions: WorkerPermissions,
): UnsupportedError | TypeError | undefined {
  if (runtime === "node" && NODE[name] === undefined) {
    const isNamed = typeof permissions === "object" && permissions[name] !== undefined;
    if (!isNamed || asked === true || asked === "inherit") return undefined;
    return new UnsupportedError(
      `Cannot use permissions.${name}: Node.js restricts read and write by lists, run and ffi as a ` +
        `whole, and no more; leave it to "inherit"`,
    );
  }
  if (asked === true && !may(name)) return exceeds(name);
  if (!Array.isArray(asked)) return undefined;
  if (runtime === "node" && name !== "read" && name !== "write") {
    return new UnsupportedError(
      `Cannot use permissions.${name}: Node.js restricts read and write by lists, run and ffi as a whole`,
    );
  }
  for (const one of asked as readonly unknown[]) {
    if (typeof one !== "string" && !(one instanceof URL)) {
      return new TypeError(`Cannot use permissions.${name}: expected strings, got ${show(one)}`);
    }
    const value = pathOf(one);
    // Each of these would mean something else than itself, or everything.
    const meaning = value === "" || value.includes("\0") || /^\s|\s$/.test(value)
      ? "it is empty, or begins or ends with a space"
      : value.includes("*")
      ? 'a "*" stands for all'
      : value.includes(",") && (runtime === "node" || !DENO[name].escapes)
      ? 'a "," stands between two'
      : undefined;
    if (meaning !== undefined) {
      return new UnsupportedError(`Cannot use permissions.${name} with ${show(value)}: ${meaning}`);
    }
    if (!may(name, one)) return exceeds(name, value);
  }
  return undefined;
}

function exceeds(name: Name, value?: string): UnsupportedError {
  const what = value === undefined ? "" : ` for ${show(value)}`;
  return new UnsupportedError(
    `Cannot give a process permissions.${name}${what}: this program has it not itself`,
  );
}

/**
 * Deno's flags for what is asked; for "inherit" what this program has, as far as it can be told. What
 * is not given is denied by name: Deno's `node:child_process` adds `-A` where no flag speaks of it.
 */
export function denoPermissions(permissions: WorkerPermissions = "inherit"): string[] {
  const flags = ["--no-prompt"];
  for (const name of NAMES) {
    const asked = askedOf(permissions, name);
    if ((asked === true || asked === "inherit") && may(name)) flags.push(`--allow-${name}`);
    else if (Array.isArray(asked) && asked.length > 0) {
      const values = asked.map((one) => pathOf(one).replaceAll(",", ",,"));
      flags.push(`--allow-${name}=${values.join(",")}`);
    } else flags.push(`--deny-${name}`);
  }
  return flags;
}

/** Node's flags for what is asked. */
export function nodePermissions(
  { path }: Command,
  permissions: WorkerPermissions = "inherit",
): string[] {
  if (permissions === "inherit") return inheritedByNode();
  // Node 20 has no other name for it, and Node 24 not this one.
  const version = versionOf(path);
  const flags = [version < 23 ? "--experimental-permission" : "--permission"];
  if (version >= NODE_WITH_NET && may("net")) flags.push("--allow-net");
  for (const name of NAMES) {
    const node = NODE[name];
    if (node === undefined) continue;
    const { flag } = node;
    const isPath = name === "read" || name === "write";
    const asked = askedOf(permissions, name);
    if (Array.isArray(asked)) { for (const one of asked) flags.push(`${flag}=${pathOf(one)}`); }
    else if ((asked === true || asked === "inherit") && may(name)) {
      flags.push(isPath ? `${flag}=*` : flag);
    } else if (asked === "inherit") flags.push(...ownFlags(flag));
  }
  return flags;
}

/** What restricts this program restricts a process of Node's, too, as far as Node can. */
function inheritedByNode(): string[] {
  if (scope.Deno === undefined) {
    return ownFlags("--allow-", "--permission", "--experimental-permission");
  }
  const withheld = (Object.keys(NODE) as Name[]).filter((name) => !may(name));
  if (withheld.length === 0) return [];
  const granted = (Object.keys(NODE) as Name[]).filter((name) => may(name));
  return ["--permission"].concat(
    granted.map((name) => {
      const { flag } = NODE[name]!;
      return name === "read" || name === "write" ? `${flag}=*` : flag;
    }),
  );
}

/** The flags of that name that this program was started with. */
function ownFlags(...names: readonly string[]): string[] {
  return flagsIn(scope.process?.execArgv ?? []).filter(([flag]) =>
    names.some((name) =>
      flag === name || flag!.startsWith(`${name}=`) ||
      (name.endsWith("-") && flag!.startsWith(name))
    )
  ).flat();
}

const versions = new Map<string, number>();

interface SpawnSyncModule {
  spawnSync(path: string, args: readonly string[], options: object): { readonly stdout?: string };
}

/** The major version of a Node; of this one without a path. 24 if it does not say. */
function versionOf(path: string | undefined): number {
  const { process } = scope;
  if (path === undefined || path === process?.execPath) {
    return parseInt(process?.versions?.node ?? "24", 10);
  }
  let version = versions.get(path);
  if (version === undefined) {
    try {
      const { spawnSync } = builtin<SpawnSyncModule>("child_process")!;
      const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 10_000 });
      version = Number(/^v(\d+)/.exec(stdout ?? "")?.[1] ?? 24);
    } catch {
      version = 24;
    }
    versions.set(path, version);
  }
  return version;
}

/** A path as a flag takes it; what is no `file:` URL is left as it is. */
function pathOf(path: string | URL): string {
  if (!(path instanceof URL)) return path;
  return path.protocol === "file:" ? decodeURIComponent(path.pathname) : path.href;
}
