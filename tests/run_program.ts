/** Runs a program of its own on the runtime of this test, to its end. @module */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const MODULE = new URL("../mod.ts", import.meta.url).href;

/** What makes Deno run a program of a test, as the other runtimes do without a word. */
export const RUN: readonly string[] = "Deno" in globalThis
  ? ["run", "--no-check", "--no-config"]
  : [];

/** The same, with all permissions. */
export const RUN_ALLOWED: readonly string[] = "Deno" in globalThis ? [...RUN, "-A"] : [];

/** How a program has ended, and what it has printed. */
export interface Ending {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** How a program ends that prints this, and nothing else. */
export function ended(stdout: string): Ending {
  return { code: 0, stdout, stderr: "" };
}

/**
 * Runs a program.
 *
 * @param body Its text; the library is `cf` there.
 * @param flags Of the runtime, before the program's file.
 */
export async function runProgram(
  body: string,
  flags: readonly string[] = RUN_ALLOWED,
): Promise<Ending> {
  const folder = mkdtempSync(join(tmpdir(), "program-"));
  const file = join(folder, "main.ts");
  writeFileSync(file, `import * as cf from ${JSON.stringify(MODULE)};\n${body}`);
  try {
    return await new Promise<Ending>((resolve, reject) => {
      const child = spawn(process.execPath, [...flags, file], {
        env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ending: Ending = { code: null, stdout: "", stderr: "" };
      child.stdout.on("data", (chunk) => ending.stdout += chunk);
      child.stderr.on("data", (chunk) => ending.stderr += chunk);
      child.on("error", reject);
      child.on("close", (code) => resolve({ ...ending, code }));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
