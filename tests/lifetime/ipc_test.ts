/** Programs with a channel to their parent: `fork()` and `node:cluster`. @module */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "../harness.ts";
import { ended, type Ending, runProgram } from "../run_program.ts";

const isDeno = "Deno" in globalThis;

/** Runs a program of the parent, which starts itself again as its child. */
function run(body: string): Promise<Ending> {
  return runProgram(`
    import cluster from "node:cluster";
    import { fork } from "node:child_process";
    import process from "node:process";
    import { fileURLToPath } from "node:url";
    ${body}`);
}

for (const name of ["ThreadPoolExecutor", "ProcessPoolExecutor"] as const) {
  test(
    `a program with a channel to its parent uses workers, and ends by itself [${name}]`,
    async () => {
      const ending = await run(`
      if (process.argv[2] !== "child") {
        const child = fork(fileURLToPath(import.meta.url), ["child"]);
        const heard = [];
        child.on("message", (message) => {
          heard.push(message);
          if (typeof message === "number") child.send(-message);
        });
        child.on("exit", (code) => console.log(code, JSON.stringify(heard)));
      } else {
        const answers = [];
        const executor = new cf.${name}(2);
        process.on("message", (answer) => {
          if (answers.push(answer) < 5) return;
          process.send(answers, () => process.disconnect());
        });
        for (let i = 1; i <= 5; i++) process.send(await executor.submit((x) => x, i));
      }
    `);
      assertEquals(ending, ended("0 [1,2,3,4,5,[-1,-2,-3,-4,-5]]\n"));
    },
    { deadline: 20_000 },
  );

  const dies = isDeno && name === "ThreadPoolExecutor";
  const skip = dies ? "threads of Deno die in a cluster" : false;
  test(`a worker of a cluster uses workers, and ends by itself [${name}]`, async () => {
    const ending = await run(`
      if (cluster.isPrimary) {
        const heard = [];
        cluster.on("message", (worker, message) => {
          heard.push(message);
          worker.send("heard");
        });
        cluster.on("exit", (_, code) => {
          if (heard.push(code) === 4) console.log(JSON.stringify(heard.sort()));
        });
        cluster.fork();
        cluster.fork();
      } else {
        process.on("message", () => process.disconnect());
        const executor = new cf.${name}(1);
        process.send([await executor.submit((x) => x, cluster.isWorker)]);
      }
    `);
    assertEquals(ending, ended("[0,0,[true],[true]]\n"));
  }, { skip, deadline: 20_000 });
}

test("threads are refused in a worker of a cluster, where they die", async () => {
  const { stdout } = await run(`
    if (cluster.isPrimary) cluster.fork();
    else {
      try {
        new cf.ThreadPoolExecutor(1);
      } catch (error) {
        console.log(error.name, error.message);
      }
      process.disconnect();
    }
  `);
  assertStringIncludes(
    stdout,
    "UnsupportedError Cannot start workers: in a worker of node:cluster",
  );
}, { skip: isDeno ? false : "they live" });
