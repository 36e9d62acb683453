/**
 * Bundles programs for edge runtimes, which import nothing at run time.
 *
 * @module
 */

import { build } from "esbuild";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Modules of Node are stubs; `edge:` is the source that is bundled. */
function sources(text) {
  return {
    name: "edge",
    setup({ onResolve, onLoad }) {
      onResolve(
        { filter: /^node:test$/ },
        () => ({ path: `${ROOT}tests/browser/runner/node_test_shim.ts` }),
      );
      onResolve({ filter: /^node:/ }, () => ({ path: `${ROOT}tests/edge/node_stub.ts` }));
      onResolve({ filter: /^edge:/ }, ({ path }) => ({ path, namespace: "edge" }));
      onResolve(
        { filter: /^@concurrent\/futures$/ },
        () => ({ path: `${ROOT}mod.ts`, sideEffects: true }),
      );
      onLoad({ filter: /./, namespace: "edge" }, ({ path }) => ({
        contents: path === "edge:entry" ? text : `import { endFile } from "./tests/edge/program.ts";
          endFile(${JSON.stringify(path.slice("edge:end:".length))});`,
        loader: "ts",
        resolveDir: ROOT,
      }));
    },
  };
}

/**
 * Bundles a source text whose imports are relative to the repository.
 *
 * @param {string} text
 * @param {"esm" | "iife"} format
 * @returns {Promise<string>}
 */
export async function bundle(text, format = "esm") {
  const { outputFiles } = await build({
    entryPoints: ["edge:entry"],
    bundle: true,
    write: false,
    format,
    globalName: "exported",
    // The edge-runtime is this Node's engine, and that of Node 22 does not know `using`.
    target: format === "iife" ? "es2022" : "esnext",
    platform: "neutral",
    mainFields: ["module", "main"],
    logLevel: "error",
    ignoreAnnotations: true, // `sideEffects: false` is not true of tests
    // Where a module is matters only to tests that load one, and those are skipped.
    define: { "import.meta.resolve": "resolveNowhere", "import.meta.url": '"file:///bundle.js"' },
    banner: { js: 'const resolveNowhere = (path) => new URL(path, "file:///tests/").href;' },
    plugins: [sources(text)],
  });
  return outputFiles[0].text;
}

/** The source of a program that has all tests of these files. */
export function testProgram(files) {
  return [
    ...files.flatMap((file) => [`import "./${file}";`, `import "edge:end:${file}";`]),
    'export { list, run } from "./tests/edge/program.ts";',
  ].join("\n");
}
