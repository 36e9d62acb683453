/**
 * What runs the tests inside of an edge runtime. The tests are declared when the bundle is loaded, and
 * run by requests, some at a time.
 *
 * @module
 */

import { type PageTest, TESTS } from "../browser/runner/node_test_shim.ts";

/** How a test has ended. */
export interface EdgeResult {
  readonly name: string;
  readonly file: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly message?: string;
  readonly milliseconds?: number;
}

const files = new Map<PageTest, string>();

/** What was declared since the last call belongs to this file. */
export function endFile(file: string): void {
  for (const test of TESTS) if (!files.has(test)) files.set(test, file);
}

/** The names of all tests. */
export function list(): string[] {
  return TESTS.map(({ name }) => name);
}

/** Runs some of the tests, one after the other. */
export async function run(tests: readonly number[]): Promise<EdgeResult[]> {
  const results: EdgeResult[] = [];
  for (const index of tests) {
    const { name, skip, run } = TESTS[index]!;
    const file = files.get(TESTS[index]!)!;
    if (skip) {
      results.push({ name, file, status: "skipped" });
      continue;
    }
    const startedAt = Date.now();
    const end = (status: "passed" | "failed", message?: string) =>
      results.push({
        name,
        file,
        status,
        milliseconds: Date.now() - startedAt,
        ...(message === undefined ? {} : { message }),
      });
    try {
      await run();
      end("passed");
    } catch (error) {
      const { stack } = error as { stack?: unknown };
      end("failed", `${error}\n${stack}`);
    }
  }
  return results;
}
