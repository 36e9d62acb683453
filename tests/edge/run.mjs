/**
 * Runs tests inside of an edge runtime and writes a JUnit report.
 *
 *     node tests/edge/run.mjs workerd|vercel report.xml                       all that can run there
 *     node tests/edge/run.mjs workerd report.xml tests/contract/map_test.ts
 *
 * @module
 */

import { globSync, writeFileSync } from "node:fs";
import process from "node:process";
import { readReport, skipReasons, writeReport } from "../../tools/junit.mjs";
import { ROOT, testProgram } from "./bundle.mjs";
import { skipsOf } from "./skips.mjs";
import { startVercel, startWorkerd } from "./runtimes.mjs";

/** Tests of one request. */
const BATCH = 10;

/** Milliseconds for a request. The tests have deadlines of their own. */
const LIMIT = 60_000;

/** Each starts a program and gives two functions: to call its `list()` or `run()`, and to end it. */
const START = {
  async workerd(program) {
    const miniflare = await startWorkerd(`${program}
      import { list, run } from "./tests/edge/program.ts";
      export default {
        async fetch(request) {
          const [name, argument] = await request.json();
          return Response.json(await { list, run }[name](argument));
        },
      };`);
    return {
      async call(...call) {
        const body = JSON.stringify(call);
        const response = await miniflare.dispatchFetch("http://test", { method: "POST", body });
        if (!response.ok) throw new Error(await response.text());
        return await response.json();
      },
      end: () => miniflare.dispose(),
    };
  },
  async vercel(program) {
    const runtime = await startVercel(program);
    return {
      call: (name, argument) => runtime.evaluate(`exported.${name}(${JSON.stringify(argument)})`),
      end: () => {},
    };
  },
};

const [name, reportFile, ...chosen] = process.argv.slice(2);
if (!Object.hasOwn(START, name) || reportFile === undefined) {
  console.error("Usage: node tests/edge/run.mjs workerd|vercel report.xml [test files]");
  process.exit(2);
}
const files = chosen.length > 0 ? chosen : globSync(
  ["tests/contract/*_test.ts", "tests/futures/*_test.ts"],
  { cwd: ROOT, exclude: ["tests/contract/nine_pairs_test.ts"] }, // of processes
).sort();

const results = [];
try {
  const { call, end } = await START[name](testProgram(files));
  const skips = Object.entries(skipsOf(name));
  const used = new Set();
  const left = [];
  (await call("list")).forEach((test, index) => {
    const [start, reason] = skips.find(([start]) => test.startsWith(start)) ?? [];
    if (start === undefined) return left.push(index);
    used.add(start);
    results.push({ name: `${test} # skipped: ${reason}`, file: "", status: "skipped" });
  });
  for (const [start] of chosen.length === 0 ? skips : []) {
    if (!used.has(start)) results.push(broken(`skips.mjs: no test begins with "${start}"`, {}));
  }
  while (left.length > 0) {
    const batch = left.splice(0, BATCH);
    let timer;
    try {
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${LIMIT} ms`)), LIMIT);
      });
      results.push(...await Promise.race([call("run", batch), late]));
    } catch (error) {
      results.push(broken(`tests ${batch.join()}`, error));
    } finally {
      clearTimeout(timer);
    }
  }
  await end();
} catch (error) {
  results.push(broken("the runtime", error));
}
for (const { name, file, status, message } of results) {
  if (status === "failed") console.log(`${name} (${file})\n${message}\n`);
}
const report = writeReport(results);
writeFileSync(reportFile, report);
const { passed, failures, skipped } = readReport(report);
for (const reason of skipReasons(skipped)) console.log(reason);
console.log(`${passed} passed, ${failures.length} failed, ${skipped.length} skipped`);
// Not by itself: a task that never ends may keep Vercel's runtime alive.
process.exit(failures.length > 0 || passed === 0 ? 1 : 0);

function broken(name, error) {
  return { name, file: "", status: "failed", message: `${error.stack ?? error}` };
}
