/** What comes out of a run: `RESULTS.md` and one chart per workload, made of nothing but the figures. */

import { cpus, release, totalmem, type } from "node:os";
import { chart } from "./chart.ts";
import { OURS } from "./workload.ts";
import type { Row, RuntimeName, TargetHere, WorkloadResult } from "./workload.ts";

/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A figure as it is shown: three digits that mean something. */
export function showFigure(figure: number): string {
  if (figure >= 1_000_000) return `${(figure / 1_000_000).toPrecision(3)} M`;
  if (figure >= 1000) return `${(figure / 1000).toPrecision(3)} k`;
  return figure >= 100 ? figure.toFixed(0) : figure.toPrecision(3);
}

/** How far the figures of one row are apart: half of the range, in percent of the median. */
function spread({ figures }: Row): string {
  const range = Math.max(...figures) - Math.min(...figures);
  return `± ${(range / 2 / median(figures) * 100).toFixed(0)} %`;
}

/** What became of one target on one runtime. */
interface Outcome {
  /** Which of our rows. */
  readonly ours: string;
  /** Whom it is held against; none where the goal is a bound. */
  readonly against: string | undefined;
  readonly goal: number;
  /** The ratio, or the figure itself where the goal is a bound. */
  readonly got: number;
  readonly reached: boolean;
}

/** What became of a target: one outcome for each that is meant by it. */
function outcomes(result: WorkloadResult, { of, than, goal }: TargetHere): Outcome[] {
  const ours = result.rows.find(({ name }) =>
    of === undefined ? name.startsWith(OURS) : name === of
  );
  if (ours === undefined) return [];
  const isReached = (got: number): boolean => result.better === "more" ? got >= goal : got <= goal;
  if (than === undefined) {
    const got = median(ours.figures);
    return [{ ours: ours.name, against: undefined, goal, got, reached: isReached(got) }];
  }
  const others = result.rows.filter((row) =>
    row !== ours && new RegExp(than).test(row.name) &&
    (of !== undefined || !row.name.startsWith(OURS))
  );
  return others.map(({ name, figures }) => {
    const got = median(ours.figures) / median(figures);
    return { ours: ours.name, against: name, goal, got, reached: isReached(got) };
  });
}

const showGoal = (better: "more" | "less", goal: number): string =>
  `${better === "more" ? "≥" : "≤"} ${Number(goal.toPrecision(3))}`;

const showGot = ({ got }: Outcome): string =>
  got >= 1000 ? showFigure(got) : `${Number(got.toPrecision(3))}`;

/** One line for each target: what was to be reached, and what was. */
function targetLines(result: WorkloadResult): string[] {
  return result.targets.flatMap((target) => outcomes(result, target)).map((outcome) =>
    `| ${outcome.ours} | ${outcome.against ?? "a bound"} | ` +
    `${showGoal(result.better, outcome.goal)} | ${showGot(outcome)} | ` +
    `${outcome.reached ? "yes" : "**no**"} |`
  );
}

/** One target over the runtimes, for the summary. */
export interface SummaryRow {
  readonly workload: string;
  readonly against: string;
  readonly goal: string;
  /** By runtime: the figure, and whether that is enough. Of many peers, the nearest. */
  readonly cells: ReadonlyMap<RuntimeName, { readonly text: string; readonly reached: boolean }>;
}

/** All targets, each with what came of it on each runtime. */
export function summary(results: readonly WorkloadResult[]): SummaryRow[] {
  const rows = new Map<string, {
    workload: string;
    against: Set<string>;
    goals: Set<string>;
    cells: Map<RuntimeName, { text: string; reached: boolean }>;
  }>();
  for (const result of results) {
    for (const target of result.targets) {
      const found = outcomes(result, target).sort((a, b) =>
        result.better === "more" ? a.got - b.got : b.got - a.got
      );
      const worst = found[0];
      if (worst === undefined) continue;
      const key = `${result.id} ${target.of} ${target.than}`;
      const what = worst.ours.slice(OURS.length).replace(/^[,: ]+/, "");
      let row = rows.get(key);
      if (row === undefined) {
        const workload = result.title.split(":")[0]! + (what === "" ? "" : `: ${what}`);
        row = { workload, against: new Set(), goals: new Set(), cells: new Map() };
        rows.set(key, row);
      }
      for (const { against } of found) row.against.add(against ?? "a bound");
      row.goals.add(showGoal(result.better, target.goal));
      const who = found.length > 1 ? ` (${worst.against})` : "";
      row.cells.set(result.runtime, { text: `${showGot(worst)}${who}`, reached: worst.reached });
    }
  }
  return [...rows.values()].map(({ workload, against, goals, cells }) => ({
    workload,
    against: against.size > 1 ? "peers, the nearest" : [...against][0]!.replace(`${OURS}, `, ""),
    goal: [...goals].join(" / "),
    cells,
  }));
}

const RUNTIMES: readonly RuntimeName[] = ["deno", "bun", "node"];

/** The summary as a table of Markdown. */
export function summaryTable(results: readonly WorkloadResult[]): string {
  return [
    "| workload | against | goal | Deno | Bun | Node |",
    "| --- | --- | ---: | --- | --- | --- |",
    ...summary(results).map(({ workload, against, goal, cells }) => {
      const columns = RUNTIMES.map((name) => {
        const cell = cells.get(name);
        return cell === undefined ? "" : cell.reached ? `${cell.text} ✓` : `**${cell.text} ✗**`;
      });
      return `| ${[workload, against, goal, ...columns].join(" | ")} |`;
    }),
  ].join("\n");
}

function section(results: readonly WorkloadResult[]): string {
  const { id, title, unit, better, pinned } = results[0]!;
  const lines = [
    `## ${title}`,
    "",
    `In ${unit}; ${better} is better${pinned ? "; on one CPU" : ""}.`,
    "",
    `![${title}](charts/${id}.svg)`,
    "",
  ];
  for (const result of results) {
    lines.push(
      `**${result.version}**, ${result.rows[0]?.figures.length ?? 0} rounds on ${result.date}`,
      "",
      `| who | minimum | median | spread |`,
      "| --- | ---: | ---: | ---: |",
      ...result.rows.map((row) =>
        `| ${row.name} | ${showFigure(Math.min(...row.figures))} | ` +
        `${showFigure(median(row.figures))} | ${spread(row)} |`
      ),
      "",
    );
    for (const { name, message } of result.failures) {
      lines.push(`${name} gave no result: ${message.split("\n")[0]}`, "");
    }
    const targets = targetLines(result);
    if (targets.length > 0) {
      lines.push(
        "| ours | against | to reach | got | reached |",
        "| --- | --- | ---: | ---: | --- |",
      );
      lines.push(...targets, "");
    }
  }
  return lines.join("\n");
}

/** The whole report. */
export function report(results: readonly WorkloadResult[]): string {
  const ids = [...new Set(results.map(({ id }) => id))];
  const machine = `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} CPUs, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`;
  const versions = [...new Set(results.map(({ version }) => version))].join(
    ", ",
  );
  return [
    "# Results",
    "",
    "Written by `npm run bench`; no figure is typed by hand.",
    "",
    `Machine: ${machine}. Runtimes: ${versions}. Two workers everywhere.`,
    "",
    "All contenders of one table took turns in one run, and their results were checked. Absolute figures",
    "mean little on a shared machine; the ratios are what counts. _raw_ is the bare channel without",
    "queue, cancel, errors or crash handling: a ceiling, not a rival.",
    "",
    "## Summary",
    "",
    "Ours divided by theirs, or the figure itself where the goal is a bound.",
    "",
    summaryTable(results),
    "",
    ...ids.map((id) => section(results.filter((result) => result.id === id))),
  ].join("\n").replace(/\n+$/, "\n");
}

/** One chart per workload, by file name. */
export function charts(
  results: readonly WorkloadResult[],
): Map<string, string> {
  const files = new Map<string, string>();
  for (const id of new Set(results.map((result) => result.id))) {
    const own = results.filter((result) => result.id === id);
    files.set(
      `${id}.svg`,
      chart(
        own[0]!.title,
        `${own[0]!.unit}, ${own[0]!.better} is better`,
        own.map(({ version, rows }) => ({
          title: version,
          bars: rows.map((row) => ({
            name: row.name,
            value: median(row.figures),
            label: showFigure(median(row.figures)),
            ours: row.name.startsWith(OURS),
          })),
        })),
      ),
    );
  }
  return files;
}
