/**
 * Bundles the program of `app/` with every bundler, as each fixture's scripts say, and runs it.
 *
 * Only on Node: the bundles run on every runtime, and the bundlers are commands.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import { createLogger, createServer } from "vite";
import { test } from "../harness.ts";
import { runtimeCommand, sh, warnings } from "./commands.ts";
import type { Outcome } from "./commands.ts";
import { closeBrowser, openFolder, openPage } from "./page.ts";
import type { Policy } from "./page.ts";
import { makeProject } from "./project.ts";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const PROJECT = makeProject();

/** Bundles are run here, where no `node_modules` can help them. */
const ELSEWHERE = mkdtempSync(join(tmpdir(), "bundles-"));
writeFileSync(join(ELSEWHERE, "package.json"), '{ "type": "module" }\n');

after(async () => {
  await closeBrowser();
  for (const folder of [PROJECT, ELSEWHERE]) rmSync(folder, { recursive: true, force: true });
});

/** What `app/app.js` prints. */
const EXPECTED = {
  plain: {
    prime: true,
    describe: "27 more",
    map: [1, 4, 9, 16, 25],
    progress: [3, 0, 1, 2],
    error: "RangeError: 7 is too much",
    missing: true,
    crash: "WorkerCrashError",
    afterCrash: 36,
    sum: 14,
  },
  module: { primes: [2, 3, 5, 7, 11], error: "RangeError: refused: no" },
  served: {
    primes: [2, 3, 5, 7, 11],
    map: [[2], [2, 3]],
    error: "RangeError: refused: no",
    crash: "WorkerCrashError",
    afterCrash: [2],
  },
};

/** What scripts of fixtures have printed. */
const builds: Record<string, Promise<Outcome>> = {};

type Place = "node" | "bun" | "deno" | "chromium" | "binary";

/** A script of a fixture, and where each folder that it makes is run. */
interface Build {
  readonly fixture: string;
  readonly script: string;
  readonly runs: Readonly<Record<string, readonly Place[]>>;
}

const SERVERS: readonly Place[] = ["node", "bun", "deno"];

const BUILDS: readonly Build[] = [
  { fixture: "esbuild", script: "build", runs: { dist: ["chromium"] } },
  { fixture: "esbuild", script: "build:node", runs: { dist_node: SERVERS } },
  { fixture: "esbuild", script: "build:names", runs: { dist_names: ["node"] } },
  { fixture: "esbuild", script: "build:splitting", runs: { dist_splitting: ["node"] } },
  { fixture: "rollup", script: "build", runs: { dist: ["chromium"], dist_node: SERVERS } },
  { fixture: "webpack", script: "build", runs: { dist: ["chromium"], dist_node: SERVERS } },
  { fixture: "vite", script: "build", runs: { dist: ["chromium"] } },
  { fixture: "bun", script: "build", runs: { dist: ["chromium"] } },
  { fixture: "bun", script: "build:node", runs: { dist_node: ["node"] } },
  { fixture: "bun", script: "build:bun", runs: { dist_bun: ["bun"] } },
  { fixture: "bun", script: "build:binary", runs: { dist_binary: ["binary"] } },
];

// First of all, because what cannot be had is known only by trying.
const denort = await build("deno", "build");
const noDenort = /error sending request for url \(.*denort/.test(denort.stderr)
  ? "deno compile cannot download its denort from here"
  : undefined;

for (const { fixture, script, runs } of BUILDS) {
  test(`${fixture}, ${script}: prints no warning`, async () => {
    const outcome = await build(fixture, script);
    assertEquals(warnings(outcome), []);
    assertEquals(outcome.code, 0, outcome.stderr);
  }, { deadline: 60_000 });

  for (const [folder, places] of Object.entries(runs)) {
    for (const place of places) {
      test(`${fixture}, ${script}: ${folder} runs as ${place}`, async () => {
        await build(fixture, script);
        await run(join(PROJECT, fixture, folder), place);
      }, { deadline: 60_000 });
    }
  }
}

test("Vite's dev server: the page runs, cold and warm", async () => {
  const root = fixtureFolder("vite");
  const told: string[] = [];
  const logger = createLogger("info");
  const tell = (message: string): void => void told.push(message);
  const server = await createServer({
    root,
    configFile: join(root, "vite.config.js"),
    server: { host: "127.0.0.1", port: 0 },
    customLogger: { ...logger, info: tell, warn: tell, warnOnce: tell, error: tell },
  });
  try {
    await server.listen();
    const [url] = server.resolvedUrls!.local;
    for (const _visit of ["cold", "warm"]) {
      const { line, complaints } = await openPage(url!);
      assertEquals(JSON.parse(line), EXPECTED);
      assertEquals(complaints, []);
    }
    // No warning, and no page that had to be loaded again; a slow machine is told what Vite is at.
    assertEquals(told.filter((message) => !/^\[optimizer\] \w+ dependencies/.test(message)), []);
  } finally {
    await server.close();
  }
}, { deadline: 60_000 });

test("deno compile: the binary runs", async () => {
  assertEquals(denort.code, 0, denort.stderr);
  assertEquals(warnings(denort), []);
  await run(join(PROJECT, "deno", "dist"), "binary");
}, { deadline: 60_000, skip: noDenort });

test(
  "esbuild: what --minify --keep-names puts around functions inside of a task is named",
  async () => {
    assertEquals((await build("esbuild", "build:lost_names")).code, 0);
    const folder = moved(join(PROJECT, "esbuild", "dist_lost_names"));
    const { code, stderr } = await sh(runtimeCommand("node", "main_node.js"), folder);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /ReferenceError: \S+ is not defined in the worker: task "describe" must be self-contained/,
    );
  },
  { deadline: 60_000 },
);

/** What `app/csp.js` prints where everything works. */
const ALLOWED = { named: [2, 3, 5], plainInOwn: 1, plain: 1, module: [2, 3, 5] };

/** No text may become a function, and no worker may come from a `blob:` URL. */
const NO_TEXT = /Content Security Policy/;
const NO_BLOB = /blob: URLs.* serve\(/;

/** Policies, and what does not work under them. */
const POLICIES: readonly (Policy & { refused: Record<string, RegExp> })[] = [
  {
    csp: "script-src 'self'",
    onlyPage: false,
    refused: { plainInOwn: NO_TEXT, plain: NO_BLOB, module: NO_BLOB },
  },
  {
    csp: "script-src 'self'",
    onlyPage: true,
    refused: { plain: NO_BLOB, module: NO_BLOB },
  },
  {
    csp: "script-src 'self'; worker-src 'self' blob:",
    onlyPage: false,
    refused: { plainInOwn: NO_TEXT, plain: NO_TEXT },
  },
  {
    csp: "script-src 'self' 'unsafe-eval'; worker-src 'self' blob:",
    onlyPage: false,
    refused: {},
  },
];

for (const { csp, onlyPage, refused } of POLICIES) {
  const where = onlyPage ? "the page alone" : "every file";
  test(`Content-Security-Policy: ${csp} of ${where}: tasks run, or say why not`, async () => {
    assertEquals((await build("esbuild", "build:csp")).code, 0);
    const folder = moved(join(PROJECT, "esbuild", "dist_csp"));
    writeFileSync(join(folder, "index.html"), page("csp.js"));
    const { line } = await openFolder(folder, { csp, onlyPage });
    const printed: Record<string, unknown> = JSON.parse(line);
    const expected: Record<string, unknown> = { ...ALLOWED };
    for (const [task, reason] of Object.entries(refused)) {
      assertMatch(String(printed[task]), reason);
      expected[task] = printed[task];
    }
    assertEquals(printed, expected);
  }, { deadline: 60_000 });
}

// If warnings() saw nothing, the tests above would say nothing.
for (
  const [fixture, line] of Object.entries({
    esbuild: "esbuild wrong.js --bundle --format=esm --outfile=wrong/a.js",
    rollup: "rollup wrong.js --format=es --dir=wrong",
    webpack: "webpack --config=wrong.config.js",
    vite: "vite build --ssr wrong.js --outDir=wrong",
    bun: "bun build wrong.js --target=browser --outdir=wrong",
  })
) {
  test(`${fixture}: its warnings are seen`, async () => {
    const folder = fixtureFolder(fixture);
    writeFileSync(
      join(folder, "wrong.js"),
      'import * as tasks from "./tasks.js";\nconsole.log(tasks.notThere);\n',
    );
    if (fixture === "webpack") {
      appendFileSync(join(folder, "wrong.js"), "export const load = (url) => import(url);\n");
      writeFileSync(
        join(folder, "wrong.config.js"),
        'export default { mode: "production", entry: "./wrong.js" };\n',
      );
    }
    const outcome = await sh(line, folder);
    assert(warnings(outcome).length > 0, outcome.stdout + outcome.stderr);
  }, { deadline: 60_000 });
}

test("the core's bundle has no byte of other machines in it", async () => {
  const { metafile } = await bundle({
    entryPoints: [fileURLToPath(new URL("../../mod.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    metafile: true,
    write: false,
  });
  const inputs = Object.keys(metafile.inputs);
  assert(inputs.some((path) => path.endsWith("src/executor/executor.ts")));
  const remote = inputs.filter((path) => /src\/(remote|transports|cli)\//.test(path));
  assertEquals(remote, []);
});

/** The folder of a fixture: the program, and what differs for this bundler. */
function fixtureFolder(fixture: string): string {
  const folder = join(PROJECT, fixture);
  if (!existsSync(folder)) {
    for (const part of ["app", fixture]) cpSync(join(HERE, part), folder, { recursive: true });
  }
  return folder;
}

/** Runs a script of a fixture, once. */
function build(fixture: string, script: string): Promise<Outcome> {
  const folder = fixtureFolder(fixture);
  const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return builds[`${fixture} ${script}`] ??= sh(scripts[script], folder);
}

/** A copy of a bundle, where nothing else is. */
function moved(folder: string): string {
  const target = join(ELSEWHERE, folder.slice(PROJECT.length).replaceAll("/", "_"));
  if (!existsSync(target)) cpSync(folder, target, { recursive: true });
  return target;
}

async function run(bundle: string, place: Place): Promise<void> {
  const folder = moved(bundle);
  if (place === "chromium") {
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".js")) continue;
      const text = readFileSync(join(folder, file), "utf8");
      assertEquals(/(?:from|import|require)\s*\(?\s*["'`]node:\w+/.exec(text)?.[0], undefined);
    }
    // Vite has made one.
    if (!existsSync(join(folder, "index.html"))) {
      copyFileSync(join(HERE, "app", "index.html"), join(folder, "index.html"));
    }
    const { line, complaints } = await openFolder(folder);
    assertEquals(JSON.parse(line), EXPECTED);
    assertEquals(complaints, []);
    return;
  }
  const main = existsSync(join(folder, "main_node.js")) ? "main_node.js" : "main.js";
  const command = place === "binary" ? "./app" : runtimeCommand(place, main);
  const { stdout, stderr } = await sh(command, folder);
  assertEquals(stderr, "");
  const plain = main === "main.js" ? EXPECTED.plain : { ...EXPECTED.plain, builtin: "b" };
  assertEquals(JSON.parse(stdout), { ...EXPECTED, plain }); // one line, or it is no JSON
}

function page(main: string): string {
  return readFileSync(join(HERE, "app", "index.html"), "utf8").replace("main.js", main);
}
