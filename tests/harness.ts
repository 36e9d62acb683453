/**
 * One `test` for three test runners: `deno test`, `bun test` and `node --test` all run `node:test`.
 *
 * @module
 */

import { test as nodeTest } from "node:test";

/** How a test is run. */
export interface TestOptions {
  /** Why the test cannot run here. It is reported as skipped, with the reason in its name. */
  skip?: string | false | undefined;
  /** Milliseconds until a test that hangs fails. @default {10_000} */
  deadline?: number;
}

/** Declares a test. A test that hangs fails: a hang is the typical bug here. */
export function test(
  name: string,
  fn: () => void | Promise<void>,
  { skip, deadline = 10_000 }: TestOptions = {},
): void {
  if (skip) {
    nodeTest(`${name} # skipped: ${skip}`, { skip: true }, () => {});
    return;
  }
  // The runner's own limit comes later, for tests that block this very thread.
  nodeTest(name, { timeout: 2 * deadline }, () => withDeadline(name, fn, deadline));
}

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
