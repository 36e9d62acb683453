/**
 * What goes wrong between a client, a Redis and its workers, with a real server. In each: every future settles
 * once, with its own value or an error that says what happened; what ran is bounded; nothing stays in Redis.
 *
 * `npm run soak:remote` runs the long forms.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { InlineExecutor } from "../../mod.ts";
import type { TasksOf } from "../../mod.ts";
import {
  DistributedExecutor,
  type DistributedExecutorOptions,
  EngineFullError,
  remoteTasks,
  RemoteWorker,
  type RemoteWorkerOptions,
  ResultLostError,
} from "../../src/remote/mod.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { test } from "../harness.ts";

import { freePort, noRedis, RedisServer } from "./redis_server.ts";
import { TcpProxy } from "./tcp_proxy.ts";

// With the project's configuration, as it tells where packages are.
const RUN = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
const LONG = process.env["SOAK_REMOTE"] === "1";
const MODULE = import.meta.resolve("./redis_tasks.ts");
const PROGRAM = fileURLToPath(new URL("../../src/cli/cli.ts", import.meta.url));
const tasks: TasksOf<typeof import("./redis_tasks.ts")> = remoteTasks<
  typeof import("./redis_tasks.ts")
>("tests");
/** Those of some seconds: in `npm test` one runtime is enough. */
const ELSEWHERE = "runs on Node; npm run soak:remote runs it everywhere";
const onNode = !("Deno" in globalThis || "Bun" in globalThis);
const redis = { skip: noRedis, deadline: LONG ? 300_000 : 60_000 };

const slow = { ...redis, skip: noRedis ?? (LONG || onNode ? undefined : ELSEWHERE) };

/** The short form's number, or the long one's. */
const scale = (short: number, long: number): number => LONG ? long : short;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** A server, clients and workers of one test. */
class Fleet {
  readonly server: RedisServer;
  readonly folder: string = mkdtempSync(join(tmpdir(), "fleet-"));
  readonly #clients: DistributedExecutor[] = [];
  readonly #workers: { stop(): Promise<void> }[] = [];

  constructor(server: RedisServer) {
    this.server = server;
  }

  static async start(...args: string[]): Promise<Fleet> {
    return new Fleet(await RedisServer.start(...args));
  }

  client(options: DistributedExecutorOptions = {}, url = this.server.url): DistributedExecutor {
    const executor = new DistributedExecutor(bullmq({ url, queue: "q" }), options);
    this.#clients.push(executor);
    return executor;
  }

  /** A worker on this thread. */
  hire(options: Partial<RemoteWorkerOptions> = {}, url = this.server.url): () => Promise<void> {
    const executor = new InlineExecutor({ maxWorkers: 16 });
    const stopper = new AbortController();
    const ended = new RemoteWorker(bullmq({ url, queue: "q" }), {
      ...{ modules: { tests: MODULE }, executor, lock: 1_000, grace: 0, log: () => {} },
      ...options,
    }).run({ signal: stopper.signal }).finally(() => executor.terminate());
    ended.catch(() => {});
    const stop = (): Promise<void> => {
      stopper.abort();
      return ended;
    };
    this.#workers.push({ stop });
    return stop;
  }

  /** A worker of its own process, with threads; resolves when it takes tasks. */
  spawn(...more: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, [
      ...[...RUN, PROGRAM, "worker", "--url", this.server.url, "--queue", "q"],
      ...["--module", `tests=${fileURLToPath(MODULE)}`, "--concurrency", "2", ...more],
    ], { stdio: ["ignore", "pipe", "ignore"] });
    this.#workers.push({
      stop: () =>
        new Promise((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) return resolve();
          child.on("exit", () => resolve());
          child.kill("SIGKILL");
        }),
    });
    return new Promise((resolve, reject) => {
      child.on("exit", (code) => reject(new Error(`the worker ended with ${code}`)));
      child.stdout!.on("data", (text) => {
        if (String(text).includes(" serves ")) resolve(child);
      });
    });
  }

  /** A file that tasks write a line to each time they run. */
  get runs(): string {
    return join(this.folder, "runs");
  }

  countRuns(): number {
    try {
      return readFileSync(this.runs, "utf8").length;
    } catch {
      return 0;
    }
  }

  /**
   * How often tasks may have run more than once: so many were in flight at the fault, unless more locks were lost.
   * A machine that stands still for longer than a lock is a fault as well, and the queue counts it.
   */
  againAtMost(inFlight: number): number {
    const lost = Number(this.server.cli("hget", "cf:q:cf:totals", "redelivered") || 0);
    return Math.max(inFlight, lost);
  }

  /** Ends all, and looks for what is left. */
  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.shutdown()));
    // The server chooses: the names of 100,000 results are more than a process may print.
    const keys = this.server.cli("keys", "*:cf:replies:*").split("\n");
    const channels = keys.filter((key) => key !== "");
    const counts = ["wait", "active"].map((name) => this.server.cli("llen", `cf:q:${name}`));
    const waiting = this.server.cli("zcard", "cf:q:prioritized");
    await this.#stop();
    assertEquals({ channels, counts, waiting }, { channels: [], counts: ["0", "0"], waiting: "0" });
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.terminate()));
    await Promise.allSettled(this.#workers.map(({ stop }) => stop()));
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** After a failure: ends what there is. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

const AOF = ["--appendonly", "yes", "--appendfsync", "everysec"];

test(
  "redis: a worker that is killed in mid-task is replaced within lock and check (F1)",
  async () => {
    await using fleet = await Fleet.start();
    const [lock, check] = [2_000, 1_000];
    const first = await fleet.spawn("--lock", String(lock), "--check", String(check));
    const executor = fleet.client();
    const future = executor.submit(tasks.slow, fleet.runs, 600);
    while (fleet.countRuns() === 0) await pause(20);
    first.kill("SIGKILL");
    fleet.hire({ lock, check });
    assertEquals(await future, 2); // the second attempt
    assertEquals(fleet.countRuns(), 2);
    await fleet.end();
  },
  slow,
);

test("redis: a task that blocks for three locks runs once (F2)", async () => {
  await using fleet = await Fleet.start();
  await fleet.spawn("--lock", "1000", "--check", "500");
  fleet.hire({ lock: 1_000, check: 500, concurrency: 1 }); // who would take what seems lost
  const executor = fleet.client();
  const futures = range(2).map(() => executor.submit(tasks.spin, fleet.runs, 3_500));
  assertEquals(await Promise.all(futures), [1, 1]);
  assertEquals(fleet.countRuns(), 2);
  await fleet.end();
}, { ...redis, skip: redis.skip ?? (LONG ? undefined : "npm run soak:remote runs it") });

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`redis: the server is ended by ${signal} in mid-run and comes back (F4)`, async () => {
    await using fleet = await Fleet.start(...AOF);
    fleet.hire({ lock: scale(2_000, 10_000) });
    const executor = fleet.client();
    const count = scale(300, 3_000);
    const futures = range(count).map((i) => executor.submit(tasks.noted, fleet.runs, i, 10));
    while (fleet.countRuns() < count / 4) await pause(5);
    await fleet.server.down(signal);
    await pause(scale(300, 2_000));
    await fleet.server.up();
    assertEquals(await Promise.all(futures), range(count).map((i) => 2 * i));
    const runs = fleet.countRuns();
    // What was in flight may run again; with SIGKILL also what the last second's log did not hold.
    assert(
      runs >= count && runs <= count + (signal === "SIGTERM" ? fleet.againAtMost(16) : count),
      `${runs} runs`,
    );
    await fleet.end();
  }, slow);
}

for (const outage of [1_500, 8_000, 20_000]) {
  const short = outage > 2_000 && !LONG;
  test(
    `redis: an outage of ${outage} ms while all is idle; what is submitted meanwhile runs (F5)`,
    async () => {
      await using fleet = await Fleet.start(...AOF);
      fleet.hire({ lock: 10_000 });
      const executor = fleet.client();
      assertEquals(await executor.submit(tasks.double, 1), 2);
      await pause(scale(100, 2_000));
      await fleet.server.down();
      const future = executor.submit(tasks.double, 2);
      await pause(outage);
      assertEquals(future.done(), false);
      await fleet.server.up();
      const back = performance.now();
      assertEquals(await future, 4);
      // The client library's own pause would be as long as the outage; a loaded machine has some seconds.
      const took = performance.now() - back;
      assert(took < 6_000 || outage < 6_000, `${Math.round(took)} ms`);
      await fleet.end();
    },
    { ...slow, skip: slow.skip ?? (short ? "npm run soak:remote runs it" : undefined) },
  );
}

test(
  "redis: a worker behind a partition loses its tasks to others, and comes back (F6)",
  async () => {
    await using fleet = await Fleet.start();
    using proxy = await TcpProxy.start(fleet.server.port);
    const far = `redis://127.0.0.1:${proxy.port}`;
    fleet.hire({ lock: 1_000, check: 500, concurrency: 4 }, far);
    const executor = fleet.client();
    const count = scale(100, 4_000);
    const futures = range(count).map((i) => executor.submit(tasks.noted, fleet.runs, i, 20));
    while (fleet.countRuns() < count / 4) await pause(5);
    proxy.cut = true;
    fleet.hire({ lock: 1_000, check: 500, concurrency: 4 });
    assertEquals(await Promise.all(futures), range(count).map((i) => 2 * i));
    assert(fleet.countRuns() <= count + fleet.againAtMost(4), `${fleet.countRuns()} runs`);
    proxy.cut = false;
    await fleet.end();
  },
  slow,
);

test("redis: a server that stands still loses nothing (F7)", async () => {
  await using fleet = await Fleet.start();
  fleet.hire({ lock: 10_000 });
  const executor = fleet.client();
  const futures = range(200).map((i) => executor.submit(tasks.noted, fleet.runs, i, 5));
  while (fleet.countRuns() < 20) await pause(5);
  process.kill(fleet.server.pid, "SIGSTOP");
  await pause(scale(1_000, 5_000));
  process.kill(fleet.server.pid, "SIGCONT");
  assertEquals(await Promise.all(futures), range(200).map((i) => 2 * i));
  assertEquals(fleet.countRuns(), 200);
  await fleet.end();
}, redis);

test("redis: many tasks, and one of two workers killed (F8)", async () => {
  await using fleet = await Fleet.start();
  const victim = await fleet.spawn("--lock", "2000", "--check", "1000");
  fleet.hire({ lock: 2_000, check: 1_000 });
  const executor = fleet.client();
  const count = scale(1_000, 100_000);
  const futures = range(count).map((i) => executor.submit(tasks.double, i));
  await futures[count / 4];
  victim.kill("SIGKILL");
  assertEquals(await Promise.all(futures), range(count).map((i) => 2 * i));
  await fleet.end();
}, slow);

test("redis: a client that blocks misses nothing (F9)", async () => {
  await using fleet = await Fleet.start();
  await fleet.spawn();
  const executor = fleet.client();
  const count = scale(400, 8_000);
  const futures = range(count).map((i) => executor.submit(tasks.double, i));
  await futures[0];
  const end = performance.now() + scale(1_000, 4_000);
  while (performance.now() < end);
  assertEquals(await Promise.all(futures), range(count).map((i) => 2 * i));
  await fleet.end();
}, redis);

test(
  "redis: the first reply reaches each fresh client (F11), eight of them on one queue (F18)",
  async () => {
    await using fleet = await Fleet.start();
    fleet.hire();
    for (let i = 0; i < scale(3, 25); i++) {
      const clients = range(8).map(() => fleet.client());
      const values = await Promise.all(clients.map((client, i) => client.submit(tasks.double, i)));
      assertEquals(values, range(8).map((i) => 2 * i));
      await Promise.all(clients.map((client) => client.shutdown()));
    }
    await fleet.end();
  },
  redis,
);

test("redis: what the server forgot is a ResultLostError (F14)", async () => {
  await using fleet = await Fleet.start();
  const executor = fleet.client();
  const futures = range(5).map((i) => executor.submit(tasks.double, i));
  while (fleet.server.cli("zcard", "cf:q:prioritized") !== "5") await pause(20);
  fleet.server.cli("flushall");
  const errors = await Promise.all(futures.map((future) => future.exception()));
  for (const error of errors) assertInstanceOf(error, ResultLostError);
  fleet.hire();
  assertEquals(await executor.submit(tasks.double, 4), 8);
  await fleet.end();
}, slow);

test("redis: a full server is an EngineFullError for what did not fit (F15)", async () => {
  await using fleet = await Fleet.start("--maxmemory", "20mb");
  const executor = fleet.client({ batchSize: 8 });
  const bytes = new Uint8Array(500_000);
  const futures = range(60).map(() => executor.submit(tasks.size, bytes));
  const refused = await futures.at(-1)!.exception();
  assertInstanceOf(refused, EngineFullError);
  assert(!inspect(refused, { depth: 9 }).includes("args:"), "a cause shows the arguments");
  fleet.hire();
  let fitted = 0;
  for (const future of futures) {
    const error = await future.exception();
    if (error === undefined) {
      assertEquals(await future, 500_000);
      fitted++;
    } else assertInstanceOf(error, EngineFullError);
  }
  assert(fitted > 0 && fitted < 60, `${fitted} fitted`);
  assertEquals(await executor.submit(tasks.double, 1), 2); // there is room again
  await fleet.end();
}, slow);

test("redis: a client that is ended leaves others alone (F20)", async () => {
  await using fleet = await Fleet.start();
  const [one, two] = [fleet.client(), fleet.client()];
  const lost = range(20).map((i) => one.submit(tasks.double, i));
  const kept = range(20).map((i) => two.submit(tasks.double, i));
  while (fleet.server.cli("zcard", "cf:q:prioritized") !== "40") await pause(20);
  await one.shutdown({ cancelFutures: true });
  assertEquals(lost.every((future) => future.cancelled()), true);
  fleet.hire();
  assertEquals(await Promise.all(kept), range(20).map((i) => 2 * i));
  await fleet.end();
}, redis);

test("redis: clients and workers end while the server is away (F20)", async () => {
  await using fleet = await Fleet.start();
  const stop = fleet.hire();
  const executor = fleet.client();
  assertEquals(await executor.submit(tasks.double, 1), 2);
  await fleet.server.down("SIGKILL");
  const future = executor.submit(tasks.double, 2);
  await executor.terminate();
  assertEquals(future.done(), true); // cancelled, or failed if it was sent already
  await stop();
}, redis);

for (const work of ["nothing", "a task"]) {
  const name = `redis: a worker that holds ${work} ends before it knows that the server died (F20)`;
  test(name, async () => {
    await using fleet = await Fleet.start();
    const stop = fleet.hire();
    const executor = fleet.client();
    await executor.submit(tasks.double, 1);
    const future = work === "nothing"
      ? executor.submit(tasks.double, 2)
      : executor.submit(tasks.slow, fleet.runs, 3_000);
    if (work === "nothing") await future;
    else while (fleet.countRuns() === 0) await pause(20);
    const dead = fleet.server.down("SIGKILL");
    await Promise.all([stop(), executor.terminate()]);
    assertEquals(future.done(), true);
    await dead;
  }, work === "nothing" ? redis : slow);
}

test("redis: rediss:// with a certificate of its own and a password", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
  ], { stdio: "ignore" });
  const port = await freePort();
  try {
    await using _server = await RedisServer.start(
      ...["--tls-port", String(port), "--tls-cert-file", cert, "--tls-key-file", key],
      ...["--tls-auth-clients", "no", "--requirepass", "opensesame"],
    );
    const connection = { tls: { ca: readFileSync(cert) } };
    const transport = (password: string): ReturnType<typeof bullmq> =>
      bullmq({ url: `rediss://:${password}@localhost:${port}`, queue: "q", connection });
    const good = transport("opensesame");
    assertEquals((await good.status()).waiting, 0);
    await good.close();
    assertEquals(good.name.includes("opensesame"), false);
    const wrong = transport("wrong");
    const error = await wrong.status().then(() => undefined, (error) => error);
    await wrong.close();
    assert(error instanceof Error && /WRONGPASS/.test(error.message), String(error));
    assertEquals(error.message.includes("opensesame"), false);
    assert(!/["']wrong["']/.test(inspect(error, { depth: 9 })), "a cause shows the password");
    const strange = bullmq({ url: `rediss://:opensesame@localhost:${port}`, queue: "q" });
    const refused = await strange.status().then(() => undefined, (error) => error);
    await strange.close();
    assert(refused instanceof Error && /certificate/i.test(refused.message), String(refused));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, slow);

test("redis: random kills of workers, for a while (F19)", async () => {
  await using fleet = await Fleet.start();
  const executor = fleet.client({ maxRedeliveries: 100 });
  const [seconds, every] = [90, 9];
  const end = performance.now() + seconds * 1_000;
  let worker = await fleet.spawn("--lock", "2000", "--check", "1000");
  await fleet.spawn("--lock", "2000", "--check", "1000");
  let next = performance.now() + every * 1_000;
  let count = 0;
  while (performance.now() < end) {
    const inputs = range(20).map(() => count++);
    const values = inputs.map((i) => executor.submit(tasks.noted, fleet.runs, i, 5));
    assertEquals(await Promise.all(values), inputs.map((i) => 2 * i));
    if (performance.now() > next) {
      worker.kill("SIGKILL");
      worker = await fleet.spawn("--lock", "2000", "--check", "1000");
      next = performance.now() + every * 1_000 * (0.5 + Math.random());
    }
  }
  const kills = seconds / every;
  const again = fleet.againAtMost(4 * kills);
  assert(fleet.countRuns() <= count + again, `${fleet.countRuns()} runs of ${count} tasks`);
  await fleet.end();
}, {
  skip: redis.skip ?? (LONG ? undefined : "npm run soak:remote runs it"),
  deadline: 400_000,
});
