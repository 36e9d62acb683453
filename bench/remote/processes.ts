/** The processes of the benchmark, and the processor time that they take. @module */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ARGS = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];

/** Clock ticks of a second, as `/proc` counts. */
const TICKS = 100;

/** The path of a file beside this one. */
export function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Starts a program on this runtime, and waits until it says that it takes jobs. */
export function start(file: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [...ARGS, here(file), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`${file} ended with ${code}`)));
    child.stdout!.on("data", (text) => {
      if (/ serves |ready/.test(String(text))) resolve(child);
    });
  });
}

/** A worker of this library. */
export function startWorker(
  url: string,
  queue: string,
  concurrency: number,
  ...more: string[]
): Promise<ChildProcess> {
  return start(
    "../../src/cli/cli.ts",
    ...["worker", "--url", url, "--queue", queue, "--concurrency", String(concurrency)],
    ...["--module", `bench=${here("tasks.ts")}`, ...more],
  );
}

/** A worker of bare BullMQ. */
export function startBare(url: string, queue: string, concurrency: number): Promise<ChildProcess> {
  return start("bare_worker.ts", url, queue, String(concurrency));
}

/** Ends a process, and waits for its end. */
export function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.removeAllListeners("exit").once("exit", () => resolve());
    child.kill(signal);
  });
}

/** Milliseconds of processor time that a process has taken, all its threads included. */
export function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS;
}

/** The number of commands that clients sent to a Redis within so many milliseconds, for each client's address. */
export function countCommands(port: number, milliseconds: number): number {
  let text: string;
  try {
    execFileSync("redis-cli", ["-p", String(port), "monitor"], {
      encoding: "utf8",
      timeout: milliseconds,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return 0;
  } catch (error) {
    text = String((error as { stdout?: unknown }).stdout ?? "");
  }
  // What scripts do on the server is nothing that was sent.
  return text.split("\n").filter((line) => /^\d+\.\d+ \[\d+ [^l]/.test(line)).length;
}
