import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";

const PROGRAM = fileURLToPath(new URL("../../examples/digest.ts", import.meta.url));
const { versions } = process as { versions: Record<string, string | undefined> };
const RUN = versions.deno !== undefined ? ["run", "-A", "--no-check"] : [];

interface Ending {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(
  folder: string,
  started?: (child: ChildProcess) => void,
  args: readonly string[] = [],
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...RUN, PROGRAM, folder, ...args], {
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ending: Ending = { code: null, stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => {
      if (ending.stdout === "") started?.(child);
      ending.stdout += chunk;
    });
    child.stderr.on("data", (chunk) => ending.stderr += chunk);
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...ending, code }));
  });
}

async function withFolder(fill: (folder: string) => void, use: (folder: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "digest-"));
  try {
    fill(folder);
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The digest as the example defines it, made without it. */
function expectedDigest(files: [string, string][]): string {
  const hash = createHash("sha256");
  for (const [name, text] of files) {
    hash.update(`${name}\0${createHash("sha256").update(text).digest("hex")}\n`);
  }
  return hash.digest("hex");
}

test("digest gives the same digest as a program without workers, and all runs agree", async () => {
  const files: [string, string][] = [["a.txt", "one two\n"], ["b/c.txt", "three"], ["d.txt", ""]];
  await withFolder((folder) => {
    mkdirSync(join(folder, "b"));
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
  }, async (folder) => {
    const { code, stdout, stderr } = await run(folder);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertStringIncludes(stdout, `digest ${expectedDigest(files)}`);
    assertStringIncludes(stdout, "0 unreadable");
    assertStringIncludes(stdout, "All runs agree");
    assertMatch(stdout, /workers +files +MB +words +seconds +speed-up/);
    assertMatch(stdout, /\b3 +0\.0 +3 /);
  });
}, { deadline: 60_000 });

test("digest reports what cannot be read, counts it, and goes on", async () => {
  await withFolder((folder) => {
    writeFileSync(join(folder, "good.txt"), "good");
    mkdirSync(join(folder, "x"));
    // Not to be opened by anybody, not even by root: a name that is too long for its target.
    symlinkSync("loop", join(folder, "x", "loop"));
  }, async (folder) => {
    const missing = await run(join(folder, "nowhere"));
    assertEquals(missing.code, 0);
    assertStringIncludes(missing.stdout, "1 unreadable");
    const { code, stdout } = await run(folder);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "1 files under");
  });
}, { deadline: 60_000 });

/** A folder that takes long: one large file under many names. */
function fillLarge(folder: string): void {
  const first = join(folder, "0.txt");
  writeFileSync(first, "word ".repeat(200_000));
  for (let i = 1; i < LARGE; i++) linkSync(first, join(folder, `${i}.txt`));
}

const LARGE = 10_000;
const INTERRUPTED = "Interrupted: the tasks are cancelled and the workers have ended";

test(
  "digest tells a line every few seconds in a pipe, and is stopped cleanly by Ctrl-C",
  async () => {
    await withFolder(fillLarge, async (folder) => {
      const { code, stdout, stderr } = await run(folder, (child) => {
        child.stdout!.on("data", (chunk) => /files\/s/.test(String(chunk)) && child.kill("SIGINT"));
      });
      // 130 is what shells say of a program ended by Ctrl-C; Deno 2.9 tells it of a child as a signal.
      assertEquals({ code: code ?? 130, stderr }, { code: 130, stderr: "" });
      const lines = stdout.trimEnd().split("\n");
      assertMatch(lines[1]!, /^1 worker : \d+ of 10000 files, \d+ files\/s$/);
      assertEquals(lines.at(-1), INTERRUPTED);
      assertEquals(stdout.includes("\u001b"), false);
    });
  },
  { deadline: 60_000 },
);

const python = process.platform !== "win32" && spawnSync("python3", ["--version"]).status === 0;

test(
  "digest draws a bar on a terminal, ten times a second at the most, and Ctrl-C leaves it clean",
  async () => {
    await withFolder(fillLarge, async (folder) => {
      const helper = fileURLToPath(new URL("on_terminal.py", import.meta.url));
      const command = [process.execPath, ...RUN, PROGRAM, folder];
      const told = await new Promise<string>((resolve, reject) => {
        const env = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
        execFile(
          "python3",
          [helper, " left", "12", ...command],
          { env },
          (error, stdout) => error === null ? resolve(stdout) : reject(error),
        );
      });
      const { output, code, milliseconds, restored } = JSON.parse(told) as {
        output: string;
        code: number;
        milliseconds: number;
        restored: boolean;
      };
      assertEquals({ code, restored }, { code: 130, restored: true });
      const bars =
        output.match(/1 worker {2}[^ ]+ \d+ of 10000 files \| \d+ files\/s \| [^|]+ left/g) ?? [];
      assertGreaterOrEqual(bars.length, 12);
      // Before Ctrl-C; the bar is drawn once at the start, and once when it is stopped.
      assertGreater(milliseconds, 100 * (12 - 3));
      // The cursor is seen again, lines wrap, and what follows begins on a line of its own.
      for (const mode of ["?25", "?7"]) {
        const last = output.lastIndexOf(`\u001b[${mode}`);
        assert(
          last >= 0 && output.startsWith(`\u001b[${mode}h`, last),
          `mode ${mode} is left behind`,
        );
      }
      assert(output.endsWith(`\n${INTERRUPTED}\r\n`), JSON.stringify(output.slice(-200)));
    });
  },
  { deadline: 60_000, skip: !python && "needs python3, which has terminals" },
);

test("digest tells lines where there is no terminal, and writes a trace", async () => {
  await withFolder((folder) => {
    for (let i = 0; i < 10; i++) writeFileSync(join(folder, `${i}.txt`), "word ");
  }, async (folder) => {
    const path = join(folder, "..", `digest-${process.pid}.json`);
    try {
      const { code, stdout, stderr } = await run(folder, undefined, ["--trace", path]);
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      assertMatch(stdout, /1 worker : 10 of 10 files, \d+ files\/s/);
      assertEquals(stdout.includes("\u001b"), false);
      const { traceEvents } = JSON.parse(readFileSync(path, "utf8"));
      assertEquals(
        traceEvents.filter(({ name, ph }: { name: string; ph: string }) =>
          name === "digestFile" && ph === "X"
        ).length,
        10,
      );
    } finally {
      rmSync(path, { force: true });
    }
  });
}, { deadline: 60_000 });
