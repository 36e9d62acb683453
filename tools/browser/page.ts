/**
 * Runs test files in a page, one test after the other: `page.html?file=/tests/...&file=...`. The driver
 * (`run.mjs`) is given each result.
 *
 * @module
 */

import { provideFiles } from "./files.ts";
import { TESTS } from "./node_test.ts";

Object.assign(globalThis, {
  prelude: `(${provideFiles})(${JSON.stringify(`${location.origin}/files`)});\n`,
});

/** How a test has ended. */
interface PageResult {
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly message?: string;
}

const { report, finish } = globalThis as unknown as {
  report(result: PageResult): Promise<void>;
  finish(): Promise<void>;
};

for (const file of new URL(location.href).searchParams.getAll("file")) {
  try {
    await import(file);
  } catch (error) {
    await report({ name: `import of ${file}`, status: "failed", message: textOf(error) });
  }
}
for (const { name, skip, run } of TESTS) {
  if (skip) {
    await report({ name, status: "skipped" });
    continue;
  }
  try {
    await run();
    await report({ name, status: "passed" });
  } catch (error) {
    await report({ name, status: "failed", message: textOf(error) });
  }
}
await finish();

function textOf(error: unknown): string {
  return error instanceof Error ? `${error}\n${error.stack}` : String(error);
}
