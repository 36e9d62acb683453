/**
 * Tries the newest versions of all that this project installs: for the scheduled workflow, in a clone that is
 * thrown away.
 *
 *     node tools/newest.mjs                            installs them
 *     node tools/newest.mjs --report newest.log failure    prints what came of it
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Node stays on its line: the others are tried by tests/packaging/. */
const RANGES = { node: "24", "@types/node": "24" };

const { devDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));

const [, , what, log, outcome] = process.argv;
if (what === "--report") console.log(report(log, outcome));
else {
  const names = Object.keys(devDependencies).filter((name) => !name.startsWith("@std/"));
  execFileSync(
    "npm",
    ["install", "--save-dev", "--save-exact", ...names.map((n) => `${n}@${RANGES[n] ?? "latest"}`)],
    { cwd: ROOT, stdio: "inherit" },
  );
}

/** The versions, how it ended, and the end of the log. */
function report(path, ended) {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const versions = Object.entries(devDependencies).map(([name, version]) => `- ${name} ${version}`);
  return [
    `The newest versions: **${ended}**. ${lines.at(-1)}`,
    "",
    ...versions,
    "",
    "```",
    ...lines.slice(-100),
    "```",
  ].join("\n");
}
