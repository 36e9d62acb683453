/**
 * Runs every check and the suite on all three runtimes, with the runtimes that the project brings.
 *
 *     node tools/test.mjs                 everything
 *     node tools/test.mjs suite:deno      only these steps
 *
 * Plain JavaScript, because the machine's own node may be an old one. Prints one line at the end:
 * `N passed, M failed`, summed over the steps and the tests of all runtimes.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const REPORTS = mkdtempSync(join(tmpdir(), "concurrent-futures-"));
const ENTRIES = ["mod.ts", "src/futures/mod.ts", "src/worker/mod.ts", "src/runtime/mod.ts"];

/** Every step is a command; a suite also has a report that tells how many tests there were. */
const STEPS = {
  format: ["deno", "fmt", "--check"],
  lint: ["deno", "lint"],
  "check:deno": ["deno", "check", "mod.ts", "src", "tests", "examples", "tools"],
  "check:tsc": ["tsc", "-p", "tsconfig.json"],
  "check:core": ["tsc", "-p", "tsconfig.core.json"],
  structure: ["node", "tools/check_structure.ts"],
  manifests: ["node", "tools/check_manifests.ts"],
  program: ["node", "tools/generate_program.ts", "--check"],
  "doc:lint": ["deno", "doc", "--lint", ...ENTRIES],
  "doc:examples": suite("doc", (report) => [
    "deno",
    "test",
    "-A",
    "--doc",
    `--junit-path=${report}`,
    "mod.ts",
    "src",
    "README.md",
  ]),
  "suite:deno": suite("deno", (report) => [
    "deno",
    "test",
    "-A",
    "--no-check",
    `--junit-path=${report}`,
    "tests",
  ]),
  "suite:bun": suite("bun", (report) => [
    "bun",
    "test",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    "./tests",
  ]),
  "suite:node": suite("node", (report) => [
    "node",
    "--test",
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
    "tests/**/*_test.ts",
  ]),
  publish: ["deno", "publish", "--dry-run", "--allow-dirty", "--no-provenance"],
};

function suite(name, command) {
  const report = join(REPORTS, `${name}.xml`);
  return Object.assign(command(report), { report });
}

/** Runs one command with the project's own runtimes first on the path. */
function run(command) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), {
      cwd: ROOT,
      env: {
        ...process.env,
        PATH: BIN + delimiter + process.env.PATH,
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    child.stderr.on("data", (chunk) => output += chunk);
    child.on("error", (error) => resolve({ code: 1, output: String(error) }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Counts the test cases of a JUnit report. */
function readReport(file) {
  const counts = { passed: 0, failed: 0, skipped: [] };
  let xml;
  try {
    xml = readFileSync(file, "utf8");
  } catch {
    return counts;
  }
  for (
    const [, head, body] of xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)
  ) {
    if (body?.includes("<failure") || body?.includes("<error")) counts.failed++;
    else if (body?.includes("<skipped")) {
      counts.skipped.push(
        /name="([^"]*)"/.exec(head)?.[1] ?? "?",
      );
    } else counts.passed++;
  }
  return counts;
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in STEPS));
if (unknown.length > 0) {
  console.error(`Unknown step ${unknown.join(", ")}; there are ${Object.keys(STEPS).join(", ")}`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const name of chosen.length > 0 ? chosen : Object.keys(STEPS)) {
  const step = STEPS[name];
  const started = Date.now();
  const { code, output } = await run(step);
  const seconds = `${((Date.now() - started) / 1000).toFixed(1)} s`;
  let verdict = code === 0 ? "ok" : "FAILED";
  if (step.report === undefined) {
    if (code === 0) passed++;
    else failed++;
  } else {
    const counts = readReport(step.report);
    // A run that fails without a failed test, or reports none, has failed as a whole.
    const broken = counts.failed === 0 && (code !== 0 || counts.passed === 0);
    passed += counts.passed;
    failed += counts.failed + (broken ? 1 : 0);
    if (broken) verdict = "FAILED";
    verdict +=
      ` (${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped)`;
    if (process.env.CI) { for (const skipped of counts.skipped) verdict += `\n    ${skipped}`; }
  }
  if (code !== 0) console.log(output.trimEnd());
  console.log(`${name.padEnd(14)} ${seconds.padStart(8)}  ${verdict}`);
}
rmSync(REPORTS, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
