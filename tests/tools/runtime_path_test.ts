import { assertEquals, assertMatch } from "@std/assert";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { optionsFor } from "../../tools/older_node.mjs";
import { withRuntimes } from "../../tools/runtime_path.mjs";
import { test } from "../harness.ts";

const OWN = join("project", "node_modules", ".bin");
const ELSEWHERE = join("npm", "node_modules", ".bin");
const path = [OWN, ELSEWHERE, "one", "two"].join(delimiter);

test("withRuntimes() puts the project's runtimes first", () => {
  const env = withRuntimes(OWN, { PATH: ["one", "two"].join(delimiter), A: "1" });
  assertEquals(env, { PATH: [OWN, "one", "two"].join(delimiter), A: "1" });
  assertEquals(withRuntimes(OWN, {}).PATH, OWN);
});

test("withRuntimes() puts the machine's runtimes first, also in a script of npm", () => {
  const env = withRuntimes(OWN, { Path: path, RUNTIME_PATH: "system" });
  assertEquals(env.Path, ["one", "two", OWN].join(delimiter));
  assertEquals(env.PATH, undefined);
});

test("npm test runs the machine's Node with RUNTIME_PATH=system, and else the project's", () => {
  const folder = mkdtempSync(join(tmpdir(), "runtimes-"));
  try {
    const [machine, bin] = [join(folder, "machine"), join(folder, "node_modules", ".bin")];
    for (const [place, says] of [[machine, "machine"], [bin, "project"]] as const) {
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, "some-runtime"), `#!/bin/sh\necho ${says}\n`);
      chmodSync(join(place, "some-runtime"), 0o755);
    }
    const run = (choice: Record<string, string>): string => {
      const PATH = [bin, machine, process.env.PATH].join(delimiter); // as npm leaves it
      const env = withRuntimes(bin, { ...process.env, PATH, ...choice });
      return execFileSync("some-runtime", { encoding: "utf8", env }).trim();
    };
    assertEquals(run({ RUNTIME_PATH: "project" }), "project");
    assertEquals(run({ RUNTIME_PATH: "system" }), "machine");
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { skip: process.platform === "win32" && "scripts there are no files to execute" });

test("optionsFor() adds to Node 22 what the tests need, and to newer ones nothing", () => {
  assertEquals(optionsFor("v24.0.0\n"), "");
  assertEquals(optionsFor("v26.10.0"), "");
  assertMatch(optionsFor("v22.23.3"), /^--import=data:text\/javascript;base64,\S+$/);
});
