/** Tasks of the benchmark of the distributed executor. @module */

import type { TaskContext } from "../../mod.ts";

export function same<T>(value: T): T {
  return value;
}

export function untilAborted(this: TaskContext): Promise<never> {
  return new Promise((_, reject) => {
    this.signal.addEventListener("abort", () => reject(this.signal.reason));
  });
}
