/**
 * Permissions of processes: each kind × value × runtime, tried from inside; and that none is more than
 * this program's own.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ProcessPoolExecutor, UnsupportedError } from "../../mod.ts";
import type { ProcessPoolExecutorOptions } from "../../mod.ts";
import { test } from "../harness.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import { PROGRAMS } from "./programs.ts";

const RUNTIME_NAME = detectRuntime().name;
type Permissions = Exclude<ProcessPoolExecutorOptions["permissions"], string | undefined>;
type Act = "read" | "write" | "run" | "net" | "env" | "sys" | "ffi";
const ACTS: readonly Act[] = ["read", "write", "run", "net", "env", "sys", "ffi"];
const COMMANDS = {
  deno: { path: PROGRAMS.deno },
  node: { path: PROGRAMS.node },
};

/** Tries an act. Gives "allowed", or the error by which it was refused. */
async function attempt(act: Act, path: string): Promise<string> {
  try {
    const fs = await import("node:fs");
    switch (act) {
      case "read":
        fs.readFileSync(path);
        break;
      case "write":
        fs.writeFileSync(path, "written");
        break;
      case "run": {
        const { Deno } = globalThis as unknown as {
          Deno?: { Command: new (path: string, options: object) => { outputSync(): unknown } };
        };
        if (Deno !== undefined) { // its node:child_process wants the environment, too
          new Deno.Command("/bin/true", { clearEnv: true }).outputSync();
          break;
        }
        const { spawnSync } = await import("node:child_process");
        const { error } = spawnSync("/bin/true");
        if (error !== undefined) throw error;
        break;
      }
      case "net": {
        const { Deno } = globalThis as unknown as {
          Deno?: { listen(options: object): { close(): void } };
        };
        if (Deno !== undefined) {
          // Its node:net throws outside of every promise.
          Deno.listen({ hostname: "127.0.0.1", port: 0 }).close();
          break;
        }
        const { createServer } = await import("node:net");
        await new Promise<void>((resolve, reject) => {
          const server = createServer().on("error", reject).listen(0, "127.0.0.1", () => {
            server.close();
            resolve();
          });
        });
        break;
      }
      case "env":
        if (process.env["PATH"] === undefined) throw new Error("no PATH");
        break;
      case "sys":
        (await import("node:os")).networkInterfaces();
        break;
      case "ffi": {
        const { Deno } = globalThis as { Deno?: { dlopen(path: string, symbols: object): void } };
        const library = "/lib/x86_64-linux-gnu/libc.so.6";
        if (Deno !== undefined) Deno.dlopen(library, {});
        else process.dlopen({ exports: {} }, "/no/such/addon.node");
      }
    }
    return "allowed";
  } catch (error) {
    // Node's message of an addon that is allowed, and missing.
    return /cannot open shared object/.test(String(error)) ? "allowed" : `refused: ${error}`;
  }
}

/** What Node cannot withhold. */
const OPEN_IN_NODE: readonly Act[] = ["net", "env", "sys"];

for (const command of ["deno", "node"] as const) {
  test(`a process of ${command} may do what is named, and nothing else`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "permissions-"));
    const file = join(folder, "a file");
    writeFileSync(file, "read");
    for (const named of ACTS) {
      if (command === "node" && OPEN_IN_NODE.includes(named)) continue;
      const permissions: Permissions = { [named]: true };
      await using executor = new ProcessPoolExecutor({
        maxWorkers: 1,
        command: COMMANDS[command],
        permissions,
      });
      for (const act of ACTS) {
        const allowed = await executor.submit(attempt, act, file) === "allowed";
        const expected = act === named || (command === "node" && OPEN_IN_NODE.includes(act));
        assertEquals(allowed, expected, `permissions ${named}: ${act}`);
      }
    }
    rmSync(folder, { recursive: true });
  }, { deadline: 60_000 });

  test(`lists of paths hold for a process of ${command}, to the letter`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "permissions-"));
    const names = ["plain", "with space", "-leading", "per%20cent", "semi;colon", "new\nline", "ü"];
    if (command === "deno") names.push("com,ma");
    const files = names.map((name) => join(folder, name));
    for (const file of [...files, join(folder, "other")]) writeFileSync(file, "x");
    await using executor = new ProcessPoolExecutor({
      maxWorkers: 1,
      command: COMMANDS[command],
      permissions: { read: files },
    });
    for (const file of files) assertEquals(await executor.submit(attempt, "read", file), "allowed");
    for (const file of [join(folder, "other"), join(folder, "ma"), "/etc/hostname"]) {
      assert((await executor.submit(attempt, "read", file)).startsWith("refused"), file);
    }
    rmSync(folder, { recursive: true });
  }, { deadline: 30_000 });
}

test("what has a meaning of its own is refused, and nothing is started", () => {
  const refused = (
    command: keyof typeof COMMANDS,
    permissions: unknown,
    error = UnsupportedError,
  ): void =>
    void assertThrows(
      () =>
        new ProcessPoolExecutor({
          command: COMMANDS[command],
          permissions: permissions as Permissions,
        }),
      error as new () => Error,
    );
  for (const bad of ["", "*", "/a/*", " /a", "/a\0b"]) {
    for (const command of ["deno", "node"] as const) refused(command, { read: [bad] });
  }
  refused("node", { read: ["/a,b"] });
  refused("deno", { env: ["A,B"] });
  refused("deno", { net: ["a.b,c.d"] });
  refused("node", { run: ["/bin/true"] });
  for (const name of ["net", "env", "sys", "import"]) {
    refused("node", { [name]: false });
    refused("node", { [name]: ["x"] });
  }
  refused("node", "none");
  refused("node", {});
  assertThrows(
    () =>
      new ProcessPoolExecutor({
        command: "deno",
        permissions: { read: [1] as unknown as string[] },
      }),
    TypeError,
  );
});

// --- never more than the program's own ---

/** Flags that leave a program without one thing. */
const PROGRAM: Record<string, string[]> = {
  Deno: ["run", "--no-check", "--no-prompt", "--allow-run", "--allow-env", "--allow-read"],
  "Node.js": ["--no-warnings", "--permission", "--allow-fs-read=*", "--allow-child-process"],
};

for (const command of ["deno", "node"] as const) {
  for (const asked of ['"inherit"', '{ write: "inherit" }', '{ write: "inherit", read: true }']) {
    test(
      `permissions: ${asked} of a process of ${command} are not more than the program's own`,
      () => {
        const program = `
        import { ProcessPoolExecutor } from ${
          JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
        };
        const executor = new ProcessPoolExecutor({
          maxWorkers: 1,
          command: ${JSON.stringify(COMMANDS[command])},
          permissions: ${asked},
        });
        const write = async () => {
          const { writeFileSync } = await import("node:fs");
          try {
            writeFileSync("/tmp/escalated." + Math.random(), "x");
            return "wrote";
          } catch {
            return "refused";
          }
        };
        console.log(await executor.submit(write).result().catch(String));
        await executor.shutdown();`;
        const folder = mkdtempSync(join(tmpdir(), "permissions-"));
        const file = join(folder, "program.ts");
        writeFileSync(file, program);
        const { stdout, stderr } = spawnSync(process.execPath, [...PROGRAM[RUNTIME_NAME]!, file], {
          encoding: "utf8",
        });
        rmSync(folder, { recursive: true });
        assertEquals(stdout.trim(), "refused", stderr);
      },
      {
        skip: PROGRAM[RUNTIME_NAME] === undefined && "this runtime has no permissions",
        deadline: 20_000,
      },
    );
  }
}

test("a permission that the program has not itself is refused", () => {
  const program = `
    import { ProcessPoolExecutor } from ${
    JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
  };
    for (const permissions of [{ write: true }, { write: ["/tmp"] }]) {
      try {
        new ProcessPoolExecutor({ permissions });
        console.log("made");
      } catch (error) {
        console.log(error.name);
      }
    }`;
  const folder = mkdtempSync(join(tmpdir(), "permissions-"));
  const file = join(folder, "program.ts");
  writeFileSync(file, program);
  const { stdout, stderr } = spawnSync(process.execPath, [...PROGRAM[RUNTIME_NAME]!, file], {
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true });
  assertEquals(stdout.trim(), "UnsupportedError\nUnsupportedError", stderr);
}, { skip: PROGRAM[RUNTIME_NAME] === undefined && "this runtime has no permissions" });

// --- flags ---

test("execArgv and command.args are checked at once", () => {
  for (const bad of ["--flag", [1], {}, null]) {
    const args = bad as unknown as string[];
    assertThrows(() => new ProcessPoolExecutor({ execArgv: args }), TypeError, "execArgv");
    if (bad === null) continue;
    assertThrows(() => new ProcessPoolExecutor({ command: { path: "node", args } }), TypeError);
  }
});

test("the program's object of environment variables is left as it is", async () => {
  const env = { HOME: "/tmp", PATH: process.env["PATH"] ?? "" };
  const before = { ...env };
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, command: COMMANDS.node, env });
  await executor.submit(() => 1);
  assertEquals(env, before);
});
