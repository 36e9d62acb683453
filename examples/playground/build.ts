/**
 * Builds the page into a folder that any web server can serve, under any path: all URLs in it are
 * relative. `node examples/playground/build.ts [folder]`.
 *
 * @module
 */

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Where `npm run playground:build` puts it. */
export const SITE: string = join(HERE, "site");

/** Writes the page into a folder. */
export async function build(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await bundle({
    // Two scripts: workers import the tasks by their URL, so that they are a file of their own.
    entryPoints: [join(HERE, "main.ts"), join(HERE, "tasks.ts")],
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2024",
    minify: true,
    sourcemap: true,
    logLevel: "warning",
  });
  for (const file of ["index.html", "style.css"]) {
    copyFileSync(join(HERE, file), join(folder, file));
  }
}

if (import.meta.main) {
  const folder = process.argv[2] ?? SITE;
  await build(folder);
  console.log(`Built into ${folder}`);
}
