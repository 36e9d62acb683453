import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main } from "../../src/cli/cli.ts";
import { DistributedExecutor, remoteTasks } from "../../src/remote/mod.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { test } from "../harness.ts";
import { freePort, noRedis, RedisServer } from "../remote/redis_server.ts";

// With the project's configuration, as it tells where packages are.
const RUN = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
const PROGRAM = fileURLToPath(new URL("../../src/cli/cli.ts", import.meta.url));
const TASKS = fileURLToPath(new URL("tasks.ts", import.meta.url));
const SECRET = "a secret of more than sixteen characters";

interface Ending {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The program, as it runs. */
class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  readonly #ending: Ending = { code: null, stdout: "", stderr: "" };
  #look: (() => void) | undefined;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [...RUN, PROGRAM, ...args], {
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout!.on("data", (chunk) => {
      this.#ending.stdout += chunk;
      this.#look?.();
    });
    this.child.stderr!.on("data", (chunk) => this.#ending.stderr += chunk);
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (code) => {
        this.#ending.code = code;
        this.#look?.();
        resolve(this.#ending);
      });
    });
  }

  /** Waits until this has been printed. */
  async says(text: string): Promise<string> {
    while (!this.#ending.stdout.includes(text)) {
      if (this.#ending.code !== null) throw new Error(JSON.stringify(this.#ending));
      await new Promise<void>((resolve) => this.#look = resolve);
    }
    return this.#ending.stdout;
  }

  /** Not by `child.kill()`: Deno 2.9 then says that it was killed, whatever its exit code was. */
  signal(name: "SIGTERM" | "SIGINT"): void {
    process.kill(this.child.pid!, name);
  }

  [Symbol.dispose](): void {
    this.child.kill("SIGKILL");
  }
}

async function run(args: readonly string[], env?: Record<string, string>): Promise<Ending> {
  using program = new Program(args, env);
  return await program.ended;
}

/** A failure of the set-up: one line that says it, and exit code 1. */
function assertRefused({ code, stdout, stderr }: Ending, text: string): void {
  assertStringIncludes(stderr, text);
  assertMatch(stderr, /^concurrent-futures: [^\n]+\n$/);
  assertEquals({ code, stdout: stdout.replace(/.* takes tasks from .*\n/, "") }, {
    code: 1,
    stdout: "",
  });
}

const workerOf = (server: { url: string }, ...more: string[]): string[] => [
  ...["worker", "--url", server.url, "--queue", "q", "--module", `tasks=${TASKS}`],
  ...["--concurrency", "2", ...more],
];
const NOWHERE = { url: "redis://someone:password@127.0.0.1:1" };

test("concurrent-futures: wrong options are one clear line, and exit code 1", async () => {
  const wrong: [args: string[], text: string][] = [
    [[], "there is no command"],
    [["wrong"], 'there is no command "wrong"'],
    [["worker", "--wrong"], "Unknown option '--wrong' (see concurrent-futures worker --help)"],
    [["worker", "--module", "a=b.ts"], "--queue is missing"],
    [["worker", "--queue", "q", "--url", "redis://x"], "--module is missing"],
    [workerOf(NOWHERE, "--concurrency", "0"), '--concurrency "0" is not a whole number'],
    [workerOf(NOWHERE, "--log", "xml"), '--log "xml" is none of text, json'],
    [workerOf(NOWHERE, "--lock", "10", "--check", "6"), "check"],
    [workerOf(NOWHERE, "--secret-env", "NOT_SET"), "the variable NOT_SET is not set"],
    [workerOf({ url: "http://x:secret@y" }), "--url begins neither with redis://"],
    [["status", "--queue", "q"], "--url is missing, and CONCURRENT_FUTURES_URL is not set"],
  ];
  const url = process.env["CONCURRENT_FUTURES_URL"];
  delete process.env["CONCURRENT_FUTURES_URL"];
  const printed = console.error;
  try {
    for (const [args, text] of wrong) {
      let stderr = "";
      console.error = (line: string) => stderr += `${line}\n`;
      const code = await main(args);
      console.error = printed;
      assertRefused({ code, stdout: "", stderr }, text);
      assertEquals(/secret@|password/.test(stderr), false, "no password is shown");
    }
  } finally {
    console.error = printed;
    if (url !== undefined) process.env["CONCURRENT_FUTURES_URL"] = url;
  }
  assertRefused(await run(["worker", "--wrong"]), "Unknown option '--wrong'");
}, { deadline: 60_000 });

test("concurrent-futures: --help is told with exit code 0", async () => {
  const endings = await Promise.all([run(["--help"]), run(["worker", "-h"])]);
  assertEquals(endings.map(({ code, stderr }) => ({ code, stderr })), [
    { code: 0, stderr: "" },
    { code: 0, stderr: "" },
  ]);
  assertStringIncludes(endings[1].stdout, "--module NAME=PATH");
}, { deadline: 60_000 });

test(
  "concurrent-futures: an engine that is not there is one clear line, without its password",
  async () => {
    const endings = await Promise.all([
      run(workerOf(NOWHERE)),
      run(["status", "--queue", "q"], { CONCURRENT_FUTURES_URL: NOWHERE.url }),
    ]);
    for (const ending of endings) {
      assertRefused(ending, "Cannot reach Redis at redis://127.0.0.1:1: connect ECONNREFUSED");
      assertEquals(ending.stderr.includes("password"), false);
    }
  },
  { deadline: 60_000 },
);

const redis = { skip: noRedis, deadline: 60_000 };

test("concurrent-futures worker: a module that does not load is one clear line", async () => {
  await using server = await RedisServer.start();
  const endings = await Promise.all([
    run([...workerOf(server), "--module", "gone=./not_there.ts"]),
    run([...workerOf(server), "--allow", "tasks#notThere"]),
  ]);
  assertRefused(endings[0], 'Cannot load module "gone"');
  assertRefused(endings[1], 'Cannot allow "tasks#notThere"');
}, redis);

test(
  "concurrent-futures worker: serves, answers about its health, and hands back what SIGTERM leaves",
  async () => {
    await using server = await RedisServer.start();
    const port = await freePort();
    const env = { CONCURRENT_FUTURES_URL: server.url, SECRET };
    const args = [
      ...["worker", "--queue", "q", "--module", `tasks=${TASKS}`, "--concurrency", "2"],
      ...[
        "--secret-env",
        "SECRET",
        "--grace",
        "50",
        "--health-port",
        String(port),
        "--log",
        "json",
      ],
    ];
    using first = new Program(args, env);
    await first.says('"serves ');
    const health = await (await fetch(`http://127.0.0.1:${port}/`)).json();
    assertEquals(health, { state: "ok", running: 0, done: 0 });

    const executor = new DistributedExecutor(bullmq({ url: server.url, queue: "q" }), {
      secret: SECRET,
    });
    const { double, untilFileIsThere } = remoteTasks<typeof import("./tasks.ts")>("tasks");
    assertEquals(await executor.submit(double, 21), 42);
    assertEquals((await executor.workers()).map(({ pid }) => pid), [first.child.pid]);

    const flag = `/tmp/concurrent-futures-${process.pid}-${port}`;
    const future = executor.submit(untilFileIsThere, flag);
    while (!future.running()) await new Promise((resolve) => setTimeout(resolve, 20));
    first.signal("SIGTERM");
    const { code, stdout, stderr } = await first.ended;
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line).message as string);
    assertEquals(lines.slice(-3), [
      "SIGTERM: takes no more, 1 running",
      "handed back 1: tasks#untilFileIsThere",
      "stopped",
    ]);
    assertEquals(stdout.includes(flag), false, "arguments are in no log");

    using second = new Program(
      args.filter((arg) => arg !== "--health-port" && arg !== String(port)),
      env,
    );
    await second.says('"serves ');
    const { writeFileSync, rmSync } = await import("node:fs");
    writeFileSync(flag, "");
    try {
      assertEquals(await future, 1); // the attempt does not count what was handed back
    } finally {
      rmSync(flag);
    }
    await executor.shutdown();
    second.signal("SIGTERM");
    assertEquals((await second.ended).code, 0);
  },
  redis,
);

test(
  "concurrent-futures worker: gives up an engine that stays away, with exit code 75",
  async () => {
    await using server = await RedisServer.start();
    using program = new Program(workerOf(server, "--give-up", "300"));
    await program.says(" serves ");
    await server.down("SIGKILL");
    const { code, stderr } = await program.ended;
    assertEquals(code, 75);
    assertStringIncludes(stderr, "the engine is away");
    assertStringIncludes(stderr, "gives up");
  },
  redis,
);

test("concurrent-futures status: a table, and JSON", async () => {
  await using server = await RedisServer.start();
  const args = ["status", "--url", server.url, "--queue", "q"];
  using worker = new Program(workerOf(server));
  await worker.says(" serves ");
  const [table, json] = await Promise.all([run(args), run([...args, "--json"])]);
  assertEquals([table.code, table.stderr, json.code, json.stderr], [0, "", 0, ""]);
  assertMatch(
    table.stdout,
    /^bullmq q at redis:\/\/127\.0\.0\.1:\d+\n\nwaiting +running +oldest +rate/,
  );
  assertMatch(table.stdout, /worker +runtime +host +pid +running +done +up\n.* 0\/2 /);
  const report = JSON.parse(json.stdout);
  assertEquals([report.waiting, report.running, report.rate], [0, 0, 0]);
  assertEquals(report.workers.map(({ pid }: { pid: number }) => pid), [worker.child.pid]);
  worker.signal("SIGTERM");
  assertEquals((await worker.ended).code, 0);
}, redis);

test("concurrent-futures status --watch: again and again, until SIGINT", async () => {
  await using server = await RedisServer.start();
  using program = new Program(["status", "--url", server.url, "--queue", "q", "--json", "--watch"]);
  while ((await program.says("\n")).split("\n").length < 3) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  program.signal("SIGINT");
  const { code, stdout, stderr } = await program.ended;
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  for (const line of stdout.trim().split("\n")) assertEquals(JSON.parse(line).waiting, 0);
}, redis);
