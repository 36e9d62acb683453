/**
 * Runs a million tasks while a worker dies every few hundred, accounts for each of them, and watches the
 * memory. Runs on every runtime:
 *
 *     npm run soak
 *     bun tools/soak.ts --tasks 200000 --crash-every 100
 *     deno run -A tools/soak.ts --seed 7
 *
 * It fails if a task ended otherwise than it may, ran twice, or was lost; and if at the end the memory is
 * more than a fifth above what it was after the first tenth. What the engine has reserved for its heap
 * since then is taken off: V8 doubles the space for young objects at some time, and keeps it. So is what
 * Deno 2.9 never frees: the URL of each worker, which holds the program's text.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import v8 from "node:v8";
import vm from "node:vm";
import { type Future, ThreadPoolExecutor, WorkerCrashError } from "../mod.ts";
import { PROGRAM_SOURCE } from "../src/worker/program_source.ts";

const { values: options } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000000" },
    "crash-every": { type: "string", default: "300" },
    workers: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const TASKS = Number(options.tasks);
const CRASH_EVERY = Number(options["crash-every"]);

/** Tasks that are submitted and not settled at the most. */
const OUTSTANDING = 2_000;
/** Tasks between two looks at the memory. */
const STEP = Math.max(1, Math.floor(TASKS / 20));
/** The memory may grow by so much after the first tenth. */
const MAX_GROWTH = 1.2;

type Kind = "quick" | "waiting" | "cancelled" | "exit" | "stray";

const KINDS: readonly Kind[] = ["quick", "waiting", "cancelled", "exit", "stray"];

// --- tasks; the cells are a global of the worker, for an argument would be cloned each time ---

type Scope = { cells: Uint8Array; process: { exit(code: number): never } };

function quick(i: number): number {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  return 2 * i;
}

/** Runs beside others in its worker. */
async function waiting(i: number): Promise<number> {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  await new Promise((resolve) => setTimeout(resolve, 1));
  return 2 * i;
}

/** The caller tries to cancel it. */
function cancelled(i: number): number {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  return 2 * i;
}

/** Ends its worker. */
function exit(i: number): never {
  const scope = globalThis as unknown as Scope;
  Atomics.add(scope.cells, i, 1);
  return scope.process.exit(7);
}

/** Ends its worker by an error outside of every task. */
function stray(i: number): Promise<never> {
  Atomics.add((globalThis as unknown as Scope).cells, i, 1);
  setTimeout(() => {
    throw new RangeError("stray");
  });
  return new Promise(() => {});
}

const TASK_OF: Record<Kind, (i: number) => unknown> = { quick, waiting, cancelled, exit, stray };

function keepCells(cells: Uint8Array): void {
  (globalThis as unknown as Scope).cells = cells;
}

// --- the run ---

let seed = Number(options.seed) >>> 0;

/** A number below `end`, by chance (mulberry32). */
function random(end: number): number {
  let x = seed = (seed + 0x6d2b79f5) >>> 0;
  x = Math.imul(x ^ (x >>> 15), x | 1);
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
  return ((x ^ (x >>> 14)) >>> 0) % end;
}

/** How many of each kind have ended how. */
const counts: Record<string, number> = {};
const problems: string[] = [];

function problem(text: string): void {
  if (problems.length < 20) problems.push(text);
  else if (problems.length === 20) problems.push("… and more");
}

/** Outcomes of tasks by number, as they settle: 1 is a value, 2 a crash, 3 cancelled. */
const settled = new Uint8Array(TASKS);
const cells = new Uint8Array(new SharedArrayBuffer(TASKS));
const kinds = new Uint8Array(TASKS);

function settle(i: number, outcome: number, what: string): void {
  if (settled[i] !== 0) problem(`task ${i} has settled twice`);
  settled[i] = outcome;
  const key = `${KINDS[kinds[i]!]}: ${what}`;
  counts[key] = (counts[key] ?? 0) + 1;
}

async function watch(i: number, future: Future<unknown>): Promise<void> {
  try {
    const value = await future;
    if (value !== 2 * i) problem(`task ${i} gave ${value}`);
    settle(i, 1, "value");
  } catch (error) {
    if (future.cancelled()) settle(i, 3, "cancelled");
    else if (error instanceof WorkerCrashError) settle(i, 2, "WorkerCrashError");
    else {
      problem(`task ${i} (${KINDS[kinds[i]!]}) failed with ${error}`);
      settle(i, 2, "another error");
    }
  }
}

/** What a task may come to. Only one that waits can be beside another that ends their worker. */
function isRight(i: number): boolean {
  const runs = cells[i]!;
  const outcome = settled[i]!;
  switch (KINDS[kinds[i]!]!) {
    case "quick":
      return outcome === 1 && runs === 1;
    case "waiting":
      return (outcome === 1 || outcome === 2) && runs === 1;
    case "cancelled":
      return outcome === 1 ? runs === 1 : outcome === 3 && runs === 0;
    case "exit":
    case "stray":
      return outcome === 2 && runs === 1;
  }
}

/**
 * One crash in each stretch of tasks, in the middle of it: three in a row, with nothing done between
 * them, would break the executor, as they should.
 */
let crashAt = 0;

function nextKind(i: number): Kind {
  if (i % CRASH_EVERY === 0) crashAt = i + Math.floor((CRASH_EVERY + random(CRASH_EVERY)) / 3);
  if (i === crashAt) return random(2) === 0 ? "exit" : "stray";
  const at = random(100);
  return at === 0 ? "cancelled" : at <= 2 ? "waiting" : "quick";
}

interface Memory {
  readonly rss: number;
  readonly heap: number;
  /** What the engine has reserved for the heap. */
  readonly reserved: number;
}

const collect = ((): () => void => {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  try {
    v8.setFlagsFromString("--expose-gc");
    return vm.runInNewContext("gc") as () => void;
  } catch {
    return () => {};
  }
})();

/** The memory when there is nothing to do. */
async function memory(): Promise<Memory> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  return { rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20, reserved: heapTotal / 2 ** 20 };
}

const { Deno } = globalThis as { Deno?: unknown };
const runtime = Deno !== undefined ? "Deno" : "bun" in process.versions ? "Bun" : "Node";
console.log(`${runtime}: ${TASKS} tasks, a crash every ${CRASH_EVERY}, --seed ${options.seed}`);
console.log("    tasks   crashes   seconds   RSS MiB   heap MiB  reserved");

const executor = new ThreadPoolExecutor({
  maxWorkers: Number(options.workers),
  tasksPerWorker: 4,
  initializer: keepCells,
  initargs: [cells],
});
const begin = performance.now();
const marks: { readonly tasks: number; readonly crashed: number; readonly memory: Memory }[] = [];

let outstanding = 0;
let wake: (() => void) | undefined;

/** Resolves when no more than so many are left. */
async function leave(count: number): Promise<void> {
  while (outstanding > count) await new Promise<void>((resolve) => wake = resolve);
}

for (let i = 0; i < TASKS; i++) {
  const kind = nextKind(i);
  kinds[i] = KINDS.indexOf(kind);
  const future = executor.submit(TASK_OF[kind], i);
  outstanding++;
  watch(i, future).then(() => {
    outstanding--;
    if (outstanding % 200 === 0) wake?.();
  });
  if (kind === "cancelled") setTimeout(() => future.cancel());
  if (outstanding >= OUTSTANDING) await leave(OUTSTANDING / 2);
  if ((i + 1) % STEP !== 0) continue;
  await leave(0);
  const now = { tasks: i + 1, crashed: executor.stats().crashed, memory: await memory() };
  marks.push(now);
  const seconds = (performance.now() - begin) / 1_000;
  console.log(
    [
      now.tasks,
      executor.stats().crashed,
      seconds,
      now.memory.rss,
      now.memory.heap,
      now.memory.reserved,
    ]
      .map((value) => String(Math.round(value * 10) / 10).padStart(9)).join(" "),
  );
}
await leave(0);
const seconds = (performance.now() - begin) / 1_000;
const stats = executor.stats();
await executor.shutdown();

// --- the account ---

for (let i = 0; i < TASKS; i++) {
  if (!isRight(i)) {
    problem(
      `task ${i} (${KINDS[kinds[i]!]}) has run ${cells[i]} times and settled as ${settled[i]}`,
    );
  }
}
const [ended, left] = [stats.completed + stats.failed + stats.cancelled, executor.stats()];
if (ended !== TASKS) problem(`stats() tell of ${ended} tasks that have ended`);
if (stats.pending + stats.running !== 0) problem(`${stats.pending + stats.running} tasks are left`);
if (left.workers !== 0) problem(`${left.workers} workers are left`);

const base = marks.find(({ tasks }) => tasks >= TASKS / 10);
const last = marks.at(-1);
if (base !== undefined && last !== undefined) {
  const reserved = Math.max(0, last.memory.reserved - base.memory.reserved);
  const url = runtime === "Deno" ? encodeURIComponent(PROGRAM_SOURCE).length / 2 ** 20 : 0;
  const urls = url * (last.crashed - base.crashed);
  const growths = {
    RSS: (last.memory.rss - reserved - urls) / base.memory.rss,
    heap: last.memory.heap / base.memory.heap,
  };
  console.log(
    `taken off: ${reserved.toFixed(1)} MiB reserved for the heap, ${urls.toFixed(1)} MiB of URLs`,
  );
  for (const [what, growth] of Object.entries(growths)) {
    console.log(`${what} from task ${base.tasks} to ${last.tasks}: ${growth.toFixed(3)} times`);
    if (growth > MAX_GROWTH) problem(`${what} has grown ${growth.toFixed(2)} times`);
  }
}
for (const key of Object.keys(counts).sort()) console.log(`${key.padEnd(30)} ${counts[key]}`);
console.log(
  `${stats.crashed} workers have died; ${Math.round(TASKS / seconds)} tasks per second`,
);
for (const text of problems) console.log(`PROBLEM: ${text}`);
console.log(problems.length === 0 ? "all tasks are accounted for" : "FAILED");
process.exitCode = problems.length === 0 ? 0 : 1;
