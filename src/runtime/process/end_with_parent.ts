import { builtin } from "../thread_handle.ts";

interface Scope {
  readonly process?: { readonly platform?: string };
  readonly Deno?: {
    readonly permissions: {
      querySync(description: { name: string; command: string }): { state: string };
    };
  };
}

interface SpawnSyncModule {
  spawnSync(path: string, args: readonly string[]): { readonly status: number | null };
}

const WRAPPER = ["setpriv", "--pdeathsig", "KILL", "--"] as const;

let wrapper: readonly string[] | undefined;

/**
 * What stands before a command so that the kernel ends the process with the thread that started it,
 * also one that is in a loop and does not see its channel close. Linux with util-linux has it;
 * elsewhere it is nothing, and such a process ends when its loop does.
 */
export function endWithParent(): readonly string[] {
  return wrapper ??= canWrap() ? WRAPPER : [];
}

function canWrap(): boolean {
  const { process, Deno } = globalThis as Scope;
  if (process?.platform !== "linux") return false;
  const permission = Deno?.permissions.querySync({ name: "run", command: WRAPPER[0] });
  if (permission !== undefined && permission.state !== "granted") return false;
  try {
    const { spawnSync } = builtin<SpawnSyncModule>("child_process")!;
    return spawnSync(WRAPPER[0], [...WRAPPER.slice(1), "true"]).status === 0; // busybox has another one
  } catch {
    return false;
  }
}
