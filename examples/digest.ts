/**
 * The main job: every file under a folder is read, hashed and its words counted, on all cores, and
 * once more on one, to see what the cores are good for.
 *
 *     npm start -- [folder] [--runtime deno|bun|node] [--trace file.json]
 *     deno run -A examples/digest.ts [folder] [--trace file.json]
 *     bun examples/digest.ts [folder] [--trace file.json]
 *     node examples/digest.ts [folder] [--trace file.json]
 *
 * The paths come from an async generator and the results are taken in order, so that a million
 * files would need no more memory than a few. `--trace` writes what the workers of the last run did,
 * for https://ui.perfetto.dev.
 */

import { createHash } from "node:crypto";
import { opendir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import cliProgress from "cli-progress";
import { importTasks, ThreadPoolExecutor } from "../mod.ts";
import { recordTrace } from "../src/observe/trace.ts";
import type { TraceRecording } from "../src/observe/trace.ts";

const { digestFile } = importTasks<typeof import("./digest_tasks.ts")>(
  import.meta.resolve("./digest_tasks.ts"),
);

interface Summary {
  workers: number;
  files: number;
  unreadable: string[];
  bytes: number;
  words: number;
  /** SHA-256 over all paths and their SHA-256, in order. */
  digest: string;
  milliseconds: number;
}

/** The files under a folder, in an order that is the same everywhere. */
async function* walk(folder: string, onError: (text: string) => void): AsyncGenerator<string> {
  const entries: { name: string; isDirectory(): boolean; isFile(): boolean }[] = [];
  try {
    for await (const entry of await opendir(folder)) entries.push(entry);
  } catch (error) {
    onError(`${folder}: ${error instanceof Error ? error.message : error}`);
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, onError);
    else if (entry.isFile()) yield path;
  }
}

/** Digests all files of a folder on so many workers. */
async function digestFolder(
  folder: string,
  workers: number,
  signal: AbortSignal,
  onFile: () => void,
  trace: boolean,
): Promise<Summary & { recording: TraceRecording | undefined }> {
  const name = `${workers} worker${workers === 1 ? "" : "s"}`;
  await using executor = new ThreadPoolExecutor({ maxWorkers: workers, name });
  const recording = trace ? recordTrace(executor) : undefined;
  await executor.warmUp();
  const started = performance.now();
  const hash = createHash("sha256");
  const unreadable: string[] = [];
  let files = 0;
  let bytes = 0;
  let words = 0;

  const paths = walk(folder, (text) => unreadable.push(text));
  const tasks = executor.with({ signal });
  for await (const file of tasks.map(digestFile, paths, { bufferSize: 64 * workers })) {
    onFile();
    if ("error" in file) {
      unreadable.push(`${file.path}: ${file.error}`);
      continue;
    }
    files++;
    bytes += file.bytes;
    words += file.words;
    hash.update(`${relative(folder, file.path).replaceAll("\\", "/")}\0${file.sha256}\n`);
  }
  const milliseconds = performance.now() - started;
  const digest = hash.digest("hex");
  return { workers, files, unreadable, bytes, words, digest, milliseconds, recording };
}

/** Milliseconds between two lines where there is no terminal. */
const LINE_EVERY = 3_000;

/** A bar on a terminal, with rate and time left; elsewhere a line every few seconds, and the last one. */
function progress(title: string, total: number): { step(): void; stop(): void } {
  const started = performance.now();
  let done = 0;
  const rate = () => `${Math.round(done / ((performance.now() - started) / 1000) || 0)} files/s`;
  if (!process.stdout.isTTY) {
    const tell = () => console.log(`${title}: ${done} of ${total} files, ${rate()}`);
    const timer = setInterval(tell, LINE_EVERY);
    return {
      step: () => done++,
      stop: () => {
        clearInterval(timer);
        tell();
      },
    };
  }
  const bar = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {value} of {total} files | {rate} | {eta_formatted} left`,
      hideCursor: true,
      fps: 10,
      gracefulExit: false, // Ctrl-C ends the tasks first, and then the bar
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { rate: rate() });
  return { step: () => bar.update(++done, { rate: rate() }), stop: () => bar.stop() };
}

function table(rows: Summary[]): string {
  const [one] = rows;
  const columns = ["workers", "files", "MB", "words", "seconds", "speed-up"];
  const cells = rows.map((row) => [
    String(row.workers),
    String(row.files),
    (row.bytes / 1e6).toFixed(1),
    String(row.words),
    (row.milliseconds / 1000).toFixed(2),
    `${(one!.milliseconds / row.milliseconds).toFixed(2)} x`,
  ]);
  const widths = columns.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]!.length))
  );
  const line = (row: string[]) => row.map((cell, i) => cell.padStart(widths[i]!)).join("  ");
  return [columns, ...cells].map(line).join("\n");
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { trace: { type: "string" } },
    allowPositionals: true,
  });
  const folder = resolve(
    positionals[0] ?? fileURLToPath(new URL("../node_modules", import.meta.url)),
  );
  const interrupt = new AbortController();
  process.on("SIGINT", () => interrupt.abort(new Error("interrupted")));

  let total = 0;
  for await (const _ of walk(folder, () => {})) total++;
  const cores = new ThreadPoolExecutor().maxWorkers;
  console.log(`${total} files under ${folder}; ${cores} workers on ${runtimeName()}`);

  const rows: Summary[] = [];
  let recording: TraceRecording | undefined;
  try {
    for (const workers of cores === 1 ? [1] : [1, cores]) {
      const bar = progress(`${workers} worker${workers === 1 ? " " : "s"}`, total);
      try {
        const trace = values.trace !== undefined;
        const row = await digestFolder(folder, workers, interrupt.signal, bar.step, trace);
        rows.push(row);
        ({ recording } = row);
      } finally {
        bar.stop();
      }
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    console.log("Interrupted: the tasks are cancelled and the workers have ended");
    return 130;
  }

  console.log(`\n${table(rows)}\n`);
  const last = rows.at(-1)!;
  console.log(`digest ${last.digest}`);
  for (const text of last.unreadable.slice(0, 10)) console.log(`unreadable: ${text}`);
  console.log(`${last.unreadable.length} unreadable`);
  if (recording !== undefined) {
    await recording.write(values.trace!);
    console.log(`trace of the last run: ${values.trace}; open it at https://ui.perfetto.dev`);
  }
  const agree = rows.every((row) => row.digest === last.digest && row.words === last.words);
  console.log(agree ? "All runs agree" : "The runs DISAGREE");
  return agree ? 0 : 1;
}

function runtimeName(): string {
  const { deno, bun } = process.versions as Record<string, string | undefined>;
  return deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${process.versions.node}`;
}

process.exitCode = await main();
