import { assert, assertEquals } from "@std/assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "./harness.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const PROGRAM = `
import { asCompleted, importTasks, ThreadPoolExecutor } from "@concurrent/futures";
import { FutureSource } from "@concurrent/futures/futures";
import { currentTask } from "@concurrent/futures/worker";
import { detectRuntime } from "@concurrent/futures/runtime";

const { twice } = importTasks(import.meta.resolve("./tasks.js"));
const executor = new ThreadPoolExecutor(2);
const futures = [executor.submit((a, b) => a + b, 1, 2), executor.submit(twice, 4)];
let sum = 0;
for await (const future of asCompleted(futures)) sum += await future;
console.log(sum, await executor.map((x) => x * x, [1, 2, 3]).toArray());
console.log(typeof FutureSource, currentTask(), detectRuntime().name.length > 0);
`;

const EXPECTED = "11 [ 1, 4, 9 ]\nfunction undefined true\n";

/** The command that runs a program on the runtime of this test. */
function runtimeArguments(): string[] {
  const { versions } = process as { versions: Record<string, string | undefined> };
  return versions.deno !== undefined
    ? ["run", "--allow-read"]
    : versions.bun !== undefined
    ? ["run"]
    : [];
}

test("the packed package works from another folder's node_modules", () => {
  const folder = mkdtempSync(join(tmpdir(), "packed-"));
  try {
    // `npm pack` builds first, in a copy, so that tests of other runtimes are not disturbed.
    const copy = join(folder, "source");
    mkdirSync(copy);
    for (const name of ["src", "mod.ts", "package.json", "tsconfig.json", "tsconfig.build.json"]) {
      execFileSync("cp", ["-r", join(ROOT, name), copy]);
    }
    for (const name of ["README.md", "CHANGELOG.md", "LICENSE"]) {
      execFileSync("cp", [join(ROOT, name), copy]);
    }
    mkdirSync(join(copy, "tools"));
    execFileSync("cp", [join(ROOT, "tools/build.mjs"), join(copy, "tools")]);
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const packed = JSON.parse(
      execFileSync("npm", ["pack", "--json", "--silent"], { cwd: copy, encoding: "utf8" })
        .replace(/^[^[{]*/, ""),
    );
    const { filename, files } = Array.isArray(packed)
      ? packed[0]
      : Object.values(packed)[0] as typeof packed;
    const names = (files as { path: string }[]).map(({ path }) => path);
    assert(names.includes("dist/mod.js") && names.includes("dist/mod.d.ts"), names.join(" "));
    assert(!names.some((name) => name.startsWith("src/")), names.join(" "));

    const user = join(folder, "user");
    const target = join(user, "node_modules", "@concurrent", "futures");
    mkdirSync(target, { recursive: true });
    execFileSync("tar", ["-xzf", join(copy, filename), "--strip-components=1", "-C", target]);
    writeFileSync(join(user, "package.json"), '{ "type": "module" }');
    writeFileSync(join(user, "tasks.js"), "export const twice = (x) => 2 * x;\n");
    writeFileSync(join(user, "main.js"), PROGRAM);
    const output = execFileSync(process.execPath, [...runtimeArguments(), "main.js"], {
      cwd: user,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    });
    assertEquals(output, EXPECTED);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, { deadline: 60_000 });
