/** What comes out of a run: `RESULTS.md` and one chart per workload, made of nothing but the figures. */

import { cpus, release, totalmem, type } from "node:os";
import { chart } from "./chart.ts";
import { OURS } from "./workload.ts";
import type { Row, WorkloadResult } from "./workload.ts";

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

/** One line for each target: what was to be reached, and what was. */
function targetLines(result: WorkloadResult): string[] {
  const lines: string[] = [];
  for (const { than, ratio, of } of result.targets) {
    const ours = result.rows.find(({ name }) =>
      of === undefined ? name.startsWith(OURS) : name === of
    );
    if (ours === undefined) continue;
    for (const row of result.rows) {
      if (row === ours || !new RegExp(than).test(row.name)) continue;
      if (row.name.startsWith(OURS) && of === undefined) continue;
      const got = median(ours.figures) / median(row.figures);
      const reached = result.better === "more" ? got >= ratio : got <= ratio;
      lines.push(
        `| ${ours.name} | ${row.name} | ${result.better === "more" ? "≥" : "≤"} ` +
          `${Number(ratio.toPrecision(3))} | ${got.toPrecision(3)} | ${
            reached ? "yes" : "**no**"
          } |`,
      );
    }
  }
  return lines;
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
      `**${result.version}**, medians of ${result.rows[0]?.figures.length ?? 0} rounds`,
      "",
      `| who | ${unit} | spread |`,
      "| --- | ---: | ---: |",
      ...result.rows.map((row) =>
        `| ${row.name} | ${showFigure(median(row.figures))} | ${spread(row)} |`
      ),
      "",
    );
    for (const { name, message } of result.failures) {
      lines.push(`${name} gave no result: ${message.split("\n")[0]}`, "");
    }
    const targets = targetLines(result);
    if (targets.length > 0) {
      lines.push(
        "| ours | against | to reach | ratio | reached |",
        "| --- | --- | ---: | ---: | --- |",
      );
      lines.push(...targets, "");
    }
  }
  return lines.join("\n");
}

/** The whole report. */
export function report(
  results: readonly WorkloadResult[],
  quick: boolean,
): string {
  const ids = [...new Set(results.map(({ id }) => id))];
  const machine = `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} CPUs, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`;
  const versions = [...new Set(results.map(({ version }) => version))].join(
    ", ",
  );
  return [
    "# Results",
    "",
    `Written by \`npm run bench${quick ? " -- --quick" : ""}\` on ` +
    `${new Date().toISOString().slice(0, 10)}; no figure is typed by hand.`,
    "",
    `Machine: ${machine}. Runtimes: ${versions}. Two workers everywhere.`,
    "",
    "All contenders of one table took turns in one run, and their results were checked. Absolute figures",
    "mean little on a shared machine; the ratios are what counts. _raw_ is the bare channel without",
    "queue, cancel, errors or crash handling: a ceiling, not a rival.",
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
