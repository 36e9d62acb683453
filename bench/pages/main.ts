/**
 * Runs the benchmarks in pages, in one browser after the other, and writes the section "In pages" of
 * RESULTS.md:
 *
 *     npm run bench:browsers
 *     npm run bench:browsers -- firefox     a look at one; writes nothing
 */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type BrowserName, BROWSERS, drive } from "../../tests/browser/runner/browsers.mjs";
import { serve } from "../../tests/browser/runner/serve.mjs";
import { median, showFigure } from "../report.ts";
import { OURS } from "../workload.ts";
import type { PageRow } from "./page.ts";
import { withPages } from "./section.ts";

const RESULTS = fileURLToPath(new URL("../RESULTS.md", import.meta.url));

interface Told {
  readonly rows: readonly PageRow[];
  readonly failure?: string;
  readonly isolated: boolean;
}

const chosen = process.argv.slice(2) as BrowserName[];
const names = chosen.length > 0 ? chosen : Object.keys(BROWSERS) as BrowserName[];
const told = new Map<string, Told>();
for (const name of names) {
  const browser = await drive(name, { sharedMemory: true });
  const { promise, resolve } = Promise.withResolvers<Told>();
  const { lacks } = browser;
  const options = { isolated: true, ...(lacks === undefined ? {} : { lacks }) };
  const server = await serve(options, (_page, result) => resolve(result as Told));
  try {
    await browser.openUnwatched(`${server.url}bench/pages/page.html`);
    const result = await promise;
    if (result.failure !== undefined) throw new Error(`${browser.version}: ${result.failure}`);
    told.set(browser.version, result);
    console.log(`${browser.version}\n${table(new Map([[browser.version, result]]))}`);
  } finally {
    await browser.close();
    server.close();
  }
}
if (chosen.length === 0) {
  const text = `By \`npm run bench:browsers\` on ${new Date().toISOString().slice(0, 10)}: pages ` +
    `that are cross-origin isolated, two workers, medians; ` +
    `the load of the machine was ${
      Math.round(loadavg()[0]!)
    } on ${cpus().length} CPUs. In brackets is the ratio to the raw ` +
    `channel that is the fastest.\n\n${table(told)}`;
  writeFileSync(RESULTS, withPages(readFileSync(RESULTS, "utf8"), text));
  spawnSync("deno", ["fmt", "-q", RESULTS]);
}

/** A row for each contender, a column for each browser. */
function table(results: ReadonlyMap<string, Told>): string {
  const columns = [...results.values()];
  const lines = [
    `| what | who | ${[...results.keys()].join(" | ")} |`,
    `| --- | --- | ${columns.map(() => "---:").join(" | ")} |`,
  ];
  for (const { workload, unit, name } of columns[0]!.rows) {
    const cells = columns.map(({ rows }) => {
      const same = rows.filter((row) => row.workload === workload);
      const figure = median(same.find((row) => row.name === name)!.figures);
      const raw = same.filter((row) => row.name !== OURS).map(({ figures }) => median(figures));
      const best = unit === "ms" ? Math.min(...raw) : Math.max(...raw);
      const ratio = name === OURS ? ` (${(figure / best).toFixed(2)})` : "";
      return `${showFigure(figure)}${ratio}`;
    });
    lines.push(`| ${workload}, in ${unit} | ${name} | ${cells.join(" | ")} |`);
  }
  return `${lines.join("\n")}\n`;
}
