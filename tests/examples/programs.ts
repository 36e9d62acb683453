/** Runs a program of `examples/` as its readers do: as a process of its own, on this runtime. */

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What a program printed, and the code that it ended with. */
export interface Ending {
  code: number | null;
  stdout: string;
  stderr: string;
}

const { versions } = process as { versions: Record<string, string | undefined> };
const RUN = versions.deno !== undefined ? ["run", "-A", "--no-check"] : [];

/** Runs `examples/<name>.ts` to its end. */
export function runExample(name: string, args: string[] = []): Promise<Ending> {
  const program = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...RUN, program, ...args], {
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ending: Ending = { code: null, stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk) => ending.stdout += chunk);
    child.stderr.setEncoding("utf8").on("data", (chunk) => ending.stderr += chunk);
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...ending, code }));
  });
}
