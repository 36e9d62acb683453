/** Tasks of the tests with a real Redis. `runs` is a file that gets a byte for each run. @module */

import { appendFileSync } from "node:fs";
import type { TaskContext } from "../../mod.ts";

export function double(x: number): number {
  return 2 * x;
}

export function size(bytes: Uint8Array): number {
  return bytes.length;
}

export async function noted(runs: string, x: number, ms: number): Promise<number> {
  appendFileSync(runs, ".");
  await new Promise((resolve) => setTimeout(resolve, ms));
  return 2 * x;
}

/** Gives its attempt after a while. */
export async function slow(this: TaskContext, runs: string, ms: number): Promise<number> {
  appendFileSync(runs, ".");
  await new Promise((resolve) => setTimeout(resolve, ms));
  return this.attempt!;
}

/** The same, and blocks its thread. */
export function spin(this: TaskContext, runs: string, ms: number): number {
  appendFileSync(runs, ".");
  const end = performance.now() + ms;
  while (performance.now() < end);
  return this.attempt!;
}
