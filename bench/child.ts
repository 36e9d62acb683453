import { spawnSync } from "node:child_process";
import process from "node:process";
import { RUNTIME } from "./workload.ts";
import type { RuntimeName } from "./workload.ts";

/** Flags that run a script of the benchmarks on this runtime. */
export const FLAGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["run", "-A", "--no-check"],
  bun: [],
  node: [],
};
const GC = { deno: ["--v8-flags=--expose-gc"], bun: [], node: ["--expose-gc"] };

/** Runs a script of this folder in a process of its own, and returns what it printed. */
export function runScript(
  script: string,
  args: readonly string[],
  gc = false,
): string {
  const path = new URL(script, import.meta.url).pathname;
  const flags = [...FLAGS[RUNTIME], ...(gc ? GC[RUNTIME] : [])];
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    ...flags,
    path,
    ...args,
  ], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${script} ${args.join(" ")}: ${stderr}`);
  return stdout;
}
