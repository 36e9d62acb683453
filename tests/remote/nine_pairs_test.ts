/**
 * A client on the runtime of this test and a worker on each of the three, over a real Redis: nine pairs in all
 * three suites. Each worker is the program of the command line, in a process of its own.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Pool, TimeoutError, wait } from "../../mod.ts";
import { DistributedExecutor, UnknownTaskError } from "../../src/remote/mod.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { test } from "../harness.ts";
import { RUNTIME } from "../runtime/handles.ts";
import { PROGRAMS } from "../runtime/programs.ts";
import { tasks } from "./fleet.ts";
import { noRedis, RedisServer } from "./redis_server.ts";

const PROGRAM = fileURLToPath(new URL("../../src/cli/cli.ts", import.meta.url));
const TASKS = fileURLToPath(new URL("tasks.ts", import.meta.url));
const SECRET = "nine pairs share a secret";

const RUNTIMES = {
  deno: [PROGRAMS.deno, "run", "-A", "--no-check"],
  bun: [PROGRAMS.bun],
  node: [PROGRAMS.node],
} as const;

/** A worker that is ready. */
interface Worker extends AsyncDisposable {
  readonly child: ChildProcess;
}

/** Starts a worker and waits until it serves. */
async function startWorker(kind: keyof typeof RUNTIMES, server: RedisServer): Promise<Worker> {
  const [path, ...flags] = RUNTIMES[kind];
  const child = spawn(path, [
    ...[...flags, PROGRAM, "worker", "--url", server.url, "--queue", "pairs"],
    ...["--module", `tests=${TASKS}`, "--concurrency", "2", "--grace", "0"],
    ...["--secret-env", "PAIRS_SECRET"],
  ], {
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", PAIRS_SECRET: SECRET },
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: unknown): void => {
      output += chunk;
      if (output.includes(" serves ")) resolve();
    };
    child.stdout!.on("data", read);
    child.stderr!.on("data", read);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`${kind} worker ended with ${code}: ${output}`)));
  });
  return {
    child,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

for (const kind of ["deno", "bun", "node"] as const) {
  test(`a fleet over Redis does what an executor does [${RUNTIME} -> ${kind}]`, async () => {
    await using server = await RedisServer.start();
    await using worker = await startWorker(kind, server);
    const transport = bullmq({ url: server.url, queue: "pairs" });
    const executor = new DistributedExecutor(transport, { secret: SECRET });
    try {
      await executor.ready();
      const [info, ...others] = await executor.workers();
      assertEquals([info!.runtime.split(" ")[0], info!.places, info!.pid], [
        kind,
        2,
        worker.child.pid,
      ]);
      assertEquals(others, []);

      // Values, errors, contexts.
      const value = new Map<string, unknown>([["d", new Date(5)], ["b", [
        1n,
        new Uint8Array([7]),
      ]]]);
      assertEquals(await executor.submit(tasks.echo, value as unknown), value);
      const error = await executor.submit(tasks.fail, "no").exception() as RangeError;
      assert(error instanceof RangeError && error.cause instanceof TypeError);
      assertEquals([error.message, (error as unknown as { code: string }).code], ["no", "E_NO"]);
      assertEquals((await executor.submit(tasks.whoAmI)).attempt, 1);
      const { nope } = tasks as unknown as { nope: typeof tasks.double };
      assert(await executor.submit(nope, 1).exception() instanceof UnknownTaskError);

      // Many, in chunks and not, with failures in between.
      const items = Array.from({ length: 300 }, (_, i) => i);
      const doubled = items.map((x) => 2 * x);
      assertEquals(await executor.map(tasks.double, items).toArray(), doubled);
      assertEquals(await executor.map(tasks.double, items, { chunkSize: 50 }).toArray(), doubled);
      const odd = await executor.map(tasks.failOdd, items, { chunkSize: 9, settled: true })
        .toArray();
      assertEquals(odd.map(({ status }) => status === "rejected"), items.map((x) => x % 2 === 1));
      const { done } = await wait(items.map((x) => executor.submit(tasks.double, x)));
      assertEquals(done.size, 300);
      const pool = new Pool({ executor });
      assertEquals(await pool.starmap(tasks.add, [[1, 2], [3, 4]]), [3, 7]);
      pool.close();
      await pool.join();

      // Progress, retries, ids.
      const seen: unknown[] = [];
      const reporting = executor.with({ onProgress: (report) => seen.push(report) });
      assertEquals(await reporting.submit(tasks.report, 3), "done");
      assertEquals(seen, [{ step: 0 }, { step: 1 }, { step: 2 }]);
      assertEquals(await executor.with({ retries: 1 }).submit(tasks.failUntil, 2), 2);
      assertEquals(await executor.with({ taskId: "once" }).submit(tasks.double, 3), 6);
      assertEquals(await executor.attach<number>("once"), 6);

      // What is busy is ended, and what waits behind it is taken back.
      const stop = new AbortController();
      const busy = [1, 2].map(() => executor.with({ signal: stop.signal }).submit(tasks.forEver));
      const late = executor.submit(tasks.double, 1);
      while (executor.stats().running < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      assertEquals(await executor.revoke(late), true);
      stop.abort(new Error("enough"));
      for (const future of busy) await assertRejects(() => future.result(), Error, "enough");
      const slow = executor.with({ timeout: 100 }).submit(tasks.forEver);
      assert(await slow.exception() instanceof TimeoutError);
      assertEquals(await executor.submit(tasks.double, 21), 42);
    } finally {
      await executor.terminate();
    }
  }, { deadline: 60_000, skip: noRedis });
}
