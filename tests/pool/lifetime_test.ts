/** What pools do to the life of a whole program. */

import { assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "../harness.ts";
import { POOLS } from "./pools.ts";

const MODULE = new URL("../../mod.ts", import.meta.url).href;
const FLAGS = "Deno" in globalThis ? ["run", "-A", "--no-check", "--no-config"] : [];

/** Runs a program to its end: its exit code, and what it prints. */
async function run(body: string): Promise<unknown[]> {
  const folder = mkdtempSync(join(tmpdir(), "pool-lifetime-"));
  const file = join(folder, "main.ts");
  writeFileSync(file, `import * as cf from ${JSON.stringify(MODULE)};\n${body}`);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [...FLAGS, file], {
        env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const text = { out: "", err: "" };
      child.stdout.on("data", (chunk) => text.out += chunk);
      child.stderr.on("data", (chunk) => text.err += chunk);
      child.on("error", reject);
      child.on("close", (code) => resolve([code, text.out, text.err]));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const { name } of POOLS) {
  test(`a pool that was never used, and never closed, lets the program end [${name}]`, async () => {
    assertEquals(await run(`new cf.${name}(1); console.log("end");`), [0, "end\n", ""]);
  });

  test(`an idle pool, and one that \`await using\` has left, let the program end [${name}]`, async () => {
    const body = `
      {
        await using pool = new cf.${name}(1);
        await pool.apply(() => void setInterval(() => {}, 1000));
        pool.applyAsync(() => new Promise(() => {}));
      }
      const pool = new cf.${name}(1);
      console.log(...await pool.map((x) => x + 1, [1, 2, 3]));
      const results = pool.imap((x) => x + 1, [1, 2, 3]);
      console.log((await results.next()).value);
    `;
    assertEquals(await run(body), [0, "2 3 4\n2\n", ""]);
  });

  test(`what was issued keeps the program alive, and errors do not end it [${name}]`, async () => {
    const body = `
      const pool = new cf.${name}(1);
      const later = async (x) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (x > 1) throw new RangeError("unseen");
        return x;
      };
      pool.applyAsync(later, [2]);
      pool.mapAsync(later, [2, 3]);
      pool.imap(later, [2]);
      pool.applyAsync(later, [1], { callback: (x) => console.log("callback", x) });
      console.log("main ended");
    `;
    assertEquals(await run(body), [0, "main ended\ncallback 1\n", ""]);
  });
}
