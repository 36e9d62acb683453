/**
 * Runs tests in a browser, without a window that is seen, and writes a JUnit report.
 *
 *     node tests/browser/runner/run.mjs chromium|firefox|webkit isolated|plain|csp|chosen report.xml
 *     node tests/browser/runner/run.mjs firefox plain report.xml tests/contract/*_test.ts
 *
 * A browser that is not there, and cannot be installed, is one test that is skipped; with `CI=true` one
 * that fails.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { readReport, skipReasons, writeReport } from "../../../tools/junit.mjs";
import { BROWSERS, drive, findBrowser, MissingBrowserError } from "./browsers.mjs";
import { MODES } from "./modes.mjs";
import { serve } from "./serve.mjs";

const [browserName, mode, reportFile, ...chosen] = process.argv.slice(2);
if (
  !Object.hasOwn(BROWSERS, browserName ?? "") || !Object.hasOwn(MODES, mode ?? "") ||
  reportFile === undefined
) {
  const all = [BROWSERS, MODES].map((names) => Object.keys(names).join("|")).join(" ");
  console.error(`Usage: node tests/browser/runner/run.mjs ${all} report.xml [test files]`);
  process.exit(2);
}

/** Milliseconds in which the next test of a page must have ended. */
const LIMIT = 60_000;

try {
  findBrowser(browserName);
} catch (error) {
  if (!(error instanceof MissingBrowserError) || process.env.CI === "true") throw error;
  const name = `${BROWSERS[browserName].title} # skipped: ${error.message}`;
  writeFileSync(reportFile, writeReport([{ name, file: mode, status: "skipped" }]));
  console.log(error.message);
  process.exit(0);
}

const results = [];
/** Who takes the reports of the pages that run, by their numbers. */
const listeners = new Map();
let pages = 0;
for (const isolated of [true, false]) {
  await runPages(MODES[mode].filter((pages) => (pages.isolated ?? false) === isolated), isolated);
}

const report = writeReport(results);
writeFileSync(reportFile, report);
const { passed, failures, skipped } = readReport(report);
for (const reason of skipReasons(skipped)) console.log(reason);
console.log(`${passed} passed, ${failures.length} failed, ${skipped.length} skipped`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;

/** Runs files that are served alike as to memory, in a browser that is started for them. */
async function runPages(groups, isolated) {
  const isChosen = (file) => chosen.length === 0 || chosen.includes(file);
  const mine = groups.filter(({ files }) => files.some(isChosen));
  if (mine.length === 0) return;
  const browser = await drive(browserName, { sharedMemory: isolated });
  if (results.length === 0) console.log(browser.version);
  const servers = [];
  try {
    const queue = [];
    for (const { files, insecure = false, ...how } of mine) {
      const server = await serve({
        ...how,
        host: insecure ? browser.insecureHost : undefined,
        lacks: browser.lacks,
      }, (page, result) => listeners.get(page)?.(result));
      servers.push(server);
      for (const file of files.filter(isChosen)) {
        queue.push({ ...how, server, file, number: String(pages++) });
      }
    }
    await Promise.all(Array.from({ length: browser.lanes }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await runFile(browser, next);
      }
    }));
  } finally {
    await browser.close();
    for (const server of servers) server.close();
  }
}

/** Runs one test file in a page of its own. */
async function runFile(browser, { server, file, number, name, runs, executors, ownWorker }) {
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
      if (result.suspend !== undefined) return suspend(result.suspend);
      last = Date.now();
      latest = `"${result.name}"`;
      add(result);
    });
  });
  let opened;
  const page = new Promise((resolve) => opened = resolve);
  /** Asked for by the page itself: see `suspended()` of `pages.ts`. */
  const suspend = async (milliseconds) => {
    const how = (await page).suspend;
    await how?.(milliseconds);
    return JSON.stringify(how !== undefined);
  };
  let timer;
  const stuck = new Promise((resolve) => {
    timer = setInterval(() => Date.now() - last < LIMIT || resolve(false), 1000);
  });
  const query = new URLSearchParams({ file: `/${file}`, page: number });
  if (ownWorker) query.set("ownWorker", "true");
  if (runs !== undefined) query.set("FC_RUNS", runs);
  if (executors !== undefined) query.set("FC_EXECUTORS", executors);
  for (const key of ["FC_RUNS", "SEED", "FC_PATH"]) {
    if (process.env[key] !== undefined) query.set(key, process.env[key]);
  }
  const url = `${server.url}tests/browser/runner/page.html?${query}`;
  opened(await browser.openUnwatched(url));
  if (!await Promise.race([finished, stuck])) {
    const message = `no test has ended for ${LIMIT / 1000} s after ${latest}`;
    add({ name: "the page", status: "failed", message });
  }
  clearInterval(timer);
  listeners.delete(number);
  await (await page).close();
}
