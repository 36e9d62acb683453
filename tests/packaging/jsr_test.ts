import { assert, assertEquals, assertMatch } from "@std/assert";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";
import { ENTRIES, publishedFiles, startRegistry, VERSION, writeNpmLayer } from "./jsr_registry.ts";
import { findNode, NODE_VERSIONS } from "./node_versions.ts";
import { copyConsumer, runConsumer } from "./tarball.mjs";

const BIN = fileURLToPath(new URL("../../node_modules/.bin/", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "jsr-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const files = publishedFiles();

/** What needs no permission, of every entry. */
const PROGRAM = `
import { asCompleted, createExecutor, InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor }
  from "jsr:@concurrent/futures@${VERSION}";
import { FutureSource } from "jsr:@concurrent/futures@${VERSION}/futures";
import { ThreadPool } from "jsr:@concurrent/futures@${VERSION}/pool";
import { currentTask } from "jsr:@concurrent/futures@${VERSION}/worker";
import { detectRuntime } from "jsr:@concurrent/futures@${VERSION}/runtime";

await using executor = new ThreadPoolExecutor(2);
const futures = [1, 2, 3].map((n) => executor.submit((x: number) => x * x, n));
let sum = 0;
for await (const future of asCompleted(futures)) sum += await future;
console.log(sum, await executor.map((x: number) => -x, [1, 2, 3]).toArray());

const endless = executor.with({ timeout: 50 }).submit(() => { for (;;); });
console.log((await endless.exception() as Error).name);
console.log((await executor.submit(() => Deno.exit(3)).exception() as Error).name);
console.log(await executor.submit(() => 4));

await using pool = new ThreadPool(2);
console.log(await pool.starmap((a: number, b: number) => a ** b, [[2, 3], [3, 2]]));
await using inline = new InlineExecutor();
console.log(await inline.submit(() => sum));
await using chosen = createExecutor();
console.log(chosen.capabilities.parallel, detectRuntime().name, currentTask());
const source = new FutureSource<number>();
source.setResult(5);
console.log(await source.future);
try {
  new ProcessPoolExecutor();
} catch (error) {
  console.log((error as Error).name);
}
`;

const PRINTED = `14 [ -1, -2, -3 ]
TimeoutError
WorkerCrashError
4
[ 8, 9 ]
14
true Deno undefined
5
UnsupportedError
`;

/** Runs Deno with a registry, and with a cache of its own. */
function deno(cache: string, registry: string, args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      DENO_DIR: join(folder, cache),
      JSR_URL: registry,
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
    };
    const shell = process.platform === "win32";
    execFile(`${BIN}deno`, args, { cwd, env, shell, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`deno ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`));
    });
  });
}

function project(name: string, program: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "main.ts"), program);
  return path;
}

test("deno publish sends the modules and the papers, and no test or tool", () => {
  for (
    const path of [
      "/mod.ts",
      "/README.md",
      "/CHANGELOG.md",
      "/SECURITY.md",
      "/LICENSE",
      "/deno.json",
    ]
  ) {
    assert(files.has(path), path);
  }
  for (const path of files.keys()) {
    assertMatch(path, /^\/(src\/.*\.(ts|md)|mod\.ts|[A-Z]+(\.md)?|(deno|jsr)\.json)$/);
  }
});

test("jsr: with no flag, its types, and with nothing but the cache", async () => {
  const registry = await startRegistry(files);
  const path = project("flagless", PROGRAM);
  try {
    assertEquals(await deno("flagless", registry.url, ["run", "main.ts"], path), PRINTED);
    assert(registry.requests.includes(`/@concurrent/futures/${VERSION}/mod.ts`));
    await deno("flagless", registry.url, ["check", "main.ts"], path);
    await deno("cached", registry.url, ["cache", "main.ts"], path);
  } finally {
    await registry.close();
  }
  const offline = ["run", "--cached-only", "main.ts"];
  assertEquals(await deno("cached", registry.url, offline, path), PRINTED);
}, { deadline: 90_000 });

/** Entries that need a package of npm's, which this registry has not. */
const WITH_PEERS = ["bullmq", "opentelemetry"];
const WITHOUT_PEERS = ENTRIES.filter((entry) => !WITH_PEERS.some((peer) => entry.endsWith(peer)));

test("jsr: every entry alone, with nothing but the cache", async () => {
  const registry = await startRegistry(files);
  const projects: string[] = [];
  try {
    for (const [i, entry] of WITHOUT_PEERS.entries()) {
      const specifier = entry.replace("futures", `futures@${VERSION}`);
      const path = project(
        `entry${i}`,
        `import * as entry from "jsr:${specifier}";\nconsole.log(Object.keys(entry).length > 0);\n`,
      );
      projects.push(path);
      await deno(`entry${i}`, registry.url, ["cache", "main.ts"], path);
    }
  } finally {
    await registry.close();
  }
  assertEquals(projects.length, ENTRIES.length - WITH_PEERS.length);
  for (const [i, path] of projects.entries()) {
    const args = ["run", "--cached-only", "main.ts"];
    assertEquals(await deno(`entry${i}`, registry.url, args, path), "true\n");
  }
}, { deadline: 90_000 });

test("jsr: by an import map, with modules of tasks, own workers and processes", async () => {
  const registry = await startRegistry(files);
  const path = join(folder, "map");
  copyConsumer(path);
  const imports = { "@concurrent/futures": `jsr:@concurrent/futures@^${VERSION}` };
  writeFileSync(join(path, "deno.json"), JSON.stringify({ imports }));
  try {
    const env = { DENO_DIR: join(folder, "map-cache"), JSR_URL: registry.url };
    await runConsumer("deno", `${BIN}deno`, path, env);
  } finally {
    await registry.close();
  }
}, { deadline: 90_000 });

const user = join(folder, "npm");
copyConsumer(user);
// As `npx jsr add` leaves it.
writeFileSync(
  join(user, "package.json"),
  JSON.stringify({
    type: "module",
    dependencies: { "@concurrent/futures": `npm:@jsr/concurrent__futures@^${VERSION}` },
  }),
);
const installed = join(user, "node_modules", "@concurrent", "futures");
await writeNpmLayer(files, installed);

test("the npm layer of JSR has JavaScript for all modules but those that nothing imports", () => {
  const names = readdirSync(join(installed, "src"), { recursive: true, encoding: "utf8" });
  const modules = names.filter((name) => name.endsWith(".ts")).map((name) =>
    name.slice(0, -3).replaceAll("\\", "/")
  );
  const missing = modules.filter((name) => !existsSync(join(installed, "src", `${name}.js`)))
    .sort();
  // What the texts are bundled from by which workers and processes start.
  assertEquals(missing, ["runtime/process/main", "worker/program_entry"]);
});

for (const { version, ...found } of NODE_VERSIONS.map(findNode)) {
  const skip = "missing" in found && found.missing;
  test(`the npm layer of JSR works on Node ${version}`, async () => {
    await runConsumer("node", (found as { path: string }).path, user);
  }, { skip, deadline: 60_000 });
}

for (const runtime of ["bun", "deno"] as const) {
  test(`the npm layer of JSR works in node_modules on ${runtime}`, async () => {
    await runConsumer(runtime, BIN + runtime, user);
  }, { deadline: 60_000 });
}
