// @ts-self-types="./older_node.d.mts"
/**
 * Lets Node 22 run the tests, which say `await using`.
 *
 * @module
 */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const ESBUILD = pathToFileURL(createRequire(import.meta.url).resolve("esbuild")).href;

/** Runs in every process and worker, so it loads nothing before it has to. */
const HOOK = `
import { readFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    if (!/^file:.*\\.ts$/.test(url)) return next(url, context);
    const text = readFileSync(new URL(url), "utf8");
    if (!/^\\s*(?:await )?using \\w/m.test(text)) return next(url, context);
    const { code } = createRequire(${JSON.stringify(ESBUILD)})("esbuild").transformSync(text, {
      loader: "ts",
      target: "node22",
      sourcemap: "inline",
      sourcefile: url,
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    });
    return { format: "module", source: code, shortCircuit: true };
  },
});
`;

/**
 * What a version of Node needs in `NODE_OPTIONS` to run the tests. It is no file, because some tests
 * start processes that may not read any.
 */
export function optionsFor(version) {
  const [, major] = /^v(\d+)/.exec(version);
  if (Number(major) >= 24) return "";
  return `--import=data:text/javascript;base64,${Buffer.from(HOOK).toString("base64")}`;
}
