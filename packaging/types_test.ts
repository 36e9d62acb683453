import { assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../tests/harness.ts";
import { installTarball, packLibrary } from "./tarball.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "types-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
installTarball(join(folder, "user"), packLibrary(folder).tarball);
const user = join(folder, "user");
mkdirSync(join(user, "node_modules", "@types"));
for (const name of ["@types/node", "undici-types"]) {
  const link = join(user, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join(ROOT, "node_modules", name), link, "junction");
}

writeFileSync(
  join(user, "tasks.ts"),
  "export function twice(x: number): number { return 2 * x; }\n",
);
writeFileSync(
  join(user, "use.ts"),
  `
import { asCompleted, Future, importTasks, ThreadPool, ThreadPoolExecutor, transfer } from "@concurrent/futures";
import type { MapIterator, Runtime, TaskContext, WaitResult } from "@concurrent/futures";
import { FutureSource, wait } from "@concurrent/futures/futures";
import { Pool } from "@concurrent/futures/pool";
import { detectRuntime } from "@concurrent/futures/runtime";
import { currentTask, serve } from "@concurrent/futures/worker";

const executor = new ThreadPoolExecutor({ maxWorkers: 2, onCrash: "break" });
const { twice } = importTasks<typeof import("./tasks.js")>("file:///tasks.js");
const future: Future<number> = executor.submit(twice, 2);
const mapped: MapIterator<string> = executor.map((x: number) => String(x), [1]);
const first: WaitResult<number> = await wait([future, new FutureSource<number>().future]);
for await (const done of asCompleted([future])) { const value: number = await done; void value; }
const pool: Pool | ThreadPool = new ThreadPool(2);
const all: string[] = await pool.map((x: number) => String(x), [1]);
const runtime: Runtime = detectRuntime();
const context: TaskContext | undefined = currentTask();
serve({ twice: (x: number) => 2 * x });
const bytes = new Uint8Array(4);
const moved: Future<number> = executor.submit((b: Uint8Array) => b.length, transfer(bytes, [bytes.buffer]));
void moved;
void [mapped, first, all, runtime, context];

// @ts-expect-error: a number is asked for
executor.submit(twice, "2");
// @ts-expect-error: the result is a number
const wrong: Future<string> = executor.submit(twice, 2);
void wrong;
`,
);

/** What tsc says about the user's program. */
function check(options: Record<string, unknown>): string {
  const config = join(user, "tsconfig.json");
  const compilerOptions = {
    target: "es2022",
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    ...options,
  };
  writeFileSync(config, JSON.stringify({ compilerOptions, files: ["use.ts", "tasks.ts"] }));
  const { stdout, stderr } = spawnSync(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", config], {
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  return stdout + stderr;
}

const RESOLUTIONS = [
  { module: "node16", moduleResolution: "node16" },
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];

for (const resolution of RESOLUTIONS) {
  test(`types are found and right with moduleResolution ${resolution.moduleResolution}`, () => {
    assertEquals(check({ ...resolution, lib: ["es2022", "dom"] }), "");
  }, { deadline: 60_000 });
}

test("types need no DOM where those of Node are there", () => {
  assertEquals(check({ ...RESOLUTIONS[1], lib: ["es2022"], types: ["node"] }), "");
}, { deadline: 60_000 });

test("types that are wrong are found at all", () => {
  assertMatch(check({ ...RESOLUTIONS[1], lib: ["es5"] }), /error TS/);
}, { deadline: 60_000 });
