/**
 * From one machine to many, on one machine: a Redis, three workers on three runtimes, and the main job over
 * them: every file of a folder is read, hashed and its words counted. Half way one worker is killed.
 *
 *     npm run fleet -- [folder]
 *
 * On a real fleet only the addresses differ: `concurrent-futures worker --url redis://… --queue … --module …` on
 * each machine, and the client as below.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import cliProgress from "cli-progress";
import { type Executor, importTasks, type Task, ThreadPoolExecutor } from "../../mod.ts";
import { DistributedExecutor, remoteTasks } from "../../src/remote/mod.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { noRedis, RedisServer } from "../../tests/remote/redis_server.ts";
import type { FileDigest, FileError } from "../digest_tasks.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TASKS = new URL("../digest_tasks.ts", import.meta.url);
const QUEUE = "digests";
const RUNTIMES = { node: [], bun: [], deno: ["run", "-A", "--no-check"] };
type RuntimeName = keyof typeof RUNTIMES;

type DigestTask = Task<[path: string], FileDigest | FileError>;

/** Milliseconds: a lost worker is noticed after both. The defaults are five times as long. */
const [LOCK, CHECK] = [2_000, 1_000];

/** Files of one task. */
const CHUNK = 20;

/** Starts a worker, and waits until it takes tasks. */
function startWorker(runtime: RuntimeName, url: string): Promise<ChildProcess> {
  const options = {
    "--queue": QUEUE,
    "--module": `digest=${fileURLToPath(TASKS)}`,
    "--concurrency": "2",
    "--lock": String(LOCK),
    "--check": String(CHECK),
  };
  const child = spawn(join(ROOT, "node_modules", ".bin", runtime), [
    ...RUNTIMES[runtime],
    join(ROOT, "src", "cli", "cli.ts"),
    "worker",
    ...Object.entries(options).flat(),
  ], {
    env: { ...process.env, CONCURRENT_FUTURES_URL: url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((ready, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the worker on ${runtime} ended with ${code}`)));
    child.stdout!.on("data", (text) => {
      if (String(text).includes(" serves ")) ready(child);
    });
  });
}

/** The digest of all files, in order, by whatever executor. */
async function digestOf(
  executor: Executor,
  task: DigestTask,
  folder: string,
  paths: readonly string[],
  onFile: () => void,
): Promise<string> {
  const hash = createHash("sha256");
  for await (const file of executor.map(task, paths, { chunkSize: CHUNK })) {
    onFile();
    if ("error" in file) throw new Error(`${file.path}: ${file.error}`);
    hash.update(`${relative(folder, file.path)}\0${file.sha256}\n`);
  }
  return hash.digest("hex");
}

/** A bar on a terminal, a line now and then elsewhere. */
function progress(total: number): { step(): void; say(text: string): void; stop(): void } {
  let done = 0;
  if (!process.stdout.isTTY) {
    const every = Math.ceil(total / 4);
    return {
      step: () => {
        if (++done % every === 0) console.log(`   ${done} of ${total} files`);
      },
      say: (text) => console.log(text),
      stop: () => {},
    };
  }
  const bar = new cliProgress.SingleBar(
    {
      format: "   {bar} {percentage}% | {value} of {total} files | {duration} s",
      hideCursor: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return {
    step: () => bar.increment(),
    say(text) {
      process.stdout.write(`\r\x1b[K${text}\n`);
      bar.render();
    },
    stop: () => bar.stop(),
  };
}

async function main(): Promise<number> {
  if (noRedis !== undefined) {
    console.error(`Cannot start a fleet: ${noRedis}`);
    return 1;
  }
  const folder = resolve(process.argv[2] ?? join(ROOT, "node_modules"));
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

  console.log(`1. ${paths.length} files under ${folder}, on this machine alone`);
  let expected: string;
  {
    await using threads = new ThreadPoolExecutor();
    const { digestFile } = importTasks<typeof import("../digest_tasks.ts")>(TASKS.href);
    expected = await digestOf(threads, digestFile, folder, paths, () => {});
  }
  console.log(`   digest ${expected}\n`);

  await using server = await RedisServer.start();
  const workers = new Map<RuntimeName, ChildProcess>();
  try {
    console.log(`2. A Redis on port ${server.port}, and a worker on each runtime`);
    const names = Object.keys(RUNTIMES) as RuntimeName[];
    const started = await Promise.all(names.map((name) => startWorker(name, server.url)));
    names.forEach((name, i) => workers.set(name, started[i]!));
    return await runFleet(server.url, workers, folder, paths, expected);
  } finally {
    await Promise.all([...workers.values()].map(end));
  }
}

async function runFleet(
  url: string,
  workers: ReadonlyMap<RuntimeName, ChildProcess>,
  folder: string,
  paths: readonly string[],
  expected: string,
): Promise<number> {
  const transport = bullmq({ url, queue: QUEUE });
  await using executor = new DistributedExecutor(transport);
  for (const { name, runtime, pid, places } of await executor.workers()) {
    console.log(`   ${name}: ${runtime}, process ${pid}, ${places} tasks at once`);
  }

  console.log("\n3. The same over the fleet; half way one worker is killed");
  const { digestFile } = remoteTasks<typeof import("../digest_tasks.ts")>("digest");
  const bar = progress(paths.length);
  let done = 0;
  const digest = await digestOf(executor, digestFile, folder, paths, () => {
    bar.step();
    if (++done !== Math.ceil(paths.length / 2)) return;
    const victim = workers.get("deno")!;
    victim.kill("SIGKILL");
    bar.say(`   SIGKILL to the worker on Deno, process ${victim.pid}; its tasks go to the others`);
  });
  bar.stop();

  const { redelivered } = await transport.status();
  for (const { runtime, done } of await executor.workers()) {
    console.log(`   ${runtime} ran ${done} tasks of ${CHUNK} files`);
  }
  console.log(`   ${redelivered} ran once more, as their worker was lost`);
  console.log(`   digest ${digest}\n`);
  console.log(digest === expected ? "The digest is the same" : "The digest DIFFERS");
  return digest === expected ? 0 : 1;
}

/** Ends a worker as a system does: it hands back what it has. */
function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((ended) => {
    child.on("exit", () => ended());
    child.kill("SIGTERM");
  });
}

process.exitCode = await main();
