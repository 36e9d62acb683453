/**
 * Runs tests in headless Chromium and writes a JUnit report.
 *
 *     node tools/browser/run.mjs isolated|plain|csp report.xml            all tests of the mode
 *     node tools/browser/run.mjs plain report.xml tests/contract/*_test.ts
 *
 * `FC_BROWSER=chromium`, `firefox` or `webkit` takes one that Playwright has installed.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { chromium, firefox, webkit } from "playwright-core";
import { readReport, skipReasons, writeReport } from "../junit.mjs";
import { findChromium, FLAGS } from "./chromium.mjs";
import { MODES } from "./modes.mjs";
import { serve } from "./serve.mjs";

const [mode, reportFile, ...chosen] = process.argv.slice(2);
if (!Object.hasOwn(MODES, mode) || reportFile === undefined) {
  console.error("Usage: node tools/browser/run.mjs isolated|plain|csp report.xml [test files]");
  process.exit(2);
}

/** Milliseconds in which the next test of a page must have ended. */
const LIMIT = 60_000;

/** Pages at once: tests wait more than they work. */
const LANES = 2;

/** Those of Playwright. */
const BROWSERS = { chromium, firefox, webkit };
const own = process.env.FC_BROWSER;
if (own !== undefined && !Object.hasOwn(BROWSERS, own)) {
  console.error(`No browser "${own}": FC_BROWSER is one of ${Object.keys(BROWSERS).join(", ")}`);
  process.exit(2);
}

let executablePath;
try {
  if (own === undefined) executablePath = findChromium();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const results = [];
const servers = [];
const queue = [];
/** Who takes the reports of the pages that run, by their numbers. */
const listeners = new Map();
for (const { files, ...how } of MODES[mode]) {
  const mine = chosen.length === 0 ? files : files.filter((file) => chosen.includes(file));
  if (mine.length === 0) continue;
  const server = await serve(how, (page, result) => listeners.get(page)?.(result));
  servers.push(server);
  for (const file of mine) queue.push({ ...how, server, file, number: String(queue.length) });
}

const type = BROWSERS[own ?? "chromium"];
const browser = type !== chromium ? await type.launch() : await chromium.launch({
  executablePath,
  args: [
    ...FLAGS,
    // A page that is not secure: one of this machine would be.
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",
  ],
});
const driver = type === chromium ? await browser.newBrowserCDPSession() : undefined;
try {
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await runFile(next);
  }));
} finally {
  await browser.close();
  for (const server of servers) server.close();
}

const report = writeReport(results);
writeFileSync(reportFile, report);
const { passed, failures, skipped } = readReport(report);
for (const reason of skipReasons(skipped)) console.log(reason);
console.log(`${passed} passed, ${failures.length} failed, ${skipped.length} skipped`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;

/** Runs one test file in a page of its own. */
async function runFile({ server, file, number, name, runs, ownWorker = false }) {
  const where = name === undefined ? file : `${file}, ${name}`;
  let last = Date.now();
  let latest = "it began";
  const add = (result) => {
    results.push({ ...result, file: where });
    if (result.status === "failed") console.log(`${result.name} (${where})\n${result.message}\n`);
  };
  const finished = new Promise((resolve) => {
    listeners.set(number, (result) => {
      if (result === "end") return resolve(true);
      last = Date.now();
      latest = `"${result.name}"`;
      add(result);
    });
  });
  let timer;
  const stuck = new Promise((resolve) => {
    timer = setInterval(() => Date.now() - last < LIMIT || resolve(false), 1000);
  });
  const query = new URLSearchParams({ file: `/${file}`, page: number });
  if (ownWorker) query.set("ownWorker", "true");
  if (runs !== undefined) query.set("FC_RUNS", runs);
  for (const key of ["FC_RUNS", "FC_SEED", "FC_PATH"]) {
    if (process.env[key] !== undefined) query.set(key, process.env[key]);
  }
  const url = `${server.url}tools/browser/page.html?${query}`;
  const close = await open(url);
  if (!await Promise.race([finished, stuck])) {
    const message = `no test has ended for ${LIMIT / 1000} s after ${latest}`;
    add({ name: "the page", status: "failed", message });
  }
  clearInterval(timer);
  listeners.delete(number);
  await close();
}

/** Opens a page; gives what closes it. */
async function open(url) {
  if (driver === undefined) {
    const page = await browser.newPage();
    await page.goto(url);
    return () => page.close();
  }
  // A page of Playwright's own would stop each of its workers at the start, to attach to it.
  const { targetId } = await driver.send("Target.createTarget", { url });
  return () => driver.send("Target.closeTarget", { targetId });
}
