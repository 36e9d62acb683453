/**
 * The main job: every file under a folder is read, hashed and its words counted, on all cores, and
 * once more on one, to see what the cores are good for.
 *
 *     npm start -- [folder] [--runtime deno|bun|node]
 *     deno run -A examples/digest.ts [folder]
 *     bun examples/digest.ts [folder]
 *     node examples/digest.ts [folder]
 *
 * The paths come from an async generator and the results are taken in order, so that a million
 * files would need no more memory than a few.
 */

import { createHash } from "node:crypto";
import { opendir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import cliProgress from "cli-progress";
import { importTasks, ThreadPoolExecutor } from "../mod.ts";

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
): Promise<Summary> {
  await using executor = new ThreadPoolExecutor(workers);
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
  return { workers, files, unreadable, bytes, words, digest: hash.digest("hex"), milliseconds };
}

/** A bar on a terminal, a line now and then elsewhere. */
function progress(title: string, total: number): { step(): void; stop(): void } {
  if (!process.stdout.isTTY) {
    let done = 0;
    const every = Math.max(1, Math.ceil(total / 4));
    return {
      step: () => {
        if (++done % every === 0) console.log(`${title}: ${done} of ${total} files`);
      },
      stop: () => {},
    };
  }
  const bar = new cliProgress.SingleBar(
    { format: `${title} {bar} {percentage}% | {value} of {total} files`, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return { step: () => bar.increment(), stop: () => bar.stop() };
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
  const folder = resolve(
    process.argv[2] ?? fileURLToPath(new URL("../node_modules", import.meta.url)),
  );
  const interrupt = new AbortController();
  process.on("SIGINT", () => interrupt.abort(new Error("interrupted")));

  let total = 0;
  for await (const _ of walk(folder, () => {})) total++;
  const cores = new ThreadPoolExecutor().maxWorkers;
  console.log(`${total} files under ${folder}; ${cores} workers on ${runtimeName()}`);

  const rows: Summary[] = [];
  try {
    for (const workers of cores === 1 ? [1] : [1, cores]) {
      const bar = progress(`${workers} worker${workers === 1 ? " " : "s"}`, total);
      try {
        rows.push(await digestFolder(folder, workers, interrupt.signal, bar.step));
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
  const agree = rows.every((row) => row.digest === last.digest && row.words === last.words);
  console.log(agree ? "All runs agree" : "The runs DISAGREE");
  return agree ? 0 : 1;
}

function runtimeName(): string {
  const { deno, bun } = process.versions as Record<string, string | undefined>;
  return deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${process.versions.node}`;
}

process.exitCode = await main();
