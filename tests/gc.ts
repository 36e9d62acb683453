/**
 * The garbage collector, called by tests.
 *
 * @module
 */

import { delay } from "@std/async";
import process from "node:process";

/** Collects what can be collected. Call it with a turn of the event loop in between. */
export const collect: () => void = makeCollect();

function makeCollect(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
  return process.getBuiltinModule("node:vm").runInNewContext("gc") as () => void;
}

/** Collects until something is so, until the test's deadline. */
export async function collectUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    collect();
    overwriteStack(50);
    await delay(5);
  }
}

/** Bun takes whatever lies on the stack for a reference. */
function overwriteStack(depth: number): number {
  return depth === 0 ? 0 : 1 + overwriteStack(depth - 1);
}
