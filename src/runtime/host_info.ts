/** Where a program runs, as far as the runtime tells. */
export interface HostInfo {
  /** Name and version: `"node 24.21.0"`. */
  readonly runtime: string;
  readonly host: string;
  readonly pid: number;
}

interface Process {
  readonly pid?: number;
  readonly versions?: Record<string, string | undefined>;
  getBuiltinModule?(name: string): { hostname?(): string } | undefined;
}

/** Where this program runs. */
export function hostInfo(): HostInfo {
  const { process, Deno } = globalThis as { process?: Process; Deno?: unknown };
  const versions = process?.versions ?? {};
  const name = Deno !== undefined ? "deno" : versions["bun"] !== undefined ? "bun" : "node";
  const version = versions[name];
  return {
    runtime: version === undefined ? "unknown" : `${name} ${version}`,
    host: hostname(process) ?? "unknown",
    pid: process?.pid ?? 0,
  };
}

function hostname(process: Process | undefined): string | undefined {
  try {
    return process?.getBuiltinModule?.("node:os")?.hostname?.();
  } catch {
    return undefined; // Deno without --allow-sys
  }
}
