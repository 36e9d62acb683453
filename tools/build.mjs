/**
 * Builds what npm gets into `dist/`: declarations by tsc, and JavaScript in few files, because a runtime
 * needs several times as long to load sixty modules as to run this library.
 */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The entries of package.json. */
const ENTRIES = [
  "mod.ts",
  ...["futures", "pool", "worker", "runtime"].map((room) => `src/${room}/mod.ts`),
];

rmSync(`${root}/dist`, { recursive: true, force: true });
run("tsc", ["-p", "tsconfig.build.json"]);
run("bun", [
  "build",
  ...ENTRIES,
  "--root=.",
  "--outdir=dist",
  "--format=esm",
  "--target=browser",
  "--splitting",
  "--minify-whitespace",
  "--minify-syntax",
  "--sourcemap=linked",
]);

markImports();

/**
 * Puts back the marks of `src/` by which webpack and Vite leave modules of tasks to the runtime: Bun drops
 * them with the other comments.
 */
function markImports() {
  let marked = 0;
  for (const name of readdirSync(`${root}/dist`, { recursive: true })) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(`${root}/dist/${name}`, "utf8");
    const changed = text.replaceAll("import(url)", () => {
      marked++;
      return "import(/* webpackIgnore: true *//* @vite-ignore */url)";
    });
    if (changed !== text) writeFileSync(`${root}/dist/${name}`, changed);
  }
  if (marked < 2) throw new Error(`${marked} imports of modules of tasks found in dist`);
}

/** @param {string} tool @param {string[]} args */
function run(tool, args) {
  execFileSync(`${root}/node_modules/.bin/${tool}`, args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
}
