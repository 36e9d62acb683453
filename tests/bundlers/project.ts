/**
 * A user's project in a temporary folder: this library as npm installs it, and the bundlers.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What a build neither needs nor may change: other tests use `dist` at the same time. */
const LEFT_OUT = new Set(["node_modules", "dist", ".git", "bench", "docs", "tests"]);

/** What users have installed beside the library; the other bundlers are commands. */
const INSTALLED = ["esbuild", "rollup", "@rollup/plugin-node-resolve", "webpack", "vite"];

/**
 * Packs the library and installs it in a new folder.
 *
 * @returns The folder; the caller removes it.
 */
export function makeProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "bundlers-"));
  try {
    install(folder);
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function install(folder: string): void {
  const source = join(folder, "source");
  // `npm pack` builds first, in a copy.
  cpSync(ROOT, source, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(relative(ROOT, path)),
  });
  symlinkSync(join(ROOT, "node_modules"), join(source, "node_modules"));
  npm(["pack", "--silent", `--pack-destination=${folder}`], source);
  rmSync(source, { recursive: true });

  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }\n');
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  npm(["install", "--silent", "--offline", "--no-audit", "--no-fund", `./${tarball}`], folder);
  for (const name of INSTALLED) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link);
  }
}

function npm(args: readonly string[], cwd: string): void {
  execFileSync("npm", args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
}
