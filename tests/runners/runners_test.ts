/**
 * Tests as users write them, run by their tools: vitest, jest, `deno test`, `bun test`, `node --test`. The
 * library is what npm installs; for Deno it is the source, as JSR gives it. Each suite has fake timers
 * where its tool has, functions that the tool has changed, and an executor that nobody shuts down.
 */

import { assert, assertMatch, assertNotMatch } from "@std/assert";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";
import { installTarball, packLibrary } from "../packaging/tarball.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
const TOOLS = ["vitest", "jest"];

const temporary = mkdtempSync(join(tmpdir(), "runners-"));
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
/** That of npm's users; Deno's is not to see its `package.json`. */
const project = join(temporary, "npm");
installTarball(project, packLibrary(temporary).tarball);
// Deno's users have the source; this repository's own npm workspaces would confuse Deno.
for (const name of ["mod.ts", "src"]) {
  cpSync(join(ROOT, name), join(temporary, name), { recursive: true });
}
for (const name of TOOLS) {
  symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name), "junction");
}

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the suite of a tool in a folder of its own. */
function run(tool: string, command: readonly string[]): Promise<Run> {
  const folder = mkdtempSync(join(tool === "deno" ? temporary : project, `${tool}-`));
  for (const name of ["work.mjs", "tasks.mjs"]) cpSync(join(HERE, name), join(folder, name));
  cpSync(join(HERE, tool), folder, { recursive: true });
  if (tool === "deno") {
    writeFileSync(
      join(folder, "deno.json"),
      JSON.stringify({ imports: { "@concurrent/futures": "../mod.ts" } }),
    );
  } else writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }\n');
  // This is a test itself, of which the tool is to know nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const [name, ...args] = command;
  const child = spawn(name!, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, NODE_OPTIONS: "", NO_COLOR: "1", CI: "true", DENO_NO_UPDATE_CHECK: "1" },
  });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => output += chunk);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

const bin = (name: string, ...path: string[]): string => join(ROOT, "node_modules", name, ...path);
const VITEST = [process.execPath, bin("vitest", "vitest.mjs"), "run", "--no-cache"];
// Its modules need this flag, and it asks for no files of other folders.
const jest = (more: object): string[] => [
  process.execPath,
  "--experimental-vm-modules",
  "--no-warnings",
  bin("jest", "bin", "jest.js"),
  "--config",
  JSON.stringify({ transform: {}, testMatch: ["**/*.test.mjs"], watchman: false, ...more }),
];

const SUITES: [title: string, tool: string, command: string[], passed: RegExp][] = [
  ["vitest in threads", "vitest", [...VITEST, "--pool=threads"], /Tests {2}12 passed \(12\)/],
  ["vitest in processes", "vitest", [...VITEST, "--pool=forks"], /Tests {2}12 passed \(12\)/],
  ["jest", "jest", jest({}), /Tests: +10 passed, 10 total/],
  [
    "jest with timers that are faked before the library is loaded",
    "jest",
    jest({ fakeTimers: { enableGlobally: true } }),
    /Tests: +10 passed, 10 total/,
  ],
  [
    "jest with coverage, which changes the text of functions",
    "jest",
    [...jest({}), "--coverage", "--coverageProvider=babel", "--coverageReporters=text"],
    /^(?=[^]*work\.mjs +\| )[^]*Tests: +10 passed, 10 total/,
  ],
  [
    "deno test with sanitizers and coverage",
    "deno",
    ["deno", "test", "-A", "--no-lock", "--coverage"],
    /ok \| 3 passed \(6 steps\) \| 0 failed/,
  ],
  ["bun test with coverage", "bun", ["bun", "test", "--coverage"], /^ 7 pass\n 0 fail$/m],
  [
    "node --test with coverage",
    "node",
    [process.execPath, "--test", "--experimental-test-coverage"],
    /^. pass 7\n. fail 0$/m,
  ],
];

for (const [title, tool, command, passed] of SUITES) {
  test(`a user's tests pass under ${title}`, async () => {
    const { code, output } = await run(tool, command);
    assert(code === 0, output);
    assertMatch(output, passed);
    assertNotMatch(output, /did not exit|open handle|unhandled|leak/i);
  }, { deadline: 120_000 });
}
