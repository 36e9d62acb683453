import { assert, assertEquals } from "@std/assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkDocs } from "../../tools/check_docs.ts";
import { checkManifests, checkVersions } from "../../tools/check_manifests.ts";
import { checkStructure } from "../../tools/check_structure.ts";
import { generate, TARGETS } from "../../tools/generate_program.ts";
import { test } from "../harness.ts";

/** A folder with these files, for as long as `use` runs. */
function withFiles(files: Record<string, string>, use: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), "checks-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function problems(files: Record<string, string>): string {
  let found: string[] = [];
  withFiles({ "mod.ts": "", ...files }, (root) => found = checkStructure(root));
  return found.join("\n");
}

test("checkStructure() accepts an arrow that points the right way", () => {
  assertEquals(
    problems({
      "src/futures/a.ts": "export const a = 1;",
      "src/wire/b.ts": 'import { a } from "../futures/a.ts";\nexport const b = a;',
    }),
    "",
  );
});

test("checkStructure() finds an arrow that points the wrong way", () => {
  assert(
    problems({
      "src/wire/b.ts": "export const b = 1;",
      "src/futures/a.ts": 'import { b } from "../wire/b.ts";\nexport const a = b;',
    }).includes("futures must not import wire"),
  );
});

test("checkStructure() finds timers and clocks that a test runner may have replaced", () => {
  for (
    const call of [
      "setTimeout(f, 1)",
      "globalThis.setTimeout(f, 1)",
      "queueMicrotask(f)",
      "clearTimeout(t)",
      "performance.now()",
      "Date.now()",
      "new Date()",
    ]
  ) {
    const found = problems({ "src/engine/a.ts": `export const a = () => ${call};` });
    assert(found.includes("use clock of src/futures/clock.ts"), call);
  }
  for (const call of ["clock.setTimeout(f, 1)", "new Date(1)", "this.setTimeout(f)"]) {
    assertEquals(problems({ "src/engine/a.ts": `export const a = () => ${call};` }), "");
  }
});

test("checkStructure() lets the engine have the port's types, and nothing else of a runtime", () => {
  const port = { "src/runtime/runtime.ts": "export interface Runtime {}" };
  const typeImport =
    'import type { Runtime } from "../runtime/runtime.ts";\nexport type R = Runtime;';
  assertEquals(problems({ ...port, "src/engine/a.ts": typeImport }), "");
  assert(
    problems({ ...port, "src/engine/a.ts": typeImport.replace("import type", "import") })
      .includes("engine must not import runtime"),
  );
});

test("checkStructure() finds cycles, dependencies, stars, runtimes, bad names and long files", () => {
  const found = problems({
    "src/futures/a.ts": 'import { b } from "./b.ts";\nexport const a = b;',
    "src/futures/b.ts": 'import { a } from "./a.ts";\nexport const b = a;',
    "src/futures/c.ts": 'import fs from "node:fs";\nexport default fs;',
    "src/futures/d.ts": 'export * from "./a.ts";',
    "src/futures/e.ts": "export const e = Deno.args;",
    "src/futures/utils.ts": "",
    "src/futures/long.ts": "\n".repeat(400),
  });
  for (
    const text of [
      "import cycle: src/futures/a.ts -> src/futures/b.ts -> src/futures/a.ts",
      'c.ts: imports "node:fs"',
      "d.ts: export names, not *",
      'e.ts: knows a runtime ("Deno.")',
      "utils.ts: say in the name",
      "long.ts: 401 lines",
    ]
  ) assert(found.includes(text), `${text} is not in:\n${found}`);
});

test("checkStructure() does not take comments and texts for code", () => {
  const text = '// Deno.args\n/** process */\nexport const text = "self";\n';
  assertEquals(problems({ "src/futures/a.ts": text }), "");
});

test("checkStructure() finds a name of a runtime between texts, comments and patterns", () => {
  const hidden = (code: string): string => problems({ "src/futures/a.ts": code });
  assertEquals(hidden('export const a = ["//", "/*", /["`]/, "*/"];'), "");
  assertEquals(hidden("export const a = `process ${1} self`;"), "");
  for (
    const code of [
      'export const a = ["//", process];',
      'export const a = ["/*", self, "*/"];',
      'export const a = [/"/, process.argv, /"/];',
      "export const a = `${process.argv}`;",
      "export const a = () => new Worker(b);",
    ]
  ) assert(hidden(code).includes("knows a runtime"), code);
});

test("checkStructure() finds imports of every kind", () => {
  for (
    const code of [
      'import "node:fs";',
      "import * as fs from 'node:fs';",
      'export { readFileSync } from "node:fs";',
      'export const fs = () => import("node:fs");',
      'import {\n  a,\n  b,\n} from "node:fs";\nexport { a, b };',
    ]
  ) assert(problems({ "src/futures/a.ts": code }).includes('imports "node:fs"'), code);
  assertEquals(problems({ "src/futures/a.ts": '/**\n * import "node:fs";\n */' }), "");
  assert(
    problems({ "src/futures/a.ts": 'import "../../tools/a.ts";' }).includes("in no room of src/"),
  );
});

test("checkStructure() lets only executors detect the runtime", () => {
  const files = { "src/runtime/detect.ts": "export const detect = 1;" };
  const code = 'import { detect } from "../runtime/detect.ts";\nexport const a = detect;';
  assertEquals(problems({ ...files, "src/executor/a.ts": code }), "");
  assert(problems({ ...files, "src/engine/a.ts": code }).includes("only executors detect"));
  assert(
    problems({ ...files, "mod.ts": code.replace("../", "./src/") }).includes("only executors"),
  );
});

test("checkStructure() accepts a long file that says why, at its head only", () => {
  const long = "\n".repeat(400);
  assertEquals(problems({ "src/futures/a.ts": `/** A. */\n// Length: one table.${long}` }), "");
  assert(problems({ "src/futures/a.ts": `export const a = 1; // Length: no${long}` }) !== "");
});

test("checkManifests() finds a version, exports and dependencies that differ", () => {
  const exports = { ".": "./mod.ts" };
  const deno = { name: "@a/b", version: "1.0.0", exports };
  const npm = {
    name: "@a/b",
    version: "1.0.0",
    exports: {
      ".": {
        types: "./dist/mod.d.ts",
        module: "./dist/modules/mod.js",
        default: "./dist/mod.js",
      },
      "./package.json": "./package.json",
    },
  };
  const check = (changed: Record<string, unknown>, log = "## 1.0.0", jsr = {}): string[] => {
    let found: string[] = [];
    withFiles({
      "deno.json": JSON.stringify(deno),
      "jsr.json": JSON.stringify({ ...deno, ...jsr }),
      "package.json": JSON.stringify({ ...npm, ...changed }),
      "CHANGELOG.md": log,
    }, (root) => found = checkManifests(new URL(`${pathToFileURL(root)}/`)));
    return found;
  };
  assertEquals(check({}), []);
  assertEquals(check({ version: "1.0.1" }).length, 1);
  assertEquals(check({ exports: {} }).length, 1);
  assertEquals(check({ dependencies: { a: "1" } }).length, 1);
  assertEquals(check({}, "").length, 1);
  assertEquals(check({}, "## 1.0.0", { publish: { include: ["src"] } }).length, 1);
});

test("checkDocs() finds symbols without doc, values without example, and members without doc", () => {
  const example = { kind: "example", doc: "Usage\n```ts\nassert(true);\n```\n" };
  const ignored = { kind: "example", doc: "Usage\n```ts ignore\nassert(true);\n```\n" };
  const full = { doc: "A sentence.", tags: [example] };
  const check = (name: string, ...declarations: { kind: string; [key: string]: unknown }[]) =>
    checkDocs({ nodes: { "mod.ts": { module_doc: full, symbols: [{ name, declarations }] } } });

  assertEquals(check("good", { kind: "function", jsDoc: full }, { kind: "function" }), []);
  assertEquals(check("Type", { kind: "interface", jsDoc: { doc: "A sentence." } }), []);
  assertEquals(check("alias", { kind: "reference" }), []);
  assertEquals(check("bare", { kind: "typeAlias" }), ["bare has no doc"]);
  assertEquals(check("told", { kind: "class", jsDoc: { doc: "A sentence.", tags: [ignored] } }), [
    "told has no example that runs",
  ]);
  const members = [{ name: "a", jsDoc: full }, { name: "b", jsDoc: { doc: "One. @default {1}" } }];
  assertEquals(check("Options", { kind: "interface", jsDoc: full, def: { properties: members } }), [
    "Options.b has no doc",
  ]);
  assertEquals(checkDocs({ nodes: { "mod.ts": { symbols: [] } } }).length, 2);
});

for (const target of TARGETS) {
  test(`${target.file} is what ${target.entry} makes`, () => {
    const file = new URL(`../../${target.file}`, import.meta.url);
    assertEquals(readFileSync(file, "utf8"), generate(target));
  });
}

test("checkVersions() finds every version that is not exact", () => {
  const files = {
    "package.json": '{ "devDependencies": { "a": "1.2.3", "b": "^1.2.3", "c": "npm:d@1.0.0" } }',
    "bench/package.json": '{ "dependencies": { "e": "latest", "f": "*" } }',
    "node_modules/g/package.json": '{ "dependencies": { "h": "^1.0.0" } }',
    ".github/workflows/ci.yml": [
      "runs-on: ubuntu-latest",
      "- uses: actions/checkout@v5",
      "- uses: actions/cache@v4.2.4 # for what",
      "  node-version: 24",
      "  bun-version: ${{ matrix.bun }}",
      "  deno: 2.9.5",
    ].join("\n"),
  };
  withFiles(files, (root) => {
    const found = checkVersions(pathToFileURL(`${root}/`)).sort();
    assertEquals(found, [
      '.github/workflows/ci.yml: "- uses: actions/checkout@v5" is not exact',
      '.github/workflows/ci.yml: "node-version: 24" is not exact',
      '.github/workflows/ci.yml: "runs-on: ubuntu-latest" is not exact',
      'bench/package.json: e "latest" is not exact',
      'bench/package.json: f "*" is not exact',
      'package.json: b "^1.2.3" is not exact',
    ]);
  });
});
