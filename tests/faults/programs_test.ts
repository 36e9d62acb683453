import { assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";
import { RUNTIME } from "./fault.ts";

/** Runs a program of this folder on this runtime. */
async function run(name: string): Promise<[code: number | null, stdout: string, stderr: string]> {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const flags = RUNTIME === "Deno" ? ["run", "-A", "--no-check", "--quiet"] : [];
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, file], {
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => stdout += chunk);
    child.stderr.on("data", (chunk) => stderr += chunk);
    child.on("error", reject);
    child.on("close", (code) => resolve([code, stdout, stderr]));
  });
}

test("no fault of a task prints anything, and the program ends", async () => {
  assertEquals(await run("silent_program.ts"), [0, "end\n", ""]);
}, { deadline: 30_000 });

test("a future settles in time even where its task cannot be stopped", async () => {
  const lines = "wasm true works\nregexp true works\n";
  assertEquals(await run("endless_program.ts"), [0, lines, ""]);
}, { deadline: 30_000 });
