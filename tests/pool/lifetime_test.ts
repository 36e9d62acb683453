/** What pools do to the life of a whole program. */

import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { runProgram } from "../run_program.ts";
import { POOLS } from "./pools.ts";

/** Runs a program to its end: its exit code, and what it prints. */
async function run(body: string): Promise<unknown[]> {
  const { code, stdout, stderr } = await runProgram(body);
  return [code, stdout, stderr];
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
