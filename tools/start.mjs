/**
 * Runs the main job, examples/digest.ts, on the runtime that is asked for.
 *
 *     npm start -- [folder] [--runtime deno|bun|node] [--trace file.json]
 */

import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const COMMANDS = { deno: ["deno", "run", "-A"], bun: ["bun"], node: ["node"] };

// `bun run start` means Bun, as `deno task start` means Deno.
const startedByBun = process.env.npm_config_user_agent?.startsWith("bun/");

const { values, positionals } = parseArgs({
  options: {
    runtime: { type: "string", default: startedByBun ? "bun" : "deno" },
    trace: { type: "string" },
  },
  allowPositionals: true,
});
const command = Object.hasOwn(COMMANDS, values.runtime) ? COMMANDS[values.runtime] : undefined;
if (command === undefined || positionals.length > 1) {
  console.error("Usage: npm start -- [folder] [--runtime deno|bun|node] [--trace file.json]");
  process.exit(2);
}

const [name, ...args] = command;
const trace = values.trace === undefined ? [] : ["--trace", values.trace];
const child = spawn(
  join(ROOT, "node_modules", ".bin", name),
  [...args, join(ROOT, "examples", "digest.ts"), ...positionals, ...trace],
  { stdio: "inherit" },
);
// Ctrl-C reaches the child by itself; this one only waits for it.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(signal === null ? code : 1));
