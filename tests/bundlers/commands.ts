/**
 * Runs bundlers, and what they have made.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const BIN = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

/** Milliseconds until a command that hangs is ended. */
const LIMIT = 40_000;

/** What a command has printed, and whether it failed. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs a line of the shell, with the project's own tools. */
export function sh(line: string, cwd: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("sh", ["-c", `exec ${line}`], {
      cwd,
      env: {
        ...process.env,
        PATH: BIN + delimiter + process.env.PATH,
        NODE_ENV: undefined, // Vite warns of an unusual one
        NODE_TEST_CONTEXT: undefined, // or a child reports as a test
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LIMIT,
      killSignal: "SIGKILL",
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => stdout += chunk);
    child.stderr.on("data", (chunk) => stderr += chunk);
    child.on("error", reject);
    child.on("close", (code) => resolve({ stdout, stderr, code }));
  });
}

/** How the bundlers begin a warning; Vite by its code, as [IMPORT_IS_UNDEFINED]. */
const WARNING = /warn|\(!\)|▲|^\[(?:[A-Z_]+|plugin .*)\]/i;

/** The lines by which one of the bundlers warns. */
export function warnings(outcome: Outcome): string[] {
  const printed = stripVTControlCharacters(`${outcome.stdout}\n${outcome.stderr}`);
  return printed.split("\n").filter((line) => WARNING.test(line));
}

/** The command of a runtime for a program. */
export function runtimeCommand(runtime: "node" | "bun" | "deno", file: string): string {
  return `${join(BIN, runtime)} ${runtime === "deno" ? "run --allow-read " : ""}${file}`;
}
