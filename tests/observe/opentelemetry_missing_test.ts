import { assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";
import { RUN_ALLOWED } from "../run_program.ts";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));

test("@concurrent/futures/opentelemetry without its package says which one to add", () => {
  const folder = mkdtempSync(join(tmpdir(), "no-package-"));
  try {
    cpSync(SOURCES, join(folder, "src"), { recursive: true });
    mkdirSync(join(folder, "node_modules")); // Bun would fetch the package otherwise
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(
      join(folder, "main.ts"),
      `import "./src/observe/trace.ts"; // which needs nothing
      await import("./src/observe/opentelemetry.ts").then(
        () => console.log("imported"),
        (error) => console.log(error.message, error.cause instanceof Error),
      );`,
    );
    const { stdout, status } = spawnSync(
      process.execPath,
      [...RUN_ALLOWED, join(folder, "main.ts")],
      { cwd: folder, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
    );
    assertEquals(
      { stdout, status },
      {
        stdout:
          "Cannot use @concurrent/futures/opentelemetry: add the package @opentelemetry/api " +
          "(npm install @opentelemetry/api, deno add npm:@opentelemetry/api) true\n",
        status: 0,
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, { deadline: 60_000 });
