/**
 * Runs a test file in a page, one test after the other: `page.html?file=/tests/...&page=1`. The driver
 * (`run.mjs`) is told each result, and the end.
 *
 * @module
 */

import { provideFiles } from "./files.ts";
import { TESTS } from "./node_test_shim.ts";

const query = new URL(location.href).searchParams;
const filesUrl = `${location.origin}/files`;

// Some of the tests' own classes are for `using`; what it is lowered to looks there. The symbol of
// `await using` stays away: that the library does without it is what is tested.
const dispose = Symbol.for("Symbol.dispose");
if (!Reflect.has(Symbol, "dispose")) Object.defineProperty(Symbol, "dispose", { value: dispose });

// What `tests/leaks.ts` gives the workers of tests.
Object.assign(globalThis, {
  prelude: `(${provideFiles})(${JSON.stringify(filesUrl)});\n`,
  ...(query.has("ownWorker") ? { ownWorker: startOwn } : {}),
});

function startOwn(name: string): Worker {
  return new Worker(new URL("./own_worker.ts", import.meta.url), { type: "module", name });
}

/** How a test has ended. */
interface PageResult {
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly message?: string;
  readonly milliseconds?: number;
}

async function report(result: PageResult | "end"): Promise<void> {
  const body = JSON.stringify(result);
  await fetch(`/report?page=${query.get("page")}`, { method: "POST", body });
}

// What nobody catches, beside the tests.
addEventListener("error", (event) => uncaught(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => uncaught(event.reason));

function uncaught(error: unknown): void {
  void report({ name: "an uncaught error", status: "failed", message: textOf(error) });
}

try {
  await import(query.get("file")!);
} catch (error) {
  await report({ name: "import", status: "failed", message: textOf(error) });
}
for (const { name, skip, run } of TESTS) {
  if (skip) {
    await report({ name, status: "skipped" });
    continue;
  }
  const started = performance.now();
  const milliseconds = (): number => performance.now() - started;
  try {
    await run();
    await report({ name, status: "passed", milliseconds: milliseconds() });
  } catch (error) {
    const message = textOf(error);
    await report({ name, status: "failed", message, milliseconds: milliseconds() });
  }
}
await report("end");

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\nCaused by ${textOf(error.cause)}`;
  const { stack = "" } = error;
  // Only Chromium's has the message.
  return `${stack.includes(error.message) ? stack : `${error}\n${stack}`}${cause}`;
}
