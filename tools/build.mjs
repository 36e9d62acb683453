/**
 * Builds what npm gets into `dist/`: declarations by tsc, and JavaScript in few files, because a runtime
 * needs several times as long to load sixty modules as to run this library.
 */

import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
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

/** @param {string} tool @param {string[]} args */
function run(tool, args) {
  execFileSync(`${root}/node_modules/.bin/${tool}`, args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
}
