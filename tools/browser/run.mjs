/**
 * Runs tests in headless Chromium and writes a JUnit report.
 *
 *     node tools/browser/run.mjs isolated|plain report.xml tests/contract/*_test.ts
 *
 * @module
 */

import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { chromium } from "playwright-core";
import { serve } from "./serve.mjs";

const [mode, reportFile, ...files] = process.argv.slice(2);
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(EXECUTABLE)) {
  console.error(
    `No Chromium at ${EXECUTABLE}: apt-get install -y chromium, or name one by CHROMIUM=path`,
  );
  process.exit(1);
}

/** Milliseconds in which a test must have ended. */
const LIMIT = 60_000;

const server = await serve({ isolated: mode === "isolated" });
const browser = await chromium.launch({
  executablePath: EXECUTABLE,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const results = [];
let last = Date.now();
let complaint = "";
try {
  const page = await browser.newPage();
  const finished = new Promise((resolve) => void page.exposeFunction("finish", () => resolve()));
  await page.exposeFunction("report", (result) => {
    results.push(result);
    last = Date.now();
    if (result.status === "failed") console.log(`${result.name}\n${result.message}\n`);
  });
  page.on("pageerror", (error) => complaint += `${error}\n`);
  const query = new URLSearchParams(files.map((file) => ["file", `/${file}`]));
  await page.goto(`${server.url}tools/browser/page.html?${query}`);
  const stuck = new Promise((_, reject) => {
    const timer = setInterval(() => {
      if (Date.now() - last < LIMIT) return;
      clearInterval(timer);
      reject(new Error(`the test after "${results.at(-1)?.name}" does not end`));
    }, 1000);
    timer.unref();
  });
  await Promise.race([finished, stuck]);
} catch (error) {
  results.push({ name: "the page", status: "failed", message: `${error}\n${complaint}` });
  console.log(`${error}\n${complaint}`);
} finally {
  await browser.close();
  server.close();
}

const count = (status) => results.filter((result) => result.status === status).length;
writeFileSync(reportFile, junit(results));
console.log(`${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
process.exitCode = count("failed") > 0 || count("passed") === 0 ? 1 : 0;

function junit(results) {
  const cases = results.map(({ name, status, message }) => {
    const inner = status === "failed"
      ? `<failure>${escape(message ?? "")}</failure>`
      : status === "skipped"
      ? "<skipped/>"
      : "";
    return `<testcase name="${escape(name)}">${inner}</testcase>`;
  });
  return `<testsuites><testsuite>${cases.join("\n")}</testsuite></testsuites>\n`;
}

function escape(text) {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
