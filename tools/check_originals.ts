/**
 * Checks that the worker's program uses no built-in after its start but by `src/wire/originals.ts`: tasks
 * share its world, and replace what they like. Looked at is what functions do, in what the bundler leaves
 * of each module; what a module does when it is loaded comes before every task.
 *
 * What it cannot see is whose method is called by a name that is nobody's built-in, or whether `get` is
 * that of a `SafeMap`.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { parseAst } from "rollup/parseAst";
import { TARGETS } from "./generate_program.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Globals that a task may replace. */
const GLOBALS = new Set(
  ("Array ArrayBuffer Atomics BigInt Boolean DataView Date Error AggregateError DOMException Function " +
    "JSON Map Math Number Object Promise Proxy RangeError Reflect RegExp Set String Symbol TypeError " +
    "Uint8Array Float64Array Int32Array WeakMap WeakSet WeakRef structuredClone queueMicrotask " +
    "setTimeout clearTimeout setImmediate performance AbortController MessageEvent Event globalThis self process")
    .split(
      " ",
    ),
);

/** Methods of built-ins that no class of the program has. */
const METHODS = new Set(
  ("push pop shift unshift splice slice concat map filter findIndex some every reduce join " +
    "includes indexOf fill flat flatMap sort reverse subarray startsWith endsWith replace replaceAll " +
    "split trim charCodeAt codePointAt then catch finally apply bind exec test search toLowerCase " +
    "toUpperCase padStart").split(" "),
);

/** Functions that run before the first task does; those inside of them may run later. */
const AT_START: Readonly<Record<string, readonly string[]>> = {
  "src/futures/clock.ts": ["makeClock", "realOnes"],
  "src/worker/current_task.ts": ["taskScope", "asyncLocalStorage"],
  "src/worker/listen.ts": ["listen", "setTraps"],
  "src/worker/process_place.ts": ["processPlace"],
  "src/worker/runtime_errors.ts": ["useRuntimeErrors"],
  "src/worker/thread_place.ts": ["threadPlace", "waitTools"],
  "src/worker/web_place.ts": ["webPlace"],
};

/** What is left, of each how many uses, and why they may stay. */
const ARGUED: Readonly<Record<string, readonly [uses: number, why: string]>> = {
  "src/futures/known_options.ts": [
    15,
    "says which name a task misspelt, in an error that only it gets",
  ],
  "src/wire/byte_writer.ts": [
    1,
    "only after it was seen that it is the original, which is fast so",
  ],
  "src/worker/context.ts": [1, "reads what a task hands over, which says itself how it is read"],
};

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [part: string]: unknown;
}

/** One use of what a task may have replaced. */
export interface BareUse {
  readonly line: number;
  readonly what: string;
}

/** The bare uses of one module's code, in the order in which they stand. */
export function bareUses(code: string, atStart: readonly string[] = []): BareUse[] {
  const found: BareUse[] = [];
  const own = new Set<string>();
  walk(parseAst(code) as unknown as Node, (node) => {
    if (node.type === "VariableDeclarator") addNames(node.id as Node, own);
    return true;
  });
  const report = (node: Node, what: string): void => {
    found.push({ line: code.slice(0, node.start).split("\n").length, what });
  };
  const look = (node: Node): boolean => {
    switch (node.type) {
      case "Identifier":
        if (GLOBALS.has(node.name as string) && !own.has(node.name as string)) {
          report(node, node.name as string);
        }
        break;
      case "MemberExpression": {
        const { object, property, computed } = node as unknown as {
          object: Node;
          property: Node;
          computed: boolean;
        };
        walk(object, look);
        if (computed) walk(property, look);
        return false;
      }
      case "CallExpression": {
        const callee = node.callee as Node;
        const { type, name } = (callee.property ?? {}) as { type?: string; name?: string };
        // A private one is of the program's own.
        if (type === "Identifier" && !callee.computed && METHODS.has(name!)) {
          report(callee, `.${name}()`);
        }
        break;
      }
      case "Property": {
        if (node.computed) walk(node.key as Node, look);
        walk(node.value as Node, look);
        return false;
      }
      case "ObjectExpression":
        // `...` in it copies properties, and asks for no iterator.
        for (const part of node.properties as Node[]) {
          walk(part.type === "SpreadElement" ? part.argument as Node : part, look);
        }
        return false;
      case "ForOfStatement":
        report(node, "for … of");
        break;
      case "SpreadElement":
        report(node, "...");
        break;
      case "ArrayPattern":
        report(node, "destructuring of an array");
        break;
      case "AwaitExpression":
        report(node, "await");
        break;
    }
    return true;
  };
  // Only what functions do: walk down to them.
  walk(parseAst(code) as unknown as Node, (node) => {
    if (!/Function/.test(node.type)) return true;
    if (atStart.includes((node.id as { name?: string } | null)?.name ?? "")) return true;
    for (const part of [...(node.params as Node[]), node.body as Node]) walk(part, look);
    return false;
  });
  return found;
}

function walk(node: Node, visit: (node: Node) => boolean): void {
  if (!visit(node)) return;
  for (const part of Object.values(node)) {
    for (const child of Array.isArray(part) ? part : [part]) {
      if (typeof (child as Node | null)?.type === "string") walk(child as Node, visit);
    }
  }
}

/** The names that a pattern declares. */
function addNames(pattern: Node, names: Set<string>): void {
  if (pattern.type === "Identifier") names.add(pattern.name as string);
  for (const property of (pattern.properties ?? []) as Node[]) {
    addNames((property.value ?? property.argument) as Node, names);
  }
}

/** What the bundler leaves of each module that texts of the program are made of. */
function modules(): { name: string; code: string }[] {
  const found: { name: string; code: string }[] = [];
  for (const { entry } of TARGETS) {
    const { outputFiles } = buildSync({
      absWorkingDir: ROOT,
      entryPoints: [entry],
      bundle: true,
      format: "esm",
      platform: "neutral",
      target: "es2022",
      write: false,
    });
    // Before each module stands its path.
    const parts = outputFiles[0]!.text.split(/^\/\/ (src\/.*)$/m);
    for (let i = 1; i < parts.length; i += 2) {
      found.push({ name: parts[i]!, code: parts[i + 1]! });
    }
  }
  return found;
}

if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  // Two texts may have different parts of one module.
  const most = new Map<string, BareUse[]>();
  for (const { name, code } of modules()) {
    const uses = bareUses(code, AT_START[name]);
    if (uses.length >= (most.get(name)?.length ?? 0)) most.set(name, uses);
  }
  for (const [name, uses] of most) {
    const [argued] = ARGUED[name] ?? [0];
    if (uses.length === argued) continue;
    process.exitCode = 1;
    console.log(`${name}: ${uses.length} bare uses of built-ins, where ${argued} are argued for`);
    for (const { line, what } of uses) console.log(`  line ${line} of its JavaScript: ${what}`);
  }
}
