/** Functions as tools change their text: what works, and what is said where it cannot. @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import type { Executor } from "../../mod.ts";
import { test } from "../harness.ts";

const KINDS: [string, () => Executor][] = [
  ["ThreadPoolExecutor", () => new ThreadPoolExecutor(1)],
  ["ProcessPoolExecutor", () => new ProcessPoolExecutor(1)],
];

/** A function of a text that this file's own tools have not seen. */
const made = (text: string) => new Function(`return ${text}`)() as (x: unknown) => unknown;

const WORK: [string, string][] = [
  [
    "Vite's import",
    `async (x) => (await __vite_ssr_dynamic_import__("node:path")).basename("/a/" + x)`,
  ],
  [
    "Istanbul's counters",
    `function f(x) {
      cov_1f2e3d().f[0]++;
      const g = (cov_1f2e3d().s[0]++, (y) => { cov_1f2e3d().f[1]++; cov_1f2e3d().s[1]++; return y; });
      cov_1f2e3d().s[2]++;
      if (x === "b") { cov_1f2e3d().b[0][0]++; cov_1f2e3d().s[3]++; return g(x); }
      else { cov_1f2e3d().b[0][1]++; }
      return (cov_1f2e3d().b[1][0]++, "wrong");
    }`,
  ],
  ["counters of two files", `(x) => (cov_a().s[0]++, cov_b().s["1"]++, x)`],
  ["a word that looks like a counter", `(x) => { const cov_x = () => x; return cov_x(); }`],
  ["esbuild's names", `(x) => __name(() => x, "named")()`],
];

const FAIL: [string, string, string][] = [
  ["an import at the top", `(x) => __vi_import_0__.basename(x)`, "Vite"],
  ["import.meta", `() => __vite_ssr_import_meta__.url`, "Vite"],
  ["an import", `() => (0, _path__WEBPACK_IMPORTED_MODULE_0__.basename)("a")`, "webpack"],
  ["a module", `() => __webpack_require__(1)`, "webpack"],
  ["an import", `() => _interopRequireWildcard(1)`, "Babel or SWC"],
  ["an async function", `() => _async_to_generator(1)`, "Babel or SWC"],
  ["an async function", `() => __awaiter(this, 1)`, "TypeScript"],
  ["an import", `() => __toESM(1)`, "esbuild"],
  ["the counters of all files", `() => __coverage__.x`, "Istanbul"],
];

for (const [kind, create] of KINDS) {
  test(`functions run as tools print them [${kind}]`, async () => {
    await using executor = create();
    for (const [what, text] of WORK) {
      const result = await executor.submit(made(text), "b").result().catch((error) => error);
      assertEquals(result, "b", what);
    }
  });

  test(`an error names the tool whose variable is missing, and the way out [${kind}]`, async () => {
    await using executor = create();
    for (const [what, text, tool] of FAIL) {
      const error = await executor.submit(made(text), "b").exception() as Error;
      assertEquals(error.name, "ReferenceError", what);
      assertStringIncludes(error.message, `${tool} has put it into task`);
      assertStringIncludes(error.message, "use importTasks");
    }
    const error = await executor.submit(made("() => _mine"), 1).exception() as Error;
    assert(error.message.includes('pass "_mine" as an argument'), error.message);
  });
}
