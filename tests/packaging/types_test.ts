import { assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { test } from "../harness.ts";
import { install, OLD_TYPESCRIPT } from "./node_versions.ts";
import { installTarball, packLibrary } from "./tarball.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

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

/** The program of a user who is as strict as can be, and has futures of several types. */
writeFileSync(
  join(user, "strict.ts"),
  `
import { asCompleted, wait, ThreadPoolExecutor, type Executor, type Future } from "@concurrent/futures";

export async function mixed(executor: Executor, signal?: AbortSignal, timeout?: number): Promise<string> {
  const futures = [executor.submit((x: number) => x, 1), executor.submit((s: string) => s, "a")];
  const { done, notDone } = await wait(futures, { timeout, signal });
  for (const future of [...done, ...notDone]) { const value: number | string = await future; void value; }
  for await (const future of asCompleted(futures, { signal })) { const value: number | string = await future; void value; }
  const [first] = await executor.with({ signal, timeout, onProgress: undefined }).map((x: number) => x, [1], { timeout }).toArray();
  await executor.shutdown({ wait: undefined });
  return first!.toFixed();
}

export const make = (maxWorkers?: number, env?: Record<string, string>): Executor => new ThreadPoolExecutor({ maxWorkers, env });

export function results(futures: ReadonlySet<Future<number>>): Promise<number[]> {
  return Promise.all(futures);
}
`,
);

const CURRENT = join(ROOT, "node_modules", ".bin", "tsc");

/** What tsc says about the user's program. */
function check(options: Record<string, unknown>, tsc: readonly string[] = [CURRENT]): string {
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
  writeFileSync(
    config,
    JSON.stringify({ compilerOptions, files: ["use.ts", "tasks.ts", "strict.ts"] }),
  );
  const { stdout, stderr } = spawnSync(tsc[0]!, [...tsc.slice(1), "-p", config], {
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

const STRICT = {
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUnusedParameters: true,
  noFallthroughCasesInSwitch: true,
  verbatimModuleSyntax: true,
};

const old = install("typescript", OLD_TYPESCRIPT);
const skip = "missing" in old && old.missing;

for (const [name, tsc] of [["of today", [CURRENT]], [OLD_TYPESCRIPT, undefined]] as const) {
  const command = tsc ??
    [process.execPath, join((old as { folder: string }).folder ?? "", "lib", "tsc.js")];
  for (const resolution of RESOLUTIONS) {
    test(`types are right for strict users of TypeScript ${name}, ${resolution.module}`, () => {
      const options = { ...STRICT, ...resolution, lib: ["es2022", "dom"] };
      assertEquals(check(options, command), "");
      assertEquals(
        check({ ...options, isolatedDeclarations: true, declaration: true }, command)
          .replace(/^use\.ts.*\n/gm, ""),
        "",
      );
    }, { deadline: 90_000, skip: tsc === undefined ? skip : false });
  }
}

/** What `deno check` says of the source under a configuration of a user's. */
function checkSource(compilerOptions: Record<string, unknown>): string {
  const project = mkdtempSync(join(folder, "source-"));
  const entries = ["mod.ts", "src/pool/mod.ts", "src/worker/mod.ts", "src/runtime/mod.ts"];
  writeFileSync(join(project, "deno.json"), JSON.stringify({ compilerOptions }));
  writeFileSync(
    join(project, "main.ts"),
    entries.map((entry) => `import "${pathToFileURL(join(ROOT, entry)).href}";\n`).join(""),
  );
  const deno = join(ROOT, "node_modules", ".bin", "deno");
  const { stdout, stderr, status } = spawnSync(deno, ["check", "--quiet", "main.ts"], {
    cwd: project,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    shell: process.platform === "win32",
  });
  return status === 0 ? "" : stdout + stderr;
}

const EVERY_FLAG = {
  ...STRICT,
  noUnusedLocals: true,
  exactOptionalPropertyTypes: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  erasableSyntaxOnly: true,
  isolatedDeclarations: true,
};

const CONFIGURATIONS: Record<string, Record<string, unknown>> = {
  "no option": {},
  "every strict flag": EVERY_FLAG,
  "no strictness": { strict: false },
  "no strictNullChecks": { strictNullChecks: false },
  "the types of workers": { ...EVERY_FLAG, lib: ["deno.worker"] },
  "the types of pages": { ...EVERY_FLAG, lib: ["esnext", "dom"] },
  "the types of web workers": { ...EVERY_FLAG, lib: ["esnext", "webworker"] },
  "an older library": { ...EVERY_FLAG, lib: ["es2022", "deno.window"] },
};

for (const [name, options] of Object.entries(CONFIGURATIONS)) {
  test(`deno check finds nothing in the source with ${name}`, () => {
    assertEquals(checkSource(options), "");
  }, { deadline: 90_000 });
}

test("types that are wrong are found at all", () => {
  assertMatch(check({ ...RESOLUTIONS[1], lib: ["es5"] }), /error TS/);
}, { deadline: 60_000 });
