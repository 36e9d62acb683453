/** What only edge runtimes ask for: programs inside of workerd and of Vercel's edge-runtime. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async";
import { readFileSync } from "node:fs";
import type { EdgeProgram } from "./runtimes.mjs";
import { test } from "../harness.ts";
import { readColumn } from "../runtime/table.ts";

const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);

/** Where the programs run. Dates of compatibility change what a Worker finds, and how promises go. */
const RUNTIMES: Record<string, (module: string) => Promise<EdgeProgram>> = {
  "workerd": (module) => start("workerd", module),
  "workerd of 2022": (module) => start("workerd", module, { compatibilityDate: "2022-01-01" }),
  "workerd with nodejs_compat": (module) =>
    start("workerd", module, { compatibilityFlags: ["nodejs_compat"] }),
  "edge-runtime": (module) => start("vercel", module),
};

/** Loaded when it is needed: it is for Node only. */
async function start(
  runtime: "workerd" | "vercel",
  module: string,
  options?: Record<string, unknown>,
): Promise<EdgeProgram> {
  const { startVercel, startWorkerd } = await import("./runtimes.mjs");
  if (runtime === "workerd") {
    return await startWorkerd(`export { default } from "./${module}";`, options);
  }
  return await startVercel(
    `import { handle } from "./${module}";
     addEventListener("fetch", (event) => event.respondWith(handle(event.request, event)));`,
  );
}

/** Declares a test of the program `worker.ts` in each runtime. */
function testEdge(
  name: string,
  fn: (ask: (route: string) => Promise<unknown>, runtime: string) => Promise<void>,
  skip: (runtime: string) => string | false = () => false,
): void {
  for (const [runtime, startProgram] of Object.entries(RUNTIMES)) {
    test(`${name} [${runtime}]`, async () => {
      const program = await startProgram("tests/edge/worker.ts");
      try {
        await fn(async (route) => {
          const response = await program.dispatchFetch(`http://worker.test/${route}`);
          const text = await response.text();
          assertEquals(response.status, 200, text);
          return JSON.parse(text);
        }, runtime);
      } finally {
        await program.dispose();
      }
    }, {
      skip: isNode ? skip(runtime) : "the edge runtimes are programs for Node",
      deadline: 30_000,
      leaves: "Miniflare keeps a worker of its own",
    });
  }
}

testEdge("The README's table of runtimes tells what this one can do", async (ask, runtime) => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const column = runtime.startsWith("workerd") ? "workerd" : "edge-runtime";
  assertEquals(readColumn(readme, column), await ask("table"));
});

testEdge(
  "Importing does nothing, and an executor may be made and used at the top",
  async (ask, runtime) => {
    assertEquals(await ask("facts"), {
      name: runtime.startsWith("workerd") ? "workerd" : "edge-runtime",
      parallel: false,
      inline: true,
      maxWorkers: 2,
      atTheTop: 3,
      entries: [true, true, true, true],
      newGlobals: [],
    });
  },
);

testEdge("Executors and pools of workers say what to use instead", async (ask, runtime) => {
  const refusals = await ask("refusals") as string[][];
  assertEquals(refusals.map(([name]) => name), [
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
    "ThreadPool",
    "Pool",
  ]);
  for (const [name, error, message] of refusals) {
    assertEquals(error, "UnsupportedError", name);
    assertMatch(message!, /^Cannot start (workers|processes): .* has none; use createExecutor\(\)/);
  }
  assertStringIncludes(refusals[0]![2]!, runtime.split(" ")[0]!);
});

for (const [route, what] of [["shared", "the same executor"], ["own", "one each"]] as const) {
  testEdge(`Requests at the same time get what they submitted, of ${what}`, async (ask) => {
    const names = ["a", "b", "c", "d"];
    const answers = await Promise.all(names.map((name) => ask(`${route}?name=${name}`))) as {
      most: number;
      results: string[];
    }[];
    assertEquals(
      answers.map(({ results }) => results),
      names.map((name) => Array.from({ length: 12 }, (_, i) => `${name}${i}`)),
    );
    for (const { most } of answers) assert(most >= 1 && most <= 2, `${most} ran at once`);
  });
}

testEdge(
  "A request that ends with tasks on the shared executor holds up no other",
  async (ask) => {
    for (let i = 0; i < 3; i++) await ask("abandon");
    const [answer] = await Promise.all([ask("shared?name=x"), ask("abandon")]);
    assertEquals((answer as { results: string[] }).results.length, 12);
  },
  (runtime) => runtime === "edge-runtime" && "there the requests are one program's",
);

/** What tasks have logged, when there is something from two. */
async function logOf(ask: (route: string) => Promise<unknown>): Promise<unknown> {
  for (;;) {
    const log = await ask("log") as string[];
    if (log.length >= 2) return log;
    await delay(5);
  }
}

testEdge("Work ends after the response if there is waitUntil", async (ask) => {
  assertEquals(await ask("answer?name=with&wait"), "answered");
  assertEquals(await logOf(ask), ["with1", "with2"]);
});

testEdge(
  "Work ends with the response if there is no waitUntil",
  async (ask) => {
    assertEquals(await ask("answer?name=without"), "answered");
    assertEquals(await ask("answer?name=with&wait"), "answered"); // takes as long, and more
    assertEquals(await logOf(ask), ["with1", "with2"]);
  },
  (runtime) => runtime === "edge-runtime" && "it does not end what a request left behind",
);

testEdge("wait(), timeouts of tasks and their neighbours", async (ask) => {
  assertEquals(await ask("timeouts"), [
    0,
    2,
    'TimeoutError: Cannot finish task "anonymous" within 20 ms',
    'TimeoutError: Cannot finish task "anonymous" within 20 ms',
    "unharmed",
  ]);
});

testEdge("A task of a module that cannot be loaded fails, and says which", async (ask) => {
  assertMatch(
    await ask("module") as string,
    /^TypeError: Cannot run task "missing" of file:\/\/\/no\/such\/module\.js: /,
  );
});
