/**
 * Builds what npm gets into `dist/`: declarations by tsc, and JavaScript twice. In few files for
 * runtimes, which need several times as long to load a hundred and fifty modules as to run this library;
 * and module by module, in `dist/modules/`, for bundlers, which leave out what nobody imports, but in a
 * file keep each class with a static block.
 */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildInChunks, buildModules } from "./chunks.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** The entries, the same for JSR and npm. */
const entries = Object.values(JSON.parse(readFileSync(join(root, "deno.json"), "utf8")).exports);

rmSync(dist, { recursive: true, force: true });
execFileSync(join(root, "node_modules", ".bin", "tsc"), ["-p", "tsconfig.build.json"], {
  cwd: root,
  shell: process.platform === "win32", // where it is a .cmd file
  stdio: ["ignore", "ignore", "inherit"],
});
trimDeclarations();

const options = {
  absWorkingDir: root,
  entryPoints: entries.map((entry) => entry.replace(/^\.\//, "")),
  outbase: ".",
  outdir: dist,
  bundle: true,
  // Peers that only their own entries need, and what all runtimes have.
  external: ["bullmq", "ioredis", "@opentelemetry/api", "node:*"],
  format: "esm",
  platform: "neutral",
  target: "es2022", // Node 20, and the browsers that have module workers
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120, // so that what is put in afterwards shifts a map by one line's rest and not more
  sourcemap: "linked",
};
// Not Bun's bundler: it calls a class `Future2` that several chunks export, also in `constructor.name`.
const files = await buildInChunks(options);
files.push(...await buildModules(options));
markImports();

/**
 * Puts back the marks of `src/` by which webpack and Vite leave modules of tasks to the runtime: they are
 * dropped with the other comments.
 */
function markImports() {
  let marked = 0;
  for (const name of files) {
    const text = readFileSync(join(root, name), "utf8");
    const changed = text.replaceAll("import(url)", () => {
      marked++;
      return "import(/* webpackIgnore: true *//* @vite-ignore */url)";
    });
    if (changed !== text) writeFileSync(join(root, name), changed);
  }
  if (marked < 2) throw new Error(`${marked} imports of modules of tasks found in dist`);
}

/**
 * tsc leaves `./future.ts` in declarations, which not every reader of them follows; and it declares all
 * modules, most of which no entry leads to.
 */
function trimDeclarations() {
  const kept = new Set();
  const waiting = entries.map((entry) => join(dist, entry.replace(/\.ts$/, ".d.ts")));
  for (const file of waiting) {
    if (kept.has(file)) continue;
    kept.add(file);
    const text = readFileSync(file, "utf8");
    const changed = text.replace(
      // Not in comments, whose lines begin with a star.
      /^(?! *\*)(.*(?:from |import\()")(\.[^"]*)\.ts"/gm,
      (_, before, path) => {
        waiting.push(join(dirname(file), `${path}.d.ts`));
        return `${before}${path}.js"`;
      },
    );
    writeFileSync(file, ownTypes(changed));
  }
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = join(dist, name);
    if (name.endsWith(".d.ts") && !kept.has(file)) rmSync(file);
  }
}

/**
 * Gives a declaration the types that only newer libraries of TypeScript have, or only those of browsers.
 *
 * @param {string} text
 */
function ownTypes(text) {
  const disposes = /\bAsyncDisposable\b|\basyncDispose\b/.test(text);
  const transfers = /\bTransferable\b/.test(text);
  const options = "NonNullable<Parameters<typeof structuredClone>[1]>";
  return (disposes ? '/// <reference lib="esnext.disposable" />\n' : "") + text +
    (transfers ? `type Transferable = NonNullable<${options}["transfer"]>[number];\n` : "");
}
