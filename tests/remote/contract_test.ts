import { assert, assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";

const SUITE = fileURLToPath(new URL("./contract_suite.ts", import.meta.url));

/** How each runtime runs one file of tests. */
const ARGUMENTS = {
  Deno: ["test", "-A", "--no-check", SUITE],
  Bun: ["test", SUITE],
  Node: ["--test", SUITE],
};

// In a program of its own: modules of tests are loaded once, and those of the contract are for other executors here.
test("the contract of all executors holds on the distributed one", async () => {
  const runtime = "Deno" in globalThis ? "Deno" : "Bun" in globalThis ? "Bun" : "Node";
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    const options = { env: { ...env, NO_COLOR: "1" }, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, ARGUMENTS[runtime], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, output: `${stdout}\n${stderr}` });
    });
  });
  const bad = output.split("\n").filter((line) => /^✖|FAILED|^\(fail\)|error/i.test(line));
  assertEquals(code, 0, bad.join("\n"));
  const passed = /\b(\d+) pass|\bpass (\d+)\b/.exec(output);
  assert(Number(passed?.[1] ?? passed?.[2]) >= 150, output);
}, { deadline: 120_000 });
