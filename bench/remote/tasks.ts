/** Tasks of the benchmark of the distributed executor. @module */

import { appendFileSync } from "node:fs";
import type { TaskContext } from "../../mod.ts";

/** Milliseconds since 1970, and parts of them: by the clock that all processes of a machine share. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export function same<T>(value: T): T {
  return value;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Keeps a core busy for so long. */
export function compute(milliseconds: number): number {
  const end = performance.now() + milliseconds;
  let rounds = 0;
  while (performance.now() < end) rounds++;
  return rounds;
}

/** Writes when it was aborted. */
export function untilAborted(this: TaskContext, file: string): Promise<void> {
  const { signal } = this;
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      appendFileSync(file, `${now()}\n`);
      resolve();
    });
  });
}

/** Writes in which attempt it runs and when, and stays. */
export async function stay(this: TaskContext, file: string, milliseconds: number): Promise<void> {
  appendFileSync(file, `${this.attempt} ${now()}\n`);
  if (this.attempt === 1) await sleep(milliseconds);
}
