/**
 * `concurrent-futures status`: how a queue and its workers are doing.
 *
 * @module
 */

import process from "node:process";
import { clock } from "../futures/clock.ts";
import type { QueueStatus, RemoteWorkerInfo, Transport } from "../remote/transport.ts";
import { ENGINE_HELP, ENGINE_OPTIONS, messageLine, Options } from "./command_line.ts";

/** Milliseconds between two looks: from one to the next is the rate. */
const PAUSE = 1_000;

const HELP = `Usage: concurrent-futures status --queue NAME [options]

Tells how a queue and its workers are doing.

${ENGINE_HELP}
  --json                as one line of JSON
  --watch               again each second, until SIGINT

Exit codes: 0 in good order, 1 wrong use, or there is no engine.`;

/** What is told. Times in milliseconds. */
interface Report extends QueueStatus {
  readonly queue: string;
  /** Jobs that ended in the last second, by the second. */
  readonly rate: number;
  readonly workers: readonly RemoteWorkerInfo[];
}

/** Runs the command; resolves with the exit code. */
export async function statusCommand(args: string[]): Promise<number> {
  const options = new Options("status", args, {
    ...ENGINE_OPTIONS,
    json: { type: "boolean" },
    watch: { type: "boolean" },
  });
  if (options.flag("help")) {
    console.log(HELP);
    return 0;
  }
  const transport = await options.transport();
  const show = options.flag("json") ? showJson : showTable;
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    let before = await look(transport);
    do {
      await pause(stop.signal);
      let now: Look;
      try {
        now = await look(transport);
      } catch (error) {
        if (!options.flag("watch")) throw error;
        console.error(`concurrent-futures: ${messageLine(error)}`);
        continue;
      }
      show(reportOf(transport, before, now), options.flag("watch"));
      before = now;
    } while (options.flag("watch") && !stop.signal.aborted);
    return 0;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    await transport.close();
  }
}

interface Look {
  readonly at: number;
  readonly status: QueueStatus;
  readonly workers: readonly RemoteWorkerInfo[];
}

async function look(transport: Transport): Promise<Look> {
  const [status, workers] = await Promise.all([transport.status(), transport.workers()]);
  return { at: clock.now(), status, workers };
}

function reportOf(transport: Transport, before: Look, { at, status, workers }: Look): Report {
  const ended = ({ status }: Look): number => status.completed + status.failed;
  const more = status.completed + status.failed - ended(before);
  const rate = Math.max(0, Math.round(more / (at - before.at) * 1000));
  return { queue: transport.name, ...status, rate, workers };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimeout(end, PAUSE);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

function showJson(report: Report): void {
  console.log(JSON.stringify(report));
}

function showTable(report: Report, again: boolean): void {
  const lines = tableOf(report, clock.now() + performance.timeOrigin);
  if (again && process.stdout.isTTY) process.stdout.write("\x1b[H\x1b[2J");
  console.log(lines.join("\n") + (again ? "\n" : ""));
}

/** The report as lines. */
function tableOf(report: Report, now: number): string[] {
  const { waiting, running, oldest, completed, failed, redelivered, rate, workers } = report;
  const count = (value: number): string => value.toLocaleString("en");
  const numbers: [string, string][] = [
    ["waiting", count(waiting)],
    ["running", count(running)],
    ["oldest", oldest === undefined ? "-" : span(oldest)],
    ["rate", `${count(rate)}/s`],
    ["completed", count(completed)],
    ["failed", count(failed)],
    ["redelivered", count(redelivered)],
  ];
  const head = ["worker", "runtime", "host", "pid", "running", "done", "up"];
  const rows = workers.map((worker) => [
    worker.name,
    worker.runtime,
    worker.host,
    String(worker.pid),
    `${worker.running}/${worker.places}`,
    count(worker.done),
    span(Math.max(now - worker.since, 0)),
  ]);
  return [
    report.queue,
    "",
    ...aligned([numbers.map(([name]) => name), numbers.map(([, value]) => value)], () => true),
    "",
    ...workers.length === 0
      ? ["no worker: `concurrent-futures worker` starts one"]
      : aligned([head, ...rows], (column) => column >= 3),
  ];
}

/** Columns side by side; numbers end at the same place. */
function aligned(
  rows: readonly (readonly string[])[],
  right: (column: number) => boolean,
): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) =>
      right(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd()
  );
}

/** Milliseconds as people say them. */
function span(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.round(seconds / 86_400)} d`;
}
