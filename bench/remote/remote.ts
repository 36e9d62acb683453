/**
 * The distributed executor beside bare BullMQ, on the same Redis in the same run: only ratios mean anything.
 *
 *     npm run bench:remote -- [--on node,bun,deno] [--only W1,W2] [--scale 0.1] [--dry]
 *
 * Client and worker run on the same runtime, one after the other of the three. Writes `RESULTS.md` beside this file
 * and `chart.svg`, unless only a part is run. About nine minutes.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { chart } from "../chart.ts";
import { showFigure } from "../report.ts";
import type { Results, Row } from "./workloads.ts";

const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  node: [],
  bun: [],
  deno: ["run", "-A", "--no-check"],
};

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs the workloads on a runtime; what it prints is shown, but for the last line, which is the results. */
function measure(runtime: string, scale: string, only: string): Promise<Results> {
  const program = here(`../../node_modules/.bin/${runtime}`);
  const child = spawn(program, [...RUNTIMES[runtime]!, here("workloads.ts"), scale, only], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let results = "";
  child.stdout.on("data", (chunk) => {
    const lines = (output + chunk).split("\n");
    output = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith("{")) results = line;
      else console.log(line);
    }
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      try {
        resolve(JSON.parse(results) as Results);
      } catch {
        reject(new Error(`the workloads on ${runtime} ended with ${code}`));
      }
    });
  });
}

/** Whether a goal was reached: `"<= 1.5 x"` is of the other's figure, `"<= 10"` of the figure itself. */
function reached({ ours, other, goal }: Row): boolean | undefined {
  if (goal === undefined) return undefined;
  const [sign, limit, times] = goal.split(" ");
  const figure = times === "x" ? ours / other! : ours;
  return sign === "<=" ? figure <= Number(limit) : figure >= Number(limit);
}

const SIGNS: Readonly<Record<string, string>> = { "us": "µs", "/s": "/s" };

function shown(figure: number, unit: Row["unit"]): string {
  const text = showFigure(figure);
  return unit === "/s" ? `${text}/s` : `${text} ${SIGNS[unit] ?? unit}`;
}

function lineOf(row: Row): string {
  const { id, name, unit, ours, other, against, goal } = row;
  const met = reached(row);
  const goalText = goal?.replace("<=", "≤").replace(">=", "≥") ?? "";
  return `| ${id} | ${name} | ${shown(ours, unit)} | ${
    other === undefined ? "" : `${shown(other, unit)}, ${against}`
  } | ${other === undefined ? "" : (ours / other).toPrecision(3)} | ${goalText} | ${
    met === undefined ? "" : met ? "yes" : "**no**"
  } |`;
}

function report(all: readonly Results[]): string {
  const machine = `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} CPUs, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`;
  const lines = [
    "# The distributed executor beside bare BullMQ",
    "",
    `Written by \`npm run bench:remote\` on ${
      new Date().toISOString().slice(0, 10)
    }; no figure is ` +
    "typed by hand.",
    "",
    `Machine: ${machine}, which client, worker and Redis share.`,
    "",
    "Client and worker are one process each, with 20 tasks at once; bare BullMQ adds jobs in bulk, and",
    "hears of their ends from its stream of events. Both took turns on the same Redis. Only ratios mean",
    "anything. Processor time counts all threads; what the machine did meanwhile changes it little.",
    "",
    "![Distributed tasks per second](chart.svg)",
    "",
  ];
  for (const { runtime, rows } of all) {
    lines.push(
      `## ${runtime}`,
      "",
      "| | what | ours | against | ratio | goal | reached |",
      "| --- | --- | ---: | ---: | ---: | ---: | --- |",
      ...rows.map(lineOf),
      "",
    );
  }
  return lines.join("\n");
}

/** Rates of single tasks and of chunks. */
function picture(all: readonly Results[]): string {
  const groups = all.flatMap(({ runtime, rows }) =>
    rows.filter(({ unit, against }) => unit === "/s" && against?.includes("bare BullMQ"))
      .map(({ name, ours, other }) => ({
        title: `${name}, ${runtime}`,
        bars: [
          { name: "DistributedExecutor", value: ours, label: shown(ours, "/s"), ours: true },
          { name: "bare BullMQ", value: other!, label: shown(other!, "/s"), ours: false },
        ],
      }))
  );
  return chart("Distributed tasks per second, beside bare BullMQ", "tasks/s", groups);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      on: { type: "string", default: "node,bun,deno" },
      only: { type: "string", default: "" },
      scale: { type: "string", default: "1" },
      dry: { type: "boolean", default: false },
    },
  });
  const all: Results[] = [];
  for (const runtime of values.on.split(",")) {
    if (!Object.hasOwn(RUNTIMES, runtime)) throw new Error(`there is no runtime "${runtime}"`);
    console.log(`\n${runtime}`);
    all.push(await measure(runtime, values.scale, values.only));
  }
  for (const { runtime, rows } of all) {
    const missed = rows.filter((row) => reached(row) === false);
    console.log(
      `\n${runtime}: ${
        missed.length === 0
          ? "all goals reached"
          : `not reached: ${
            missed.map(({ id, name, goal }) => `${id} ${name} (${goal})`).join("; ")
          }`
      }`,
    );
  }
  if (values.dry || values.only !== "" || values.scale !== "1") return;
  writeFileSync(here("./RESULTS.md"), report(all));
  writeFileSync(here("./chart.svg"), picture(all));
}

process.exitCode = await main().then(() => 0, (error) => {
  console.error(error);
  return 1;
});
