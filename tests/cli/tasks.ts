/** Tasks of workers that the tests start by the command line. @module */

import { existsSync } from "node:fs";
import type { TaskContext } from "../../mod.ts";

export function double(x: number): number {
  return 2 * x;
}

/** Ends with its attempt once somebody has made this file. */
export async function untilFileIsThere(this: TaskContext, path: string): Promise<number> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20));
  return this.attempt!;
}
