/**
 * Runs every check and the suite on all three runtimes, with the runtimes that the project brings.
 *
 *     node tools/test.mjs                 everything
 *     node tools/test.mjs suite:deno      only these steps
 *     RUNTIME_PATH=system npm run test:node    with the runtimes that the machine brings
 *
 * Plain JavaScript, because the machine's own node may be an old one. No step stops the others. Prints
 * one line at the end: `N passed, M failed`, summed over the steps and the tests of all runtimes.
 *
 * @module
 */

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readReport, skipReasons } from "./junit.mjs";
import { optionsFor } from "./older_node.mjs";
import { withRuntimes } from "./runtime_path.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const REPORTS = mkdtempSync(join(tmpdir(), "concurrent-futures-"));
const ENTRIES = Object.values(JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")).exports);

const WINDOWS = process.platform === "win32";

/** Milliseconds until a step that hangs is killed; a whole suite takes some minutes. */
const STEP_LIMIT = 20 * 60_000;

/** How many characters of what a failed step printed are told again at the end. */
const LAST_WORDS = 6_000;

/** Folders of tests that are steps of their own, and not run on every runtime. */
const APART = ["bundlers", "packaging", "runners"];

/** Folders of tests with files that are nothing by themselves. */
const FIXTURES = ["bundlers", "runners"];

/**
 * Every step is a command. A suite also has a report, which tells how many tests there were; `wrong` is
 * what must not stand in the output, `note` what of it is printed.
 */
const STEPS = {
  format: { command: ["deno", "fmt", "--check"] },
  lint: { command: ["deno", "lint"] },
  "check:deno": {
    command: [
      ..."deno check --quiet mod.ts src examples tools bench/workloads".split(" "),
      // Not the fixtures of bundlers and runners, which are whole only after they were copied together.
      ...readdirSync(join(ROOT, "tests")).filter((name) => !FIXTURES.includes(name)).map((name) =>
        `tests/${name}`
      ),
      ...FIXTURES.flatMap((folder) =>
        readdirSync(join(ROOT, "tests", folder)).filter((name) => name.endsWith(".ts")).map((
          name,
        ) => `tests/${folder}/${name}`)
      ),
      // Not bench/peers, which needs what only `npm ci --prefix bench` installs.
      ...readdirSync(join(ROOT, "bench")).filter((name) => name.endsWith(".ts")).map((name) =>
        `bench/${name}`
      ),
    ],
  },
  "check:tsc": { command: ["tsc", "-p", "tsconfig.json"] },
  "check:core": { command: ["tsc", "-p", "tsconfig.core.json"] },
  structure: { command: ["node", "tools/check_structure.ts"] },
  originals: { command: ["node", "tools/check_originals.ts"] },
  manifests: { command: ["node", "tools/check_manifests.ts"] },
  program: { command: ["node", "tools/generate_program.ts", "--check"] },
  "doc:lint": {
    // The types of a peer are private to `deno doc`.
    command: ["deno", "doc", "--lint", ...ENTRIES.filter((path) => !/opentelemetry/.test(path))],
  },
  "doc:symbols": { command: ["node", "tools/check_docs.ts"] },
  "doc:examples": suite((report) => [
    ..."deno test -A --doc --quiet".split(" "),
    `--junit-path=${report}`,
    ..."mod.ts src README.md docs".split(" "),
  ]),
  "suite:deno": suite((report) => [
    ..."deno test -A --no-check".split(" "),
    `--junit-path=${report}`,
    `--ignore=${APART.map((name) => `tests/${name}`)}`,
    "tests",
  ]),
  "suite:bun": suite((report) => [
    ..."bun test --reporter=junit".split(" "),
    `--reporter-outfile=${report}`,
    ...APART.map((name) => `--path-ignore-patterns=**/tests/${name}/**`),
  ]),
  "suite:node": nodeSuite("tests/*_test.ts", `tests/!(${APART.join("|")})/**/*_test.ts`),
  "edge:workerd": suite((report) => ["node", "tests/edge/run.mjs", "workerd", report]),
  "edge:vercel": suite((report) => ["node", "tests/edge/run.mjs", "vercel", report]),
  bundlers: nodeSuite("tests/bundlers/*_test.ts"),
  playground: nodeSuite("examples/playground/*_test.ts"),
  packages: nodeSuite("tests/packaging/*_test.ts"),
  runners: nodeSuite("tests/runners/*_test.ts"),
  "chromium:isolated": browser("chromium", "isolated"),
  "chromium:plain": browser("chromium", "plain"),
  "chromium:csp": browser("chromium", "csp"),
  firefox: browser("firefox", "chosen"),
  webkit: browser("webkit", "chosen"),
  "firefox:isolated": onRequest(browser("firefox", "isolated")),
  "firefox:plain": onRequest(browser("firefox", "plain")),
  "firefox:csp": onRequest(browser("firefox", "csp")),
  "webkit:isolated": onRequest(browser("webkit", "isolated")),
  "webkit:plain": onRequest(browser("webkit", "plain")),
  "webkit:csp": onRequest(browser("webkit", "csp")),
  size: { command: ["node", "tests/bundlers/size.ts"], note: /^size: .*/gm },
  publish: {
    command: ["deno", "publish", "--dry-run", "--allow-dirty"],
    // Modules of tasks are imported by the URL that the user gives: that one warning is meant. Deno does
    // without it only where the specifier begins with a text that ends with a slash; URLs have no such.
    wrong: /^warning\[(?!unanalyzable-dynamic-import\]).*/im,
  },
};

function suite(command) {
  const report = join(REPORTS, `${Math.random()}.xml`);
  return { command: command(report), report };
}

function nodeSuite(...files) {
  return suite((report) => [
    // One file at a time, as the other two. The limit ends a file that a failed test keeps running;
    // `--test-force-exit` would too, but loses results that are still on their way.
    ..."node --test --test-concurrency=1 --test-timeout=600000 --test-reporter=spec".split(" "),
    "--test-reporter-destination=stdout",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
    ...files,
  ]);
}

/** Tests in pages, in one of the modes of `tests/browser/runner/modes.mjs`. */
function browser(name, mode) {
  const step = suite((report) => [
    ..."node --disable-warning=ExperimentalWarning tests/browser/runner/run.mjs".split(" "),
    name,
    mode,
    report,
  ]);
  return { ...step, maySkipAll: true }; // where the browser is missing
}

/** A step that runs only where it is named. */
function onRequest(step) {
  return { ...step, onRequest: true };
}

function environmentOf(name) {
  const env = withRuntimes(BIN, { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" });
  if (name === "node" && env.RUNTIME_PATH === "system") {
    const version = execFileSync("node", ["--version"], { encoding: "utf8", env });
    env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ""} ${optionsFor(version)}`.trim();
  }
  return env;
}

/** Runs one command. */
function run([name, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(name, args, {
      cwd: ROOT,
      env: environmentOf(name),
      stdio: ["ignore", "pipe", "pipe"],
      detached: !WINDOWS, // a group of its own, so that its children end with it
      shell: WINDOWS, // where tools are .cmd files
    });
    let output = "";
    const end = (why) => {
      output += `\n${why}\n`;
      try {
        if (WINDOWS) execFileSync("taskkill", ["/pid", String(child.pid), "/t", "/f"]);
        else process.kill(-child.pid, "SIGKILL");
      } catch { /* it has ended already */ }
    };
    const interrupt = () => {
      end("interrupted");
      queue.length = 0;
    };
    const timer = setTimeout(() => end(`killed after ${STEP_LIMIT} ms`), STEP_LIMIT);
    process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
    const finish = (code) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      resolve({ code: code ?? 1, output });
    };
    child.stdout.on("data", (chunk) => output += chunk);
    child.stderr.on("data", (chunk) => output += chunk);
    child.on("error", (error) => {
      output += error;
      finish(1);
    });
    child.on("close", finish);
  });
}

/** What came of a step: how many passed and failed, what to print, and how many tests there are. */
async function check({ command, report, wrong, note, maySkipAll = false }) {
  const { code, output } = await run(command);
  if (report === undefined) {
    const ok = code === 0 && !wrong?.test(output);
    return {
      passed: ok ? 1 : 0,
      failed: ok ? 0 : 1,
      output: ok ? "" : output,
      notes: note !== undefined && ok ? output.match(note) ?? [] : [],
    };
  }
  const counts = readReport(existsSync(report) ? readFileSync(report, "utf8") : "");
  const { passed, failures, skipped } = counts;
  // A run that fails without a failed test, or reports none, has failed as a whole.
  const none = passed + (maySkipAll ? skipped.length : 0) === 0;
  const broken = failures.length === 0 && (code !== 0 || none);
  return {
    passed,
    failed: failures.length + (broken ? 1 : 0),
    tests: broken ? undefined : passed + failures.length + skipped.length,
    output: broken ? output : failures.join("\n\n"),
    notes: [
      `${passed} passed, ${failures.length} failed, ${skipped.length} skipped`,
      ...skipReasons(skipped),
    ],
  };
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !Object.hasOwn(STEPS, name));
if (unknown.length > 0) {
  console.error(`Unknown step ${unknown.join(", ")}; there are ${Object.keys(STEPS).join(", ")}`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
const failedSteps = [];
const failures = [];
const suites = new Map();
const queue = chosen.length > 0
  ? chosen
  : Object.keys(STEPS).filter((name) => !STEPS[name].onRequest);

/** Steps that open pages. On a fresh machine the browsers are installed first, beside the other steps. */
const IN_BROWSER = /^((?:chromium|firefox|webkit)(?::.*)?|bundlers|playground)$/;
const browsers = queue.some((name) => IN_BROWSER.test(name))
  ? run(["node", "tests/browser/runner/browsers.mjs"])
  : undefined;

/** Takes one step after the other. */
async function lane() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (IN_BROWSER.test(name)) await browsers; // if one is missing, the step itself says so
    const started = Date.now();
    const result = await check(STEPS[name]);
    const seconds = `${((Date.now() - started) / 1000).toFixed(1)} s`;
    passed += result.passed;
    failed += result.failed;
    if (result.failed > 0) failedSteps.push(name);
    if (name.startsWith("suite:") && result.tests !== undefined) suites.set(name, result.tests);
    if (result.output !== "") {
      console.log(result.output.trimEnd());
      failures.push(`--- ${name}\n${result.output.trim().slice(-LAST_WORDS)}`);
    }
    console.log(`${name.padEnd(16)}${seconds.padStart(8)}  ${result.failed > 0 ? "FAILED" : "ok"}`);
    for (const note of result.notes) console.log(`${" ".repeat(26)}${note}`);
  }
}

// A suite keeps about one core busy. No test asserts how fast something is, so two run side by side;
// with three, tests that start 200 workers came near their deadlines.
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
// What is skipped counts too: a runtime with fewer tests than another has lost some on the way.
if (new Set(suites.values()).size > 1) {
  failed++;
  failedSteps.push(`the same tests everywhere (${[...suites].map((pair) => pair.join(" "))})`);
}
rmSync(REPORTS, { recursive: true, force: true });
// Once more, because the end of a long log is what people see.
if (failures.length > 0) console.log(failures.join("\n\n"));
if (failedSteps.length > 0) console.log(`Failed: ${failedSteps.join(", ")}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
