/**
 * What the hooks for observers cost while nobody looks: this library beside a copy of itself from which
 * they were cut out, in alternating rounds of one process, and of another that loads the copy first.
 *
 *     node bench/hooks.ts [--pairs 5] [--rounds 15] [--quick]        (or deno run -A, or bun)
 *
 * To be within 2 % of the copy. Prints wall and CPU time, with hooks over without: of each the least in a
 * process, the mean of the two orders, and the median of all pairs of processes.
 */

import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runScript } from "./child.ts";
import { identity } from "./tasks.js";
import { check, RUNTIME, WORKERS } from "./workload.ts";

type Library = typeof import("../mod.ts");

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Where a task passes a hook, and what stands there without. Each must be found. */
const CUTS: readonly (readonly [string, RegExp, string])[] = [
  ["src/engine/*.ts", /^ *(?:this\.#(?:parts\.)?)?watch\.events\?\.\w+\([^;]*\);.*\n/gm, ""],
  ["src/engine/scheduler.ts", /this\.#watch\.lookForTools\(\)/g, "false"],
  ["src/engine/work_item.ts", /\|\|\s*\(typeof this\.record [^;]*;/g, ";"],
  ["src/engine/work_item.ts", /^ *record: .*\n/gm, ""],
  ["src/engine/worker_slot.ts", /carriersOf\(items\)/g, "undefined as unknown[] | undefined"],
  ["src/worker/run_loop.ts", /(?:this\.#)?outbox\.times\.start\(\)/g, "0"],
  ["src/worker/run_loop.ts", /^ *(?:this\.#)?outbox\.times\.end\(.*\);\n/gm, ""],
  ["src/worker/run_loop.ts", /^ *this\.carriers\.next\(slot\);\n/gm, ""],
  ["src/worker/chunk_run.ts", /^ *(?:this\.#)?outbox\.times\.end\(.*\);\n/gm, ""],
  ["src/worker/context.ts", /^ *(?:readonly #carrier: .*|this\.#carrier = .*)\n/gm, ""],
  ["src/worker/context.ts", /return this\.#carrier/g, "return undefined"],
  ["src/worker/outbox.ts", /^ *this\.times\.pause\(\);\n/gm, ""],
  [
    "src/worker/outbox.ts",
    /const times = this\.times\.take\(.*\)/g,
    "const times = undefined as unknown[] | undefined",
  ],
];

/** A copy of the library without its hooks. */
function strip(folder: string): void {
  for (const name of ["src", "mod.ts", "deno.json", "package.json"]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  mkdirSync(join(folder, "tools"));
  cpSync(join(ROOT, "tools/generate_program.ts"), join(folder, "tools/generate_program.ts"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [where, pattern, instead] of CUTS) {
    const files = where.endsWith("/*.ts")
      ? readdirSync(join(folder, where.slice(0, -5))).map((name) => where.slice(0, -4) + name)
      : [where];
    let found = 0;
    for (const file of files) {
      const text = readFileSync(join(folder, file), "utf8");
      found += text.match(pattern)?.length ?? 0;
      writeFileSync(join(folder, file), text.replace(pattern, instead));
    }
    if (found === 0) throw new Error(`Cannot cut ${pattern} out of ${where}: it is not there`);
  }
  // The program of the workers is made of these files.
  execFileSync("node", ["tools/generate_program.ts"], { cwd: folder, stdio: "ignore" });
}

/** What is measured. */
const WAYS: Record<
  string,
  (executor: InstanceType<Library["ThreadPoolExecutor"]>, count: number) => Promise<void>
> = {
  async burst(executor, count) {
    const futures = [];
    for (let i = 0; i < count; i++) futures.push(executor.submit(identity, i));
    const results = await Promise.all(futures);
    check(results.every((x, i) => x === i), "all in order");
  },
  async map(executor, count) {
    const results = await executor.map(identity, Array.from({ length: 5 * count }, (_, i) => i))
      .toArray();
    check(results.length === 5 * count, "all of them");
  },
  async sequential(executor, count) {
    for (let i = 0; i < count / 20; i++) check(await executor.submit(identity, i) === i, "itself");
  },
};

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at > 0 ? process.argv[at + 1] : undefined;
}

/** Of each way the least time of each library, with hooks first. */
type Least = Record<string, Record<"wall" | "cpu", [number, number]>>;

const quick = process.argv.includes("--quick");
const rounds = Number(argument("--rounds") ?? (quick ? 5 : 15));
const count = quick ? 20_000 : 100_000;

/** Alternates both in this process. Which of them is loaded first makes more of a difference than the hooks do. */
async function measure(folder: string, strippedFirst: boolean): Promise<Least> {
  const stripped = pathToFileURL(join(folder, "mod.ts")).href;
  const urls = ["../mod.ts", stripped];
  if (strippedFirst) urls.reverse();
  const libraries: Library[] = [];
  for (const url of urls) libraries.push(await import(url));
  const least: Least = {};
  for (const [way, run] of Object.entries(WAYS)) {
    const contenders = [];
    for (const library of libraries) {
      const executor = new library.ThreadPoolExecutor(WORKERS);
      await executor.warmUp();
      contenders.push({ executor, wall: Infinity, cpu: Infinity });
    }
    for (let round = -2; round < rounds; round++) {
      for (const one of round % 2 === 0 ? contenders : contenders.toReversed()) {
        const [began, used] = [performance.now(), process.cpuUsage()];
        await run(one.executor, count);
        const wall = performance.now() - began;
        const { user, system } = process.cpuUsage(used);
        if (round < 0) continue;
        one.wall = Math.min(one.wall, wall);
        one.cpu = Math.min(one.cpu, (user + system) / 1000);
      }
    }
    for (const { executor } of contenders) await executor.shutdown();
    const [a, b] = (strippedFirst ? contenders.toReversed() : contenders) as [
      typeof contenders[0],
      typeof contenders[0],
    ];
    least[way] = { wall: [a.wall, b.wall], cpu: [a.cpu, b.cpu] };
  }
  return least;
}

/** As many processes load one of them first as the other. */
function compare(folder: string, pairs: number): void {
  const all: [Least, Least][] = [];
  for (let i = 0; i < pairs; i++) {
    const [first, second] = ["no", "yes"].map((strippedFirst) =>
      JSON.parse(runScript("hooks.ts", [
        ...["--folder", folder, "--stripped-first", strippedFirst, "--rounds", String(rounds)],
        ...quick ? ["--quick"] : [],
      ])) as Least
    );
    all.push([first!, second!]);
  }
  for (const way of Object.keys(WAYS)) {
    const figure = (of: "wall" | "cpu") => {
      const ratio = (least: Least) => least[way]![of][0] / least[way]![of][1];
      const both = all.map(([a, b]) => Math.sqrt(ratio(a) * ratio(b)));
      return `${of} ${median(both).toFixed(3)} (${both.map((x) => x.toFixed(3)).join(" ")})`;
    };
    console.log(`${RUNTIME} ${way}: ${figure("wall")}; ${figure("cpu")}`);
  }
}

const given = argument("--folder");
if (given !== undefined) {
  console.log(JSON.stringify(await measure(given, argument("--stripped-first") === "yes")));
} else {
  const folder = mkdtempSync(join(tmpdir(), "hooks-"));
  try {
    strip(folder);
    compare(folder, Number(argument("--pairs") ?? (quick ? 1 : 5)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exit();
