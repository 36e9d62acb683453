import { assert, assertEquals } from "@std/assert";
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
}, { deadline: 90_000 }); // every fault, one after the other: 40 s on a machine that is very busy

test("a future settles in time even where its task cannot be stopped", async () => {
  const lines = "wasm true works\nregexp true works\n";
  assertEquals(await run("endless_program.ts"), [0, lines, ""]);
}, { deadline: 30_000 });

test("a process that runs out of memory fails its task alone", async () => {
  const [code, stdout] = await run("memory_program.ts");
  assertEquals([code, stdout], [0, "WorkerCrashError true works\n"]);
}, {
  deadline: 30_000,
  skip: RUNTIME === "Bun" && "Bun has no limit of its memory",
});

test("what processes print in floods arrives whole, and harms no result", async () => {
  const [code, stdout, stderr] = await run("flood_program.ts");
  assertEquals([code, stderr], [0, ""]);
  const line = (task: number, i: number) => `${task} ${i} ${"x".repeat(100)}\n`;
  const flood = [0, 1, 2, 3].flatMap((task) =>
    Array.from({ length: 10_000 }, (_, i) => line(task, i))
  );
  assertEquals(stdout.length, flood.join("").length + "0 1 2 3\n".length);
  assert(stdout.includes("0 1 2 3\n"));
}, { deadline: 30_000 });

test("the lines that processes print in floods do not mix", async () => {
  const [, stdout] = await run("flood_program.ts");
  const mixed = stdout.split("\n").filter((line) => !/^[0-3] \d+ x{100}$/.test(line));
  assertEquals(mixed.toSorted(), ["", "0 1 2 3"]);
}, { deadline: 30_000 });
