import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Worker as ThreadWorker } from "node:worker_threads";
import {
  BrokenThreadPoolError,
  createExecutor,
  InlineExecutor,
  namedTasks,
  ThreadPoolExecutor,
  TimeoutError,
  UnsupportedError,
} from "../../mod.ts";
import { detectRuntime, edgeRuntime } from "../../src/runtime/mod.ts";
import type { WorkerHandle } from "../../src/runtime/mod.ts";
import { test } from "../harness.ts";
import { ended, runProgram } from "../run_program.ts";

const runtime = detectRuntime();
const { name } = runtime;
const OWN_WORKER = new URL("./own_worker.ts", import.meta.url);
const { add, whoAmI } = namedTasks<typeof import("../fixtures/tasks.ts")>();

test("detectRuntime() knows where it runs", () => {
  const { versions } = process as { versions: Record<string, string | undefined> };
  assertEquals(name, versions.deno ? "Deno" : versions.bun ? "Bun" : "Node.js");
  assert(runtime.availableParallelism() >= 1);
  assertEquals(runtime.capabilities.parallel, true);
});

test(
  "an exit is told once, last, and after every message: 200 workers that end at once",
  async () => {
    const program = `
    const port = globalThis.self === undefined || globalThis.self.postMessage === undefined
      ? process.getBuiltinModule("node:worker_threads").parentPort : globalThis.self;
    for (let i = 0; i < 20; i++) port.postMessage(i);
    setTimeout(() => process.exit(3), 0);
  `;
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 10 }, async () => {
        const seen: string[] = [];
        const ended = Promise.withResolvers<void>();
        const handle: WorkerHandle = runtime.spawn({ name: "test", program }, {
          message: (data) => seen.push(String(data)),
          error: () => seen.push("error"),
          messageError: () => seen.push("messageError"),
          exit: (code) => {
            seen.push(`exit ${code}`);
            ended.resolve();
          },
        });
        handle.ref();
        await ended.promise;
        await delay(2);
        assertEquals(seen.at(-1), "exit 3");
        assertEquals(seen.filter((text) => text.startsWith("exit")).length, 1);
        assertEquals(seen.slice(0, -1), seen.slice(0, -1).map((_, i) => String(i)));
      }));
    }
  },
  { deadline: 120_000 },
);

test(
  "threads start where no code may be made of text, and say so of tasks that are text",
  async () => {
    assertEquals(
      await runProgram(
        `const executor = new cf.ThreadPoolExecutor(1);
       const url = "data:text/javascript,export function double(x) { return 2 * x }";
       const { double } = cf.importTasks<{ double(x: number): number }>(url);
       const ofText = await executor.submit(() => 1).exception() as Error;
       console.log(await executor.submit(double, 4), ofText.name, ofText.message.includes("use importTasks()"));
       await executor.shutdown();`,
        ["--disallow-code-generation-from-strings"],
      ),
      ended("8 TypeError true\n"),
    );
  },
  { skip: name !== "Node.js" && "only Node has the flag" },
);

test("threads see nothing of what they were started from", async () => {
  await using executor = new ThreadPoolExecutor(1);
  const seen = await executor.submit(async () => {
    const threads = await import("node:worker_threads");
    return [
      threads.workerData ?? null,
      ["module", "exports", "__filename"].filter((name) => Object.hasOwn(globalThis, name)),
      process.argv.length < 3,
    ];
  });
  assertEquals(seen, [null, [], true]);
});

test("a worker of the user's own, of the web's kind, serves named tasks", async () => {
  const { Worker } = globalThis as unknown as {
    Worker: new (url: URL, options: { type: "module" }) => unknown;
  };
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    threadNamePrefix: "own",
    worker: () => new Worker(OWN_WORKER, { type: "module" }),
  });
  assertEquals(await executor.submit(add, 1, 2), 3);
  assertEquals(await executor.submit(whoAmI), "own_0");
}, { skip: name === "Node.js" && "Node has no global Worker" });

test("a worker of the user's own, of node:worker_threads, serves named tasks", async () => {
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    worker: () => new ThreadWorker(OWN_WORKER),
  });
  assertEquals(await executor.submit(add, 1, 2), 3);
  const missing = namedTasks<{ nothing(): void }>().nothing;
  await assertRejects(() => executor.submit(missing).result(), TypeError, `"nothing"`);
  assertEquals(await executor.submit((x: number) => x, 1), 1); // plain functions work there too
});

test("a named task needs a worker that serves it, and says so", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await assertRejects(() => executor.submit(add, 1, 2).result(), TypeError, "serve()");
});

test("a factory that gives no worker breaks the executor, and says what it gave", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, worker: () => "worker" });
  const error = await assertRejects(
    () => executor.submit(() => 1).result(),
    BrokenThreadPoolError,
  );
  assert((error.cause as Error).message.includes('expected a Worker, got "worker"'));
});

test("env reaches the workers", async () => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, env: { GREETING: "hello" } });
  type Env = { process: { env: Record<string, string> } };
  assertEquals(
    await executor.submit(() => (globalThis as unknown as Env).process.env.GREETING),
    "hello",
  );
});

test("resourceLimits isolate a task that runs out of memory", async () => {
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    resourceLimits: { maxOldGenerationSizeMb: 32 },
  });
  const hungry = executor.submit(() => {
    const all: number[][] = [];
    for (;;) all.push(new Array(10_000).fill(1.5));
  });
  assertEquals((await hungry.exception() as Error).name, "WorkerCrashError");
  assertEquals(await executor.submit(() => "alive"), "alive");
}, {
  skip: name === "Bun"
    ? "Bun has no resourceLimits"
    : name === "Deno" && "Deno 2.9 hangs a worker that reaches its limit in a message handler",
  deadline: 30_000,
});

test("options that this runtime does not have are refused by the constructor", () => {
  const options = {
    permissions: "none" as const,
    resourceLimits: { maxOldGenerationSizeMb: 32 },
  };
  // Deno was started without the flag that permissions need.
  assertThrows(
    () => new ThreadPoolExecutor({ permissions: options.permissions }),
    UnsupportedError,
    name === "Deno" ? "--unstable-worker-options" : `${name} has`.slice(0, name.length),
  );
  if (name === "Bun") {
    assertThrows(
      () => new ThreadPoolExecutor({ resourceLimits: options.resourceLimits }),
      UnsupportedError,
      "resourceLimits",
    );
  }
});

test("permissions restrict workers, whose every death is told", () => {
  const folder = mkdtempSync(join(tmpdir(), "permissions-"));
  const file = join(folder, "main.ts");
  writeFileSync(
    file,
    `import { ThreadPoolExecutor } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url))};
    const executor = new ThreadPoolExecutor({ maxWorkers: 1, permissions: "none" });
    const name = async (task) => (await executor.submit(task).exception())?.name;
    console.log(executor.capabilities.stopsBusyTasks, await executor.submit(() => 1 + 1));
    console.log(await name(() => { Deno.readTextFileSync("/etc/hostname"); }));
    console.log(await name(() => { Deno.exit(3); }));
    console.log(await executor.submit(() => 3));
    console.log(await name(() => { self.close(); return new Promise(() => {}); }));
    console.log(await executor.submit(() => 4));`,
  );
  const args = ["run", "--no-check", "--no-config", "--unstable-worker-options", file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  });
  rmSync(folder, { recursive: true });
  assertEquals({ status, stdout, stderr }, {
    status: 0,
    stdout: "false 2\nNotCapable\nWorkerCrashError\n3\nWorkerCrashError\n4\n",
    stderr: "",
  });
}, { skip: name !== "Deno" && "only Deno has permissions of workers" });

test("a runtime without workers: executors say so, and none falls back", () => {
  assertThrows(
    () => new ThreadPoolExecutor({ runtime: edgeRuntime }),
    UnsupportedError,
    "createExecutor()",
  );
  assertThrows(() => edgeRuntime.spawn({ name: "", program: "" }, {} as never), UnsupportedError);
});

test("createExecutor() is an InlineExecutor where there are no workers", async () => {
  const scope = globalThis as { EdgeRuntime?: string };
  scope.EdgeRuntime = "edge-runtime"; // how Vercel's runtime says what it is
  try {
    await using executor = createExecutor();
    assert(executor instanceof InlineExecutor);
    assertEquals(executor.capabilities.parallel, false);
    assertEquals(await executor.submit((x: number) => x + 1, 1), 2);
  } finally {
    delete scope.EdgeRuntime;
  }
});

/** A worker of a user's own making, which runs for as long as it is let, and what it does when it is asked. */
function stubborn(
  terminate: () => unknown,
  postMessage?: () => void,
  hold?: () => void,
): () => unknown {
  return () => {
    const worker = new ThreadWorker(OWN_WORKER);
    return {
      on: worker.on.bind(worker),
      ref: hold ?? (() => worker.ref()),
      unref: hold ?? (() => worker.unref()),
      postMessage: postMessage ?? worker.postMessage.bind(worker),
      terminate: () => {
        worker.terminate();
        return terminate();
      },
    };
  };
}

for (
  const [what, terminate] of [
    ["gives nothing", () => undefined],
    ["throws", () => {
      throw new RangeError("of terminate()");
    }],
  ] as const
) {
  test(`a worker of the user's own whose terminate() ${what} can be stopped`, async () => {
    await using executor = new ThreadPoolExecutor({
      maxWorkers: 1,
      worker: stubborn(terminate),
      grace: 0,
    });
    const endless = executor.with({ timeout: 50 }).submit(() => new Promise<void>(() => {}));
    await assertRejects(() => endless.result(), TimeoutError);
    assertEquals(await executor.submit((x: number) => x, 1), 1);
  });
}

test("a worker of the user's own whose postMessage() throws fails what waits for it", async () => {
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    worker: stubborn(() => undefined, () => {
      throw new RangeError("of postMessage()");
    }),
  });
  await assertRejects(() => executor.submit((x: number) => x, 1).result(), BrokenThreadPoolError);
});

test("a worker of the user's own whose ref() and unref() throw does its work all the same", async () => {
  await using executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    worker: stubborn(() => undefined, undefined, () => {
      throw new RangeError("of ref()");
    }),
    grace: 0,
  });
  for (let i = 0; i < 3; i++) {
    assertEquals(await executor.submit((x: number) => x, i), i);
    await new Promise((resolve) => setTimeout(resolve)); // idle: it is held no more
  }
  const endless = executor.with({ timeout: 50 }).submit(() => new Promise<void>(() => {}));
  await assertRejects(() => endless.result(), TimeoutError);
  assertEquals(await executor.submit((x: number) => x, 1), 1);
});
