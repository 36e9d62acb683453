import { assert, assertEquals, assertMatch } from "@std/assert";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { test } from "../harness.ts";
import { findNode, NODE_VERSIONS } from "./node_versions.ts";
import { installTarball, packLibrary, runConsumer } from "./tarball.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");

const folder = mkdtempSync(join(tmpdir(), "npm-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const { tarball, files } = packLibrary(folder);
const user = join(folder, "user");
installTarball(user, tarball);
const installed = join(user, "node_modules", "@concurrent", "futures");

const read = (path: string): string => readFileSync(join(installed, path), "utf8");
const manifest = JSON.parse(read("package.json")) as {
  exports: Record<string, string | { types: string; module: string; default: string }>;
};

test("the tarball holds what runs, its declarations and maps, and the papers", () => {
  const others = files.filter((path) => !path.startsWith("dist/")).sort();
  assertEquals(others, ["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "package.json"]);
  for (const path of files.filter((path) => path.startsWith("dist/"))) {
    assertMatch(path, /\.(js|js\.map|d\.ts)$/);
  }
});

test("every export leads to a file", () => {
  const targets = Object.values(manifest.exports).flatMap((target) =>
    typeof target === "string" ? [target] : [target.types, target.module, target.default]
  );
  const { exports: entries } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as {
    exports: Record<string, string>;
  };
  assertEquals(targets.length, 3 * Object.keys(entries).length + 1); // and package.json
  for (const target of targets) assert(files.includes(target.slice(2)), target);
});

test("declarations and modules import only what is in the tarball", () => {
  let count = 0;
  for (const path of files.filter((path) => /\.(js|d\.ts)$/.test(path))) {
    const declares = path.endsWith(".d.ts");
    const text = read(path).replace(/\/\*[^]*?\*\//g, ""); // not the examples
    const found = declares
      ? text.matchAll(/\b(?:from |import\()"([^"]+)"/g)
      : text.matchAll(/(?:^|[;\n])(?:import|export)\s*(?:\{[^{}"]*\}\s*from\s*)?"([^"]+)"/g);
    for (const [, specifier] of found) {
      count++;
      // Its own entries alone know an engine's clients, and what all runtimes have.
      if (/^(dist\/(modules\/)?src\/(cli|transports|observe)\/|dist\/chunks\/)/.test(path)) {
        if (/^(node:\w+|bullmq|ioredis|@opentelemetry\/api)$/.test(specifier!)) continue;
      }
      if (/^dist\/(modules\/)?src\/observe\//.test(path) && specifier === "@opentelemetry/api") {
        continue;
      }
      assertMatch(specifier!, /^\.\.?\/.*\.js$/, `${path} imports ${specifier}`);
      const target = join(dirname(path), specifier!).replaceAll("\\", "/");
      const wanted = declares ? target.replace(/js$/, "d.ts") : target;
      assert(files.includes(wanted), `${path} imports ${specifier}`);
    }
  }
  assert(count > 50, `${count} imports`);
});

test("a runtime loads the library from three files, and what task modules import from one", () => {
  const filesOf = (entry: string, found = new Set<string>()): Set<string> => {
    found.add(entry);
    for (
      const [, path] of read(entry).matchAll(/(?:^|[;\n}])(?:import|export)[^"'();]*"(\.[^"]+)"/g)
    ) {
      const file = join(dirname(entry), path!).replaceAll("\\", "/");
      if (!found.has(file)) filesOf(file, found);
    }
    return found;
  };
  assertEquals([...filesOf("dist/mod.js")].sort(), [
    "dist/chunks/core.js",
    "dist/chunks/futures.js",
    "dist/mod.js",
  ]);
  assertEquals([...filesOf("dist/src/worker/mod.js")], ["dist/src/worker/mod.js"]);
});

test("every module has a map, and every map the text of its sources", () => {
  for (const path of files.filter((path) => path.endsWith(".js"))) {
    const [, map] = /\n\/\/# sourceMappingURL=(.+)\n*$/.exec(read(path)) ?? [];
    assert(map !== undefined, `${path} has no map`);
    const { sources, sourcesContent } = JSON.parse(read(join(dirname(path), map))) as {
      sources: string[];
      sourcesContent: string[];
    };
    for (const [i, source] of sources.entries()) {
      const [, name] = /((?:src\/.*|mod)\.ts)$/.exec(source) ?? [];
      assert(name !== undefined, `${path}: ${source}`);
      assertEquals(sourcesContent[i], readFileSync(join(ROOT, name), "utf8"), name);
    }
  }
});

test("a stack leads through the maps to the line in src/", () => {
  const program = `
    import { ThreadPoolExecutor } from "@concurrent/futures";
    new ThreadPoolExecutor({ maxWorkers: -1 });
  `;
  const { stderr } = spawnSync(
    process.execPath,
    ["--enable-source-maps", "--input-type=module", "-e", program],
    { cwd: user, encoding: "utf8" },
  );
  const [, path, line] = /at checkCount \(.*?(src\/executor\/[a-z_]+\.ts):(\d+)/.exec(stderr) ?? [];
  assert(path !== undefined, stderr);
  const text = readFileSync(join(ROOT, path), "utf8").split("\n")[Number(line) - 1];
  assertMatch(text!, /throw new/, stderr);
});

test("classes and functions are called by their own names", async () => {
  const library = await import(join(installed, "dist", "mod.js")) as Record<string, unknown>;
  const named = Object.entries(library).filter(([name, value]) =>
    typeof value === "function" && name !== "as_completed"
  );
  assert(named.length > 20);
  for (const [name, value] of named) assertEquals((value as { name: string }).name, name);
});

test("publint finds nothing", async () => {
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
  assertEquals(messages, []);
}, { deadline: 30_000 });

test("arethetypeswrong finds nothing for those who import modules", () => {
  const attw = join(BIN, "attw");
  const output = execFileSync(attw, [tarball, "--profile", "esm-only", "--format", "json"], {
    encoding: "utf8",
  });
  const { analysis } = JSON.parse(output) as {
    analysis: { entrypoints: Record<string, unknown>; problems: { resolutionKind?: string }[] };
  };
  assertEquals(Object.keys(analysis.entrypoints).length, Object.keys(manifest.exports).length);
  const problems = analysis.problems.filter(({ resolutionKind }) =>
    // Those who ask for CommonJS get a module: Node 22 loads it, and the others say so.
    resolutionKind !== "node10" && resolutionKind !== "node16-cjs"
  );
  assertEquals(problems, []);
}, { deadline: 60_000 });

const PERMISSIONS = `
import { ProcessPoolExecutor } from "@concurrent/futures";
const executor = new ProcessPoolExecutor({ maxWorkers: 1, permissions: { read: ["."] } });
const list = (path) => import("node:fs").then(({ readdirSync }) => readdirSync(path).length > 0);
console.log(await executor.submit(list, "."), (await executor.submit(list, "..").exception()).code);
await executor.shutdown();
`;

for (const { version, ...found } of NODE_VERSIONS.map(findNode)) {
  const skip = "missing" in found && found.missing;
  test(`permissions of processes hold on Node ${version}`, () => {
    // Node 20 prints a warning: there they are experimental, and asked for by another flag.
    const { stdout } = spawnSync(
      (found as { path: string }).path,
      ["--input-type=module", "-e", PERMISSIONS],
      { cwd: user, encoding: "utf8", timeout: 30_000 },
    );
    assertEquals(stdout, "true ERR_ACCESS_DENIED\n");
  }, { skip, deadline: 40_000 });
  test(`the installed package works on Node ${version}`, async () => {
    await runConsumer("node", (found as { path: string }).path, user);
  }, { skip, deadline: 60_000 });
}

for (const runtime of ["bun", "deno"] as const) {
  test(`the installed package works on ${runtime}`, async () => {
    const path = join(BIN, runtime);
    assert(existsSync(path));
    await runConsumer(runtime, path, user);
  }, { deadline: 60_000 });
}

test("CommonJS gets the package by require(), from Node 22 on", () => {
  const program = 'console.log(typeof require("@concurrent/futures").Future)';
  const output = execFileSync(process.execPath, ["--input-type=commonjs", "-e", program], {
    cwd: user,
    encoding: "utf8",
  });
  assertEquals(output, "function\n");
});

const OTHER_MACHINES = `
import { DistributedExecutor, memoryTransport, remoteTasks, RemoteWorker } from "@concurrent/futures/remote";
const url = "data:text/javascript,export function double(x) { return 2 * x }";
const { double } = remoteTasks("numbers");
const { engine } = memoryTransport();
const stop = new AbortController();
const worker = new RemoteWorker(memoryTransport(engine), { modules: { numbers: url }, concurrency: 1 });
const ended = worker.run({ signal: stop.signal });
const executor = new DistributedExecutor(memoryTransport(engine));
console.log(await executor.map(double, [1, 2, 3], { chunkSize: 2 }).toArray());
await executor.shutdown();
stop.abort();
await ended;
`;

test(
  "other machines: the installed package runs tasks of a queue in memory, without its peers",
  () => {
    assert(!existsSync(join(user, "node_modules", "bullmq")));
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ["--input-type=module", "-e", OTHER_MACHINES],
      { cwd: user, encoding: "utf8", timeout: 30_000 },
    );
    assertEquals({ stdout, stderr, status }, { stdout: "[ 2, 4, 6 ]\n", stderr: "", status: 0 });
  },
  { deadline: 40_000 },
);

test("other machines: the program tells how it is used, and which peers are not there", () => {
  const program = join(installed, "dist", "src", "cli", "cli.js");
  const run = (...args: string[]): ReturnType<typeof spawnSync> => {
    return spawnSync(process.execPath, [program, ...args], {
      cwd: user,
      encoding: "utf8",
      timeout: 30_000,
    });
  };
  const help = run("--help");
  assertEquals(help.status, 0);
  assertMatch(String(help.stdout), /takes tasks from a queue/);
  const worker = run(...["worker", "--url", "redis://127.0.0.1:1", "--queue", "q"], ...[
    "--module",
    `numbers=${join(user, "package.json")}`,
  ]);
  assertEquals(worker.status, 1);
  assertMatch(String(worker.stderr), /^concurrent-futures: [^\n]*npm install bullmq ioredis/m);
}, { deadline: 60_000 });
