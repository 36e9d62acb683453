/**
 * Checks the rooms of `src/`: which may import which, who may know a runtime, how files are called.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** For each room those it may import. Everything points towards `futures`. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  futures: [],
  wire: ["futures"],
  worker: ["futures", "wire"],
  runtime: ["futures", "wire", "worker"],
  backend: ["futures"],
  engine: ["futures", "wire", "backend"],
  executor: ["futures", "wire", "worker", "backend", "engine", "runtime"],
  pool: ["futures", "wire", "executor"],
  remote: ["futures", "wire", "backend", "executor", "runtime"],
  transports: ["remote"],
  observe: ["futures", "backend", "executor", "runtime", "worker"],
  cli: ["futures", "executor", "remote", "transports"],
};

/** The port: the only file of `runtime/` that `engine/` may know, and only its types. */
const PORT = "src/runtime/runtime.ts";

/** Tells which runtime this is: only executors ask. */
const DETECT = "src/runtime/detect.ts";

/** The port of engines: the only file that a transport may know. */
const TRANSPORT = "src/remote/transport.ts";

/** Files outside of `src/runtime/` that know where they run: the worker's program, and what looks behind fakes. */
const KNOWS_RUNTIME = new Set([
  "src/futures/clock.ts",
  "src/worker/memory.ts",
  "src/worker/listen.ts",
  "src/worker/load_module.ts",
  "src/worker/runtime_errors.ts",
  "src/worker/thread_place.ts",
  "src/worker/current_task.ts",
  "src/worker/worker_place.ts",
]);

const RUNTIME_NAMES = /\b(?:Deno|Bun)\.|\bprocess\b|\bself\b|\bnew Worker\b/;
/** Where test runners put fakes: the library uses `clock`, and the worker's program what was there before any task. */
const BARE_TIMERS =
  /(?<![\w#]|(?<!globalThis)\.)(?:setTimeout|clearTimeout|setInterval|clearInterval|setImmediate|queueMicrotask)\s*\(|\bperformance\.now\(|\bDate\.now\(|\bnew Date\(\)/;
const TAKES_TIMERS = "src/futures/clock.ts";
const BANNED_NAMES = /(?:^|\/)(?:index|utils|helpers|common)\.ts$/;
const MAX_LINES = 350;
/** Beyond this no reason is good enough, but that the text is generated. */
const MOST_LINES = 450;

/** What is wrong with the files below `root`. */
export function checkStructure(root: string): string[] {
  const problems: string[] = [];
  const files = ["mod.ts", ...listFiles(root, "src")];
  const imports = new Map<string, string[]>();
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    const found = importsOf(text);
    imports.set(
      file,
      found.filter(({ from }) => from.startsWith(".")).map(({ from }) =>
        join(dirname(file), from).replaceAll("\\", "/")
      ),
    );
    for (const { from, typeOnly } of found) problems.push(...checkImport(file, from, typeOnly));
    problems.push(...checkText(file, text));
  }
  problems.push(...findCycles(imports));
  return problems;
}

function checkImport(file: string, from: string, typeOnly: boolean): string[] {
  if (!from.startsWith(".")) {
    // Each transport knows its engine's client, an optional peer; the command line what all runtimes have.
    const allowed = file.startsWith("src/transports/") ||
      (file.startsWith("src/cli/") && from.startsWith("node:")) ||
      (file.startsWith("src/observe/") && from === "@opentelemetry/api");
    return allowed ? [] : [`${file}: imports "${from}"; the library has no dependency`];
  }
  const target = join(dirname(file), from).replaceAll("\\", "/");
  const room = roomOf(file);
  const other = roomOf(target);
  if (other === undefined) return [`${file}: imports ${target}, which is in no room of src/`];
  if (room === other) return [];
  if (target === DETECT && room !== "executor") {
    return [`${file}: imports detect.ts; only executors detect the runtime`];
  }
  if (room === undefined) return []; // mod.ts lists all rooms
  if (room === "transports" && target !== TRANSPORT) {
    return [`${file}: imports ${target}; transports know ${TRANSPORT} alone`];
  }
  if (target === PORT && typeOnly && (room === "engine" || room === "backend")) return [];
  if (MAY_IMPORT[room]?.includes(other)) return [];
  return [`${file}: ${room} must not import ${other} (${target})`];
}

function checkText(file: string, text: string): string[] {
  const problems: string[] = [];
  if (BANNED_NAMES.test(file)) problems.push(`${file}: say in the name what it holds`);
  if (/^export \*/m.test(withoutComments(text))) problems.push(`${file}: export names, not *`);
  const lines = text.split("\n").length;
  if (lines > MAX_LINES && !headComment(text).includes("Length:")) {
    problems.push(`${file}: ${lines} lines; make another room, or say why in a "// Length:" line`);
  }
  if (lines > MOST_LINES && !isGenerated(file)) {
    problems.push(`${file}: ${lines} lines; make another room`);
  }
  const engine = file.startsWith("src/transports/"); // its client runs on timers as they are
  if (file !== TAKES_TIMERS && !engine && !isGenerated(file)) {
    const match = BARE_TIMERS.exec(withoutCommentsAndStrings(text));
    if (match) problems.push(`${file}: calls "${match[0]}"; use clock of ${TAKES_TIMERS}`);
  }
  const program = file.startsWith("src/cli/"); // it runs where there is a command line
  if (
    !file.startsWith("src/runtime/") && !program && !KNOWS_RUNTIME.has(file) && !isGenerated(file)
  ) {
    const match = RUNTIME_NAMES.exec(withoutCommentsAndStrings(text));
    if (match) problems.push(`${file}: knows a runtime ("${match[0]}"); that is for src/runtime/`);
  }
  return problems;
}

function findCycles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const problems: string[] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      problems.push(`import cycle: ${[...path.slice(at), file].join(" -> ")}`);
      return;
    }
    if (finished.has(file)) return;
    path.push(file);
    for (const target of imports.get(file) ?? []) visit(target);
    path.pop();
    finished.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return problems;
}

interface Import {
  from: string;
  typeOnly: boolean;
}

/** Every import, re-export, bare import and `import("…")` with a fixed text, types included. */
function importsOf(text: string): Import[] {
  const code = withoutComments(text); // their examples import too
  const named = code.matchAll(/^(?:import|export)(\s+type)?\b[^;"']*?\bfrom\s*["']([^"']+)["']/gm);
  const bare = code.matchAll(/^import\s*["']([^"']+)["']/gm);
  const dynamic = code.matchAll(/\bimport\(\s*["']([^"']+)["']/g);
  return [
    ...[...named].map(([, type, from]) => ({ from: from!, typeOnly: type !== undefined })),
    ...[...bare, ...dynamic].map(([, from]) => ({ from: from!, typeOnly: false })),
  ];
}

/** The first that matches at a place wins, so that a "//" in a text does not begin a comment. */
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/;
const STRING = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/;
const TEMPLATE = /`(?:\\.|[^`\\])*`/;
const PATTERN = /(?<=[=(,:!&|?[{;]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\//;
const TOKEN = new RegExp(
  [COMMENT, STRING, TEMPLATE, PATTERN].map(({ source }) => `(${source})`).join("|"),
  "g",
);

function withoutComments(text: string): string {
  return text.replace(TOKEN, (token, comment?: string) => comment === undefined ? token : "");
}

/** What is left is code: of a template the `${…}` in it. */
function withoutCommentsAndStrings(text: string): string {
  return text.replace(TOKEN, (token, _comment, _string, template?: string) => {
    if (template === undefined) return " ";
    return (token.match(/\$\{[^}]*\}/g) ?? []).map(withoutCommentsAndStrings).join(" ");
  });
}

/** The comments that a file begins with. */
function headComment(text: string): string {
  return /^(?:\s|\/\*[\s\S]*?\*\/|\/\/.*)*/.exec(text)![0];
}

function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1];
}

function isGenerated(file: string): boolean {
  return file.endsWith("_source.ts") && !file.endsWith("/future_source.ts");
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

if (import.meta.main) {
  const problems = checkStructure(fileURLToPath(new URL("../", import.meta.url)));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
