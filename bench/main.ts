/**
 * Runs the benchmarks on Deno, Bun and Node, one process after the other, and writes what comes out:
 *
 *     npm run bench                          everything; about an hour
 *     npm run bench -- --quick               everything with fewer rounds; about ten minutes
 *     npm run bench -- burst map             some workloads, and only on node:
 *     npm run bench -- burst --on node
 *     npm run bench -- --table               the summary of what was measured, nothing is run
 *     npm run bench -- burst --dry           writes nothing
 *
 * Each run writes RESULTS.md, charts/ and results.json, in which the figures stand: those of what was not
 * run stay as they are. At the end all goals are printed, with what was reached.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { charts, median, report, showFigure, summary } from "./report.ts";
import { pagesOf, withPages } from "./pages/section.ts";
import type { RuntimeName, Workload, WorkloadResult } from "./workload.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** In the order of the report. */
const WORKLOADS = [
  "burst",
  "first_burst",
  "watched",
  "map",
  "pool_map",
  "typed",
  "stream",
  "children",
  "recursion",
  "process_burst",
  "process_map",
  "process_pool_map",
  "sequential",
  "sequential_free",
  "kib",
  "kib_free",
  "payloads",
  "transfers",
  "factorial",
  "makespan",
  "waiting",
  "speedup",
  "beside",
  "prompt",
  "startup",
  "import",
  "process_startup",
  "cancel",
  "wait",
  "memory",
  "growth",
  "doubling",
  "workers",
];

/** Milliseconds that a workload has on one runtime, and in a quick run. */
const LIMIT = 30 * 60_000;
const QUICK_LIMIT = 90_000;

const RUNTIMES: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["deno", "run", "-A", "--no-check"],
  bun: ["bun"],
  node: ["node"],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    on: { type: "string" },
    table: { type: "boolean", default: false },
    dry: { type: "boolean", default: false },
  },
});
const ids = values.table ? [] : positionals.length > 0 ? positionals : WORKLOADS;
const runtimes = (values.on?.split(",") ?? Object.keys(RUNTIMES)) as RuntimeName[];
for (const id of ids) {
  if (!WORKLOADS.includes(id)) {
    fail(`no workload ${id}: ${WORKLOADS.join(" ")}`);
  }
}
for (const name of runtimes) {
  if (!(name in RUNTIMES)) fail(`no runtime ${name}: deno bun node`);
}

const last = here("./results.json");
const results = new Map<string, WorkloadResult>();
if (!values.dry && existsSync(last)) {
  for (const result of JSON.parse(readFileSync(last, "utf8")) as WorkloadResult[]) {
    results.set(`${result.id} ${result.runtime}`, result);
  }
}
if (!values.table) prepare();
for (const id of ids) {
  for (const runtime of runtimes) {
    const result = await run(id, runtime);
    if (result === undefined) continue;
    results.set(`${id} ${runtime}`, result);
    // At once, so that a run that breaks off has not been for nothing.
    if (!values.dry) write();
  }
}
printSummary();

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
  const startedAt = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    timeout: values.quick ? QUICK_LIMIT : LIMIT,
    killSignal: "SIGKILL",
  });
  if (status !== 0) {
    console.error(`${id} on ${runtime} failed${signal ? ` (${signal})` : ""}:\n${stderr}`);
    process.exitCode = 1;
    return undefined;
  }
  const result = JSON.parse(
    stdout.trim().split("\n").at(-1)!,
  ) as WorkloadResult;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(`\n${workload.title}\n${result.version}, ${workload.unit} (${seconds} s)`);
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

function sorted(): WorkloadResult[] {
  const order = (result: WorkloadResult): number =>
    WORKLOADS.indexOf(result.id) * 10 +
    Object.keys(RUNTIMES).indexOf(result.runtime);
  return [...results.values()]
    .filter(({ id }) => WORKLOADS.includes(id))
    .sort((a, b) => order(a) - order(b));
}

function write(): void {
  const all = sorted();
  // A line for each, so that a change of one is a change of one line; four digits say enough.
  const digits = (_key: string, value: unknown): unknown =>
    typeof value === "number" ? Number(value.toPrecision(4)) : value;
  const lines = all.map((result) => JSON.stringify(result, digits));
  writeFileSync(last, `[\n${lines.join(",\n")}\n]\n`);
  const file = here("./RESULTS.md");
  const pages = existsSync(file) ? pagesOf(readFileSync(file, "utf8")) : undefined;
  const text = report(all);
  writeFileSync(file, pages === undefined ? text : withPages(text, pages));
  mkdirSync(here("./charts"), { recursive: true });
  for (const name of readdirSync(here("./charts"))) {
    if (!WORKLOADS.includes(name.replace(/\.svg$/, ""))) rmSync(here(`./charts/${name}`));
  }
  for (const [name, svg] of charts(all)) {
    writeFileSync(here(`./charts/${name}`), svg);
  }
}

/** All goals of what was run, or of everything, with what was reached. */
function printSummary(): void {
  const mine = sorted().filter(({ id, runtime }) =>
    (values.table || ids.includes(id)) && runtimes.includes(runtime)
  );
  const cut = (text: string, width: number): string =>
    (text.length > width ? `${text.slice(0, width - 1)}…` : text).padEnd(width);
  const line = (columns: readonly string[]): string =>
    [52, 30, 18, 30, 30, 30].map((width, i) => cut(columns[i] ?? "", width)).join(" ").trimEnd();
  console.log(`\n${line(["workload", "against", "goal", ...Object.keys(RUNTIMES)])}`);
  let reached = 0;
  let asked = 0;
  for (const { workload, against, goal, cells } of summary(mine)) {
    const texts = (Object.keys(RUNTIMES) as RuntimeName[]).map((name) => {
      const cell = cells.get(name);
      if (cell === undefined) return "";
      asked++;
      if (cell.reached) reached++;
      return `${cell.reached ? "yes" : "NO "} ${cell.text}`;
    });
    console.log(line([workload, against, goal, ...texts]));
  }
  console.log(`\n${reached} of ${asked} goals reached`);
}

function fail(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(1);
}
