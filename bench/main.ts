/**
 * Runs the benchmarks on Deno, Bun and Node, one process after the other, and writes what comes out:
 *
 *     npm run bench                          everything; about half an hour
 *     npm run bench -- --quick               a look at everything; writes nothing
 *     npm run bench -- --only burst,map      some workloads, and only on node:
 *     npm run bench -- --only burst --on node
 *
 * A full run writes RESULTS.md, charts/ and the chart in the README. A run of some workloads takes the
 * other figures from the last run (results.json, not committed).
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { charts, median, report, showFigure } from "./report.ts";
import { pagesOf, withPages } from "./pages/section.ts";
import type { RuntimeName, Workload, WorkloadResult } from "./workload.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** In the order of the report. */
const WORKLOADS = [
  "burst",
  "watched",
  "map",
  "process_burst",
  "process_map",
  "sequential",
  "factorial",
  "payloads",
  "makespan",
  "waiting",
  "speedup",
  "startup",
  "prompt",
  "cancel",
  "wait",
  "memory",
  "growth",
];

const RUNTIMES: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["deno", "run", "-A", "--no-check"],
  bun: ["bun"],
  node: ["node"],
};

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    on: { type: "string" },
  },
});
const ids = values.only?.split(",") ?? WORKLOADS;
const runtimes = (values.on?.split(",") ?? Object.keys(RUNTIMES)) as RuntimeName[];
for (const id of ids) {
  if (!WORKLOADS.includes(id)) {
    fail(`no workload ${id}: ${WORKLOADS.join(" ")}`);
  }
}
for (const name of runtimes) {
  if (!(name in RUNTIMES)) fail(`no runtime ${name}: deno bun node`);
}

prepare();
const last = here("./results.json");
const results = new Map<string, WorkloadResult>();
if (!values.quick && values.only !== undefined && existsSync(last)) {
  for (
    const result of JSON.parse(readFileSync(last, "utf8")) as WorkloadResult[]
  ) {
    results.set(`${result.id} ${result.runtime}`, result);
  }
}
for (const id of ids) {
  for (const runtime of runtimes) {
    const result = await run(id, runtime);
    if (result === undefined) continue;
    results.set(`${id} ${runtime}`, result);
    // At once, so that a run that breaks off can be taken up with --only.
    if (!values.quick) {
      writeFileSync(last, JSON.stringify([...results.values()]));
    }
  }
}
if (!values.quick) write();

/** Installs the peers, and builds the library as npm has it, for the processes that start from nothing. */
function prepare(): void {
  const npm = (args: string[], cwd: string): void => {
    const { status } = spawnSync("npm", args, { cwd, stdio: "inherit" });
    if (status !== 0) fail(`npm ${args.join(" ")} failed`);
  };
  if (!existsSync(here("./node_modules"))) {
    npm(["ci", "--no-audit", "--no-fund"], here("."));
  }
  npm(["run", "--silent", "build"], here(".."));
}

async function run(
  id: string,
  runtime: RuntimeName,
): Promise<WorkloadResult | undefined> {
  const { workload } = await import(`./workloads/${id}.ts`) as {
    workload: Workload;
  };
  const [name, ...flags] = RUNTIMES[runtime];
  const binary = here(`../node_modules/.bin/${name}`);
  const script = [
    ...flags,
    here("./run_workload.ts"),
    id,
    ...(values.quick ? ["--quick"] : []),
  ];
  // On one CPU both threads of a round trip share it, and the spread is a few per cent.
  const [command, args] = workload.pinned && process.platform === "linux"
    ? ["taskset", ["-c", "0", binary, ...script]]
    : [binary, script];
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) {
    console.error(`${id} on ${runtime} failed:\n${stderr}`);
    process.exitCode = 1;
    return undefined;
  }
  const result = JSON.parse(
    stdout.trim().split("\n").at(-1)!,
  ) as WorkloadResult;
  console.log(`\n${workload.title}\n${result.version}, ${workload.unit}`);
  for (const { name, figures } of result.rows) {
    console.log(
      `  ${name.padEnd(44)} ${showFigure(median(figures)).padStart(9)}   ` +
        `(${showFigure(Math.min(...figures))} to ${showFigure(Math.max(...figures))})`,
    );
  }
  for (const { name, message } of result.failures) {
    console.log(`  ${name}: ${message}`);
  }
  return result;
}

function write(): void {
  const order = (result: WorkloadResult): number =>
    WORKLOADS.indexOf(result.id) * 10 +
    Object.keys(RUNTIMES).indexOf(result.runtime);
  const all = [...results.values()].sort((a, b) => order(a) - order(b));
  const file = here("./RESULTS.md");
  const pages = existsSync(file) ? pagesOf(readFileSync(file, "utf8")) : undefined;
  const text = report(all, values.quick);
  writeFileSync(file, pages === undefined ? text : withPages(text, pages));
  mkdirSync(here("./charts"), { recursive: true });
  for (const [name, svg] of charts(all)) {
    writeFileSync(here(`./charts/${name}`), svg);
  }
  spawnSync(here("../node_modules/.bin/deno"), [
    "fmt",
    "-q",
    here("./RESULTS.md"),
  ]);
  console.log(
    `\nWritten: bench/RESULTS.md and ${readdirSync(here("./charts")).length} charts`,
  );
}

function fail(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(1);
}
