/**
 * Checks that the worker's program uses no built-in after its start but by `src/wire/originals.ts`: tasks
 * share its world, and replace what they like. Looked at is what functions do; what a module does when it
 * is loaded comes before every task.
 *
 * What it cannot see is whose method is called by a name that is nobody's built-in, or whether `get` is
 * that of a `SafeMap`.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { parseAst } from "rollup/parseAst";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Where the program's text begins. */
const ENTRIES = ["src/worker/program_entry.ts", "src/runtime/process/main.ts"];

/** Globals that a task may replace. */
const GLOBALS = new Set(
  ("Array ArrayBuffer Atomics BigInt Boolean DataView Date Error AggregateError DOMException Function " +
    "JSON Map Math Number Object Promise Proxy RangeError Reflect RegExp Set String Symbol TypeError " +
    "Uint8Array Float64Array Int32Array WeakMap WeakSet WeakRef structuredClone queueMicrotask " +
    "setTimeout clearTimeout setImmediate performance AbortController MessageEvent Event").split(
      " ",
    ),
);

/** Methods of built-ins that no class of the program has. */
const METHODS = new Set(
  ("push pop shift unshift splice slice concat map filter findIndex some every reduce join " +
    "includes indexOf fill flat flatMap sort reverse subarray startsWith endsWith replace replaceAll " +
    "split trim charCodeAt codePointAt then catch finally apply bind").split(" "),
);

/** Modules whose functions run before the first task does. */
const AT_START: ReadonlySet<string> = new Set([
  "src/futures/clock.ts",
  "src/wire/originals.ts",
  "src/worker/listen.ts",
  "src/worker/process_place.ts",
  "src/worker/runtime_errors.ts",
  "src/worker/sent_count.ts",
  "src/worker/thread_place.ts",
  "src/worker/web_place.ts",
]);

/**
 * How many are left where the failure is that of one value alone, or of what the task itself calls: of
 * errors, `transfer()`, kinds of rare values; and in the start of a process. Never more; whoever mends
 * some lowers the number.
 */
const KNOWN: Readonly<Record<string, number>> = {
  // Futures in workers: what a task itself calls, by `this.submit()`.
  "src/futures/awaiter.ts": 6,
  "src/futures/callback.ts": 2,
  "src/futures/deadline.ts": 7,
  "src/futures/errors.ts": 1,
  "src/futures/future.ts": 15,
  "src/futures/inspect.ts": 5,
  "src/futures/known_options.ts": 19,
  "src/wire/task_ref.ts": 18,
  "src/worker/context.ts": 1,
  // All others.
  "src/futures/local_object.ts": 9,
  "src/futures/show.ts": 2,
  "src/runtime/process/frame_channel.ts": 3,
  "src/runtime/process/main.ts": 7,
  "src/runtime/process/task_counter.ts": 3,
  "src/wire/byte_writer.ts": 1,
  "src/wire/error_codec.ts": 3,
  "src/wire/error_encoder.ts": 2,
  "src/wire/outcome_table.ts": 6,
  "src/wire/structured_decoder.ts": 1,
  "src/wire/structured_encoder.ts": 2,
  "src/wire/transfer.ts": 8,
  "src/wire/value_kind.ts": 9,
  "src/worker/task_text.ts": 1,
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

/** The bare uses of one module's source, in the order in which they stand. */
export function bareUses(source: string): BareUse[] {
  const { code } = transformSync(source, { loader: "ts", target: "esnext" });
  const found: BareUse[] = [];
  const own = new Set<string>();
  walk(parseAst(code) as unknown as Node, (node) => {
    if (node.type === "ImportSpecifier") own.add((node.local as { name: string }).name);
    if (node.type === "VariableDeclarator") {
      const { name } = node.id as { name?: string };
      if (name !== undefined) own.add(name);
    }
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
        const { name } = (callee.property ?? {}) as { name?: string };
        if (callee.type === "MemberExpression" && !callee.computed && METHODS.has(name!)) {
          report(callee, `.${name}()`);
        }
        break;
      }
      case "Property": {
        if (node.computed) walk(node.key as Node, look);
        walk(node.value as Node, look);
        return false;
      }
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

/** The modules that the program is made of. */
function modules(): Set<string> {
  const found = new Set<string>();
  const add = (path: string): void => {
    if (found.has(path) || !existsSync(path)) return;
    found.add(path);
    const source = readFileSync(path, "utf8");
    for (
      const [, from] of source.matchAll(/^(?:import|export)(?! type)[^;]*?from "(\.[^"]+)";/gm)
    ) {
      add(join(dirname(path), from!));
    }
  };
  for (const entry of ENTRIES) add(join(ROOT, entry));
  return found;
}

if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const path of modules()) {
    const name = relative(ROOT, path).replaceAll("\\", "/");
    if (AT_START.has(name)) continue;
    const uses = bareUses(readFileSync(path, "utf8"));
    const known = KNOWN[name] ?? 0;
    if (uses.length === known) continue;
    process.exitCode = 1;
    console.log(`${name}: ${uses.length} bare uses of built-ins, where ${known} are known`);
    for (const { line, what } of uses) console.log(`  line ${line} of its JavaScript: ${what}`);
  }
}
