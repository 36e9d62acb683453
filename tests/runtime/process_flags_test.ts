/**
 * What a process has of the program that started it: its flags, and the signals of its terminal.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "../harness.ts";
import { RUN_ALLOWED, runProgram } from "../run_program.ts";

const name = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const PRELOADED = "data:text/javascript,globalThis.preloaded=true";

/** Flags that change how modules are found and what the language is, and such as are for one program alone. */
const FLAGS: Readonly<Record<string, { kept: string[]; own: string[] }>> = {
  node: {
    kept: ["--conditions", "mine", "--no-warnings", "--stack-trace-limit=7", "--import", PRELOADED],
    own: ["--title", "title-of-mine", "--heapsnapshot-signal", "SIGUSR2", "--inspect=127.0.0.1:0"],
  },
  bun: { kept: ["--conditions", "mine", "--smol"], own: ["--port", "0", "--inspect=127.0.0.1:0"] },
  deno: {
    kept: ["--cached-only", "--v8-flags=--stack-trace-limit=7", "--conditions", "mine", "--seed=7"],
    own: ["--log-level", "info", "--ext", "ts", "--inspect=127.0.0.1:0"],
  },
};

/** Its words, as the system knows them. */
const TELL = `
  const tell = () => process.getBuiltinModule("node:fs").readFileSync("/proc/self/cmdline", "utf8").split("\\0");`;

const skip = process.platform !== "linux" && "there is no /proc here";

test("a process has the program's flags, but for what is meant for that one alone", async () => {
  const { kept, own } = FLAGS[name]!;
  const body = `${TELL}
    await using executor = new cf.ProcessPoolExecutor(1);
    console.log(JSON.stringify(await executor.submit(tell)));`;
  const { stdout, stderr } = await runProgram(body, [...RUN_ALLOWED, ...own, ...kept]);
  const words = JSON.parse(stdout.trim().split("\n").at(-1) || stderr) as string[];
  for (const flag of kept) assert(words.includes(flag), `${flag} of ${words}`);
  for (const flag of own) assert(!words.includes(flag), `${flag} of ${words}`);
}, { skip, deadline: 30_000 });

test("a process has the program's permissions, however its flags were written", async () => {
  const flags = "--permission --allow-fs-read * --allow-child-process --no-warnings";
  const { stdout, stderr } = await runProgram(
    `
    await using executor = new cf.ProcessPoolExecutor(1);
    const may = () => ["fs.read", "fs.write", "child"].map((name) => process.permission.has(name));
    console.log(JSON.stringify([may(), await executor.submit(may)]));`,
    flags.split(" "),
  );
  const may = "[true,false,true]";
  assertEquals(stdout, `[${may},${may}]\n`, stderr);
}, { skip: name !== "node" && "only Node tells them as flags", deadline: 30_000 });

test("execArgv takes the place of the program's flags", async () => {
  const { kept } = FLAGS[name]!;
  const body = `${TELL}
    await using executor = new cf.ProcessPoolExecutor({ maxWorkers: 1, execArgv: [] });
    console.log(JSON.stringify(await executor.submit(tell)));`;
  const { stdout, stderr } = await runProgram(body, [...RUN_ALLOWED, ...kept]);
  const words = JSON.parse(stdout.trim().split("\n").at(-1) || stderr) as string[];
  for (const flag of kept) assert(!words.includes(flag), `${flag} of ${words}`);
}, { skip, deadline: 30_000 });

test("modules of tasks are found by the program's flags, in threads and in processes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flags-"));
  const write = (file: string, text: string): string => {
    writeFileSync(join(folder, file), text);
    return join(folder, file);
  };
  try {
    write("impl.js", "export const answer = 42;");
    write("task.js", 'import { answer } from "my-alias"; export const tell = () => answer;');
    const map = write("map.json", '{ "imports": { "my-alias": "./impl.js" } }');
    const hooks =
      `import { registerHooks } from "node:module"; registerHooks({ resolve: (name, at, next) =>
      next(name === "my-alias" ? ${JSON.stringify(join(folder, "impl.js"))} : name, at) });`;
    const plugin = `Bun.plugin({ name: "mine", setup(build) { build.module("my-alias", () =>
      ({ exports: { answer: 42 }, loader: "object" })); } });`;
    const flags = name === "deno"
      ? [`--import-map=${map}`]
      : name === "bun"
      ? ["--preload", write("preload.js", plugin)]
      : ["--import", write("hooks.mjs", hooks)];
    const { stdout, stderr } = await runProgram(
      `
      const { tell } = cf.importTasks(${JSON.stringify(`file://${join(folder, "task.js")}`)});
      for (const Kind of [${
        name === "bun" ? "" : "cf.ThreadPoolExecutor, "
      }cf.ProcessPoolExecutor]) {
        await using executor = new Kind(1);
        console.log(await executor.submit(tell));
      }`,
      [...RUN_ALLOWED, ...flags],
    );
    assertEquals(stdout, name === "bun" ? "42\n" : "42\n42\n", stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { deadline: 30_000 });

for (const Kind of ["ThreadPoolExecutor", "ProcessPoolExecutor"]) {
  test(`Ctrl-C is the program's affair: its tasks may end [${Kind}]`, async () => {
    assertEquals(await interrupt(Kind, 1), "ready\nfinished\n");
  }, { skip: process.platform === "win32" && "there are no groups here", deadline: 30_000 });
}

test("a second Ctrl-C ends the processes", async () => {
  assertEquals(await interrupt("ProcessPoolExecutor", 2), "ready\nagain\nWorkerCrashError\n");
}, { skip: process.platform === "win32" && "there are no groups here", deadline: 30_000 });

/** What a program prints whose whole group gets so many of these signals while a task runs. */
async function interrupt(kind: string, times: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "interrupt-"));
  const file = join(folder, "main.ts");
  const library = new URL("../../mod.ts", import.meta.url).href;
  writeFileSync(
    file,
    `
    import process from "node:process";
    import * as fs from "node:fs";
    import * as cf from ${JSON.stringify(library)};
    const folder = ${JSON.stringify(folder)}, times = ${times};
    const executor = new cf.${kind}(1);
    const future = executor.submit(async (folder) => {
      const fs = process.getBuiltinModule("node:fs");
      // A listener of its own, which tells that the signal has come; threads have none.
      try { process.on("SIGINT", () => fs.writeFileSync(folder + "/heard", "")); } catch {}
      fs.writeFileSync(folder + "/begun", "");
      while (!fs.existsSync(folder + "/gate")) await new Promise((resolve) => setTimeout(resolve, 5));
      return "finished";
    }, folder);
    const until = async (name) => {
      while (!fs.existsSync(folder + "/" + name)) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    let count = 0;
    process.on("SIGINT", async () => {
      if (++count < times) {
        await until("heard");
        return console.log("again");
      }
      if (times === 1) {
        ${kind === "ProcessPoolExecutor" ? 'await until("heard");' : ""}
        fs.writeFileSync(folder + "/gate", "");
      }
      console.log(await future.result().catch((error) => error.name));
      await executor.shutdown();
      process.exit(0);
    });
    await until("begun");
    console.log("ready");
    setTimeout(() => process.exit(1), 60_000);
    `,
  );
  try {
    const child = spawn(process.execPath, [...RUN_ALLOWED, file], {
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdio: ["ignore", "pipe", "inherit"],
      detached: true, // a group of its own, as a terminal gives to a program
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (/(ready|again)\n$/.test(output)) process.kill(-child.pid!, "SIGINT");
    });
    await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
    return output;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
