import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { spawn } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  SerializationError,
  ThreadPoolExecutor,
  transfer,
  UnsupportedError,
  WorkerCrashError,
} from "../../mod.ts";
import type { ThreadPoolExecutorOptions } from "../../mod.ts";
import { childProcessRuntime } from "../../src/runtime/process/start_process.ts";
import type { ProcessRuntimeOptions } from "../../src/runtime/process/start_process.ts";
import type { Runtime, WorkerHandle } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { until } from "../contract/executors.ts";
import { RUNTIME } from "./handles.ts";
import { PROGRAMS } from "./programs.ts";

const KINDS = ["deno", "bun", "node"] as const;
type Kind = typeof KINDS[number];

/** An executor whose workers are processes. */
function processes(
  options: ProcessRuntimeOptions = {},
  more: ThreadPoolExecutorOptions = {},
): ThreadPoolExecutor {
  return new ThreadPoolExecutor({ maxWorkers: 1, runtime: childProcessRuntime(options), ...more });
}

/** Which runtime runs a task. */
function whichRuntime(): string {
  if ("Deno" in globalThis) return "deno";
  return "bun" in process.versions ? "bun" : "node";
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // In a container nobody may take notice of the dead.
    return process.platform !== "linux" ||
      !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The arguments that run one of the programs on this runtime. */
function programArguments(name: string, flags: readonly string[] = ["-A"]): string[] {
  const file = fileURLToPath(new URL("process_program.ts", import.meta.url));
  return RUNTIME === "deno" ? ["run", "--no-check", ...flags, file, name] : [file, name];
}

/** Runs one of the programs of process_program.ts to its end. */
function run(
  name: string,
  flags?: readonly string[],
): Promise<{ out: string; err: string; code: unknown }> {
  const child = spawn(process.execPath, programArguments(name, flags));
  const got = { out: "", err: "", code: undefined as unknown };
  child.stdout.on("data", (text) => got.out += text);
  child.stderr.on("data", (text) => got.err += text);
  return new Promise((resolve) => child.on("close", (code) => resolve({ ...got, code })));
}

for (const kind of KINDS) {
  const command = { path: PROGRAMS[kind] };
  const title = (text: string): string => `${RUNTIME} -> ${kind}: ${text}`;

  test(title("tasks run on the runtime that the command names"), async () => {
    await using executor = processes({ command });
    assertEquals(await executor.submit(whichRuntime), kind);
    assert(await executor.submit(() => process.pid) !== process.pid);
    const squares = await executor.map((x: number) => x * x, [...Array(1000).keys()]).toArray();
    assertEquals(squares, Array.from({ length: 1000 }, (_, i) => i * i));
  });

  test(title("values of all kinds arrive as they left, there and back"), async () => {
    await using executor = processes({ command });
    const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
    const cycle: Record<string, unknown> = { name: "cycle" };
    cycle.self = cycle;
    const sent = [
      [undefined, null, true, -0, NaN, Infinity, 1.5, 2n ** 70n, -5n, "ü\uD800"],
      new Map<unknown, unknown>([[{ a: 1 }, new Set([1, NaN])]]),
      [new Date(5), /a[/]b/gi],
      [new Uint8Array(buffer, 1, 2), new DataView(buffer), buffer, new Float64Array([0.1, -0])],
      JSON.parse('{"__proto__": 1, "a": {"b": []}}'),
      cycle,
      [Object(1), Object("s")],
      Array.from({ length: 100 }, (_, i) => i / 7),
    ];
    for (const value of sent) assertEquals(await executor.submit((x: unknown) => x, value), value);
    // deno-lint-ignore no-sparse-arrays
    assertEquals(1 in await executor.submit((x: unknown[]) => x, [1, , 3]), false);
  });

  test(title("errors arrive with class, cause and properties, there and back"), async () => {
    await using executor = processes({ command });
    const error = new RangeError("sent", { cause: new TypeError("why") });
    const back = await executor.submit((e: RangeError) => [e instanceof RangeError, e], error);
    assertEquals(back[0], true);
    assertInstanceOf(back[1], RangeError);
    assertInstanceOf(back[1].cause, TypeError);
    const thrown = await assertRejects(
      () =>
        executor.submit(() => {
          throw Object.assign(new SyntaxError("thrown"), {
            code: 7,
            port: new SharedArrayBuffer(8),
          });
        }).result(),
      SyntaxError,
      "thrown",
    );
    assertEquals((thrown as unknown as { code: number }).code, 7);
  });

  test(title("64 MiB go there and back while this thread goes on"), async () => {
    await using executor = processes({ command });
    await executor.submit(() => 0);
    const bytes = new Uint8Array(64 * 2 ** 20).fill(7);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const back = await executor.submit((b: Uint8Array) => b, bytes);
    clearInterval(timer);
    assertEquals(back.length, bytes.length);
    assert(back.every((byte) => byte === 7));
    assert(turns > 5, `${turns} turns`);
  }, { deadline: 20_000 });

  test(title("a process that is killed fails its own task, with the signal as cause"), async () => {
    await using executor = processes({ command });
    const error = await assertRejects(
      () => executor.submit(() => process.kill(process.pid, "SIGKILL")).result(),
      WorkerCrashError,
    );
    assertEquals(error.exitCode, undefined);
    assert(String((error.cause as Error).message).endsWith("was ended by SIGKILL"));
    assertEquals(await executor.submit(() => 1), 1);
  });

  test(
    title("process.exit() in a task fails it, with the exit code; earlier results arrive"),
    async () => {
      await using executor = processes({ command });
      const first = executor.submit(() => "x".repeat(50_000));
      const second = executor.submit(() => process.exit(7));
      assertEquals((await first).length, 50_000);
      const error = await assertRejects(() => second.result(), WorkerCrashError);
      assertEquals(error.exitCode, 7);
      assertEquals(await executor.submit(() => 1), 1);
    },
  );

  test(title("what cannot be sent fails its own future, either way"), async () => {
    await using executor = processes({ command });
    const tasks = [
      executor.submit((x: unknown) => x, new SharedArrayBuffer(8)),
      executor.submit((x: unknown) => x, () => 1),
      executor.submit(() => new SharedArrayBuffer(8)),
      executor.submit(() => Symbol()),
      executor.submit(() => new MessageChannel().port1),
    ];
    const good = executor.submit((x: number) => x + 1, 1);
    for (const task of tasks) await assertRejects(() => task.result(), SerializationError);
    assertEquals(await good, 2);
    const mapped = executor.map((x: number) => x === 1 ? new SharedArrayBuffer(1) : x, [0, 1, 2], {
      chunkSize: 3,
    });
    await assertRejects(() => mapped.toArray(), SerializationError);
  });

  test(title("a process in a loop is stopped"), async () => {
    await using executor = processes({ command });
    const pid = await executor.submit(() => process.pid);
    const loop = executor.submit(() => {
      for (;;);
    });
    await until(() => loop.running());
    await executor.terminate();
    assertEquals(isAlive(pid), false);
  });

  test(title("cwd and env are the process's own"), async () => {
    const directory = realpathSync(tmpdir());
    await using executor = processes({ command, cwd: directory }, { env: { WHO: "child" } });
    const [cwd, who, home] = await executor.submit(() => [
      process.cwd(),
      process.env.WHO,
      process.env.HOME,
    ]);
    assertEquals([cwd, who, home], [directory, "child", undefined]);
    const before = process.cwd();
    await executor.submit(() => process.chdir("/"));
    assertEquals(process.cwd(), before);
  });

  test(title("permissions: a process may do no more than asked"), async () => {
    const permissions = kind === "node" ? { read: false } : "none" as const;
    const create = (): ThreadPoolExecutor => processes({ command }, { permissions });
    if (kind === "bun") return void assertThrows(create, UnsupportedError, "Bun has none");
    await using executor = create();
    assertEquals(await executor.submit((x: number) => x + 1, 1), 2);
    const read = (path: string): Promise<string> =>
      import("node:fs/promises").then(({ readFile }) => readFile(path, "utf8"));
    const file = fileURLToPath(import.meta.url);
    await assertRejects(() => executor.submit(read, file).result());
    await using reader = processes({ command }, { permissions: { read: [file] } });
    assert((await reader.submit(read, file)).length > 100);
    await assertRejects(() => reader.submit(read, PROGRAMS.node).result());
  });

  test(title("a command that cannot be started breaks the executor, and says why"), async () => {
    await using executor = processes({ command: { path: `/nowhere/${kind}` } });
    await assertRejects(() => executor.submit(() => 1).result());
  });
}

// --- the handle ---

/** A process and all that it told, in order. */
class Told {
  readonly told: unknown[][] = [];
  readonly handle: WorkerHandle;
  readonly ended: Promise<void>;

  constructor(program: string, runtime: Runtime = childProcessRuntime()) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    const prelude = `const port = globalThis[Symbol.for("@concurrent/futures.processPort")];\n`;
    this.handle = runtime.spawn({ name: "test", program: prelude + program }, {
      message: (data) => this.told.push(["message", data]),
      error: (error) => this.told.push(["error", (error as Error).message]),
      messageError: () => this.told.push(["messageError"]),
      exit: (exitCode, signal) => {
        this.told.push(["exit", exitCode, signal]);
        resolve();
      },
    });
    this.handle.ref();
  }
}

test("the exit comes after the last message, with its code, once", async () => {
  const worker = new Told("for (let i = 0; i < 100; i++) port.postMessage(i); process.exit(3);");
  await worker.ended;
  assertEquals(worker.told.length, 101);
  assertEquals(worker.told.at(-1), ["exit", 3, undefined]);
});

test("a signal is told", async () => {
  const worker = new Told(`process.kill(process.pid, "SIGTERM");`);
  await worker.ended;
  assertEquals(worker.told.map(([name]) => name), ["error", "exit"]);
  assertEquals(worker.told.at(-1), ["exit", undefined, "SIGTERM"]);
});

test("messages posted before the program listens arrive in order, of all sizes", async () => {
  const worker = new Told(
    `port.on("message", (m) => m === "end" ? process.exit(0) : port.postMessage(m.length));`,
  );
  const sizes = [0, 1, 1_000, 65_530, 65_536, 1 << 20, 3_000_001, 5, 1 << 22, 0];
  for (const size of sizes) worker.handle.post(new Uint8Array(size));
  worker.handle.post("end");
  await worker.ended;
  assertEquals(worker.told.slice(0, -1).map(([, length]) => length), sizes);
});

test("post() throws what cannot be sent, and sends nothing of it", async () => {
  const worker = new Told(`port.on("message", (m) => { port.postMessage(m); process.exit(0); });`);
  const { port1 } = new MessageChannel();
  const buffer = new ArrayBuffer(8);
  assertThrows(() => worker.handle.post({ a: [port1] }), DOMException);
  assertThrows(() => worker.handle.post(buffer, [buffer, port1]), DOMException);
  assertEquals(buffer.byteLength, 8);
  worker.handle.post(buffer, [buffer]);
  assertEquals(buffer.byteLength, 0);
  port1.close();
  await worker.ended;
  assertEquals(worker.told.map(([name]) => name), ["message", "exit"]);
  worker.handle.post("to the dead"); // is lost
});

test("terminate() ends a process that has not loaded yet; a second one does nothing", async () => {
  const worker = new Told("for (;;);");
  worker.handle.terminate();
  worker.handle.terminate();
  assertEquals(worker.told, []);
  await worker.ended;
  assertEquals(worker.told, [["exit", undefined, "SIGKILL"]]);
});

test("a transferred buffer is empty here afterwards", async () => {
  await using executor = processes();
  const bytes = new Uint8Array(1024);
  assertEquals(
    await executor.submit((b: Uint8Array) => b.length, transfer(bytes, [bytes.buffer])),
    1024,
  );
  assertEquals(bytes.length, 0);
});

// --- whole programs ---

test("an idle pool lets the program end, and what tasks printed is printed", async () => {
  const { out, err, code } = await run("idle");
  assertEquals(out.split("\n").length, 1001);
  assert(err.includes("warning"), err);
  assertEquals(code, 0);
});

test("what processes print reaches the program's stdout in whole lines, and nothing is added", async () => {
  const { out } = await run("lines");
  assertEquals(out, "one line\n".repeat(100) + "one line".repeat(2));
});

for (const name of ["orphan", "busyOrphan"]) {
  test(`${name}: a process ends when the program is killed`, async () => {
    const program = spawn(process.execPath, programArguments(name));
    const pid = await new Promise<number>((resolve) =>
      program.stdout.on("data", (text) => resolve(Number(text)))
    );
    assertEquals(isAlive(pid), true);
    program.kill("SIGKILL");
    await until(() => !isAlive(pid));
  });
}

test("without its flags the error names them", async () => {
  for (const flags of [["--allow-env", "--allow-read"], ["--allow-run", "--allow-read"]]) {
    const { out } = await run("refused", flags);
    assert(out.includes("UnsupportedError: Cannot start processes: Deno"), out);
    assert(out.includes("they need --allow-run and --allow-env"), out);
  }
}, { skip: RUNTIME !== "deno" && "only Deno has such flags" });

test("options that processes cannot heed are refused", () => {
  for (const more of [{ worker: () => {} }, { resourceLimits: { stackSizeMb: 1 } }]) {
    assertThrows(() => processes({}, more), UnsupportedError);
  }
  assertThrows(() => processes({ command: "python" as Kind }), TypeError);
  assertThrows(() => processes({ command: { path: "/bin/cat" } }), UnsupportedError);
  const net = { permissions: { net: ["a.b"] } };
  assertThrows(() => processes({ command: { path: PROGRAMS.node } }, net), UnsupportedError, "net");
});
