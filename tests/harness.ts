/**
 * One `test` for three test runners: `deno test`, `bun test` and `node --test` all run `node:test`.
 *
 * @module
 */

import { test as nodeTest } from "node:test";
import { LeakCheck } from "./leaks.ts";

/** How a test is run. */
export interface TestOptions {
  /** Why the test cannot run here. It is reported as skipped, with the reason in its name. */
  skip?: string | false | undefined;
  /** Milliseconds in which the test ends on a machine that has little else to do. @default {10_000} */
  deadline?: number;
  /** Why it may leave workers or timers behind, if it may. */
  leaves?: string;
}

/** Which tests are declared, and why some are skipped: for suites that run with other subjects than their own. */
export const selection: {
  includes(name: string): boolean;
  skips(name: string): string | undefined;
} = { includes: () => true, skips: () => undefined };

/** A deadline is to find what hangs, and not what is slow: a machine that is busy has so many times as long. */
const SPARE = 3;

/**
 * Declares a test. One that hangs fails: a hang is the typical bug here. So does one that leaves a
 * worker, a timer or a port.
 */
export function test(
  name: string,
  fn: () => void | Promise<void>,
  { skip: own, deadline = 10_000, leaves }: TestOptions = {},
): void {
  if (!selection.includes(name)) return;
  const skip = own || selection.skips(name);
  if (skip) {
    nodeTest(`${name} # skipped: ${skip}`, { skip: true }, () => {});
    return;
  }
  // The runner's own limit comes later, for tests that block this very thread.
  nodeTest(name, { timeout: 2 * SPARE * deadline }, async () => {
    const leaks = new LeakCheck();
    await withDeadline(name, fn, SPARE * deadline);
    if (leaves === undefined) await leaks.check();
  });
}

/** Not `deadline()` of `@std/async`: its timer does not keep a program alive that has nothing else to do. */
async function withDeadline(
  name: string,
  fn: () => void | Promise<void>,
  deadline: number,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`"${name}" has not ended within ${deadline} ms`)),
      deadline,
    );
  });
  try {
    await Promise.race([fn(), late]);
  } finally {
    clearTimeout(timer);
  }
}
