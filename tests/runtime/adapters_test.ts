import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { UnsupportedError } from "../../mod.ts";
import { bunRuntime, denoRuntime, detectRuntime, nodeRuntime } from "../../src/runtime/mod.ts";
import { browserRuntime, edgeRuntime } from "../../src/runtime/mod.ts";
import { test } from "../harness.ts";
import { Observed, RUNTIME, SUBJECTS } from "./handles.ts";

/** Long enough for a second exit, or for a message after it, to come if one was on its way. */
const later = (): Promise<void> => delay(20);

for (const subject of SUBJECTS) {
  const { skip } = subject;
  const title = (text: string): string => `${subject.name}: ${text}`;

  test(title("messages go both ways, as clones"), async () => {
    const worker = new Observed(subject, "listen((message) => post({ echo: message }));");
    const sent = {
      map: new Map([[1, new Date(0)]]),
      bytes: new Uint8Array([1, 2]),
      none: undefined,
    };
    const reply = worker.next("message");
    worker.handle.post(sent);
    assertEquals(await reply, { echo: sent });
    worker.handle.terminate();
    await worker.next("exit");
  }, { skip });

  test(title("what is posted before the worker listens arrives, in order"), async () => {
    const worker = new Observed(
      subject,
      "const got = []; listen((n) => { got.push(n); if (got.length === 100) post(got); });",
    );
    for (let i = 0; i < 100; i++) worker.handle.post(i);
    assertEquals(await worker.next("message"), Array.from({ length: 100 }, (_, i) => i));
    worker.handle.terminate();
    await worker.next("exit");
  }, { skip });

  test(title("what is transferred moves, there and back"), async () => {
    const worker = new Observed(subject, "listen((buffer) => post(buffer, [buffer]));");
    const buffer = new Uint8Array([7]).buffer;
    const reply = worker.next("message");
    worker.handle.post(buffer, [buffer]);
    assertEquals(buffer.byteLength, 0);
    assertEquals(new Uint8Array(await reply as ArrayBuffer), new Uint8Array([7]));
    worker.handle.terminate();
    await worker.next("exit");
  }, { skip });

  test(title("the exit comes after the last message, with its code, once"), async () => {
    const worker = new Observed(
      subject,
      `listen(() => { for (let i = 0; i < 500; i++) post([i]); ${subject.leave}; });`,
    );
    worker.handle.post("go");
    assertEquals(await worker.next("exit"), subject.exitCode);
    await later();
    assertEquals(worker.names(), [...Array(500).fill("message"), "exit"]);
  }, { skip });

  test(title("terminate() ends an idle worker; a second one does nothing"), async () => {
    const worker = new Observed(subject, "listen(() => {}); post('ready');");
    await worker.next("message");
    const exited = worker.next("exit");
    worker.handle.terminate();
    worker.handle.terminate();
    assertEquals(worker.names(), ["message"]); // never from within the call
    await exited;
    worker.handle.terminate();
    await later();
    assertEquals(worker.names(), ["message", "exit"]);
  }, { skip });

  test(title("terminate() ends a worker that has not loaded yet"), async () => {
    const worker = new Observed(subject, "listen(() => {}); post('ready');");
    const exited = worker.next("exit");
    worker.handle.terminate();
    await exited;
    await later();
    assertEquals(worker.names().filter((name) => name === "exit").length, 1);
    assertEquals(worker.names().at(-1), "exit");
  }, { skip });

  test(title("terminate() ends a busy worker"), async () => {
    // Deno stops a busy worker only while it holds a lock; the library's program holds one.
    const busy = "post('busy'); for (;;);";
    const worker = new Observed(
      subject,
      RUNTIME === "deno" ? `navigator.locks.request("busy", () => { ${busy} });` : busy,
    );
    await worker.next("message");
    const exited = worker.next("exit");
    worker.handle.terminate();
    await exited;
    await later();
    assertEquals(worker.names(), ["message", "exit"]);
  }, {
    skip: skip || !subject.capabilities.stopsBusyTasks && "it cannot, and its capabilities say so",
  });

  test(title("an error at the top level is told, then the exit"), async () => {
    const worker = new Observed(subject, "throw new TypeError('at the top');");
    await worker.next("exit");
    await later();
    assertEquals(worker.names(), ["error", "exit"]);
    const [, error] = worker.told[0]!;
    assert(String((error as Error).message).includes("at the top"));
  }, { skip });

  test(title("a program that cannot be read is told as an error, then the exit"), async () => {
    const worker = new Observed(subject, "(((");
    await worker.next("exit");
    await later();
    assertEquals(worker.names(), ["error", "exit"]);
    assertInstanceOf(worker.told[0]![1], Error);
  }, { skip });

  test(title("a message that cannot be cloned throws, and the worker lives on"), async () => {
    const worker = new Observed(subject, "listen((message) => post(message));");
    const error = assertThrows(() => worker.handle.post([() => {}])) as Error;
    assertEquals(error.name, "DataCloneError");
    // The name of the error that Bun 1.3 throws for a dead worker, here of a living one.
    const getter = {
      get value(): never {
        throw new DOMException("mine", "InvalidStateError");
      },
    };
    assertEquals((assertThrows(() => worker.handle.post(getter)) as Error).message, "mine");
    const reply = worker.next("message");
    worker.handle.post("alive");
    for (let got = await reply; got !== "alive";) got = await worker.next("message");
    worker.handle.terminate();
    await worker.next("exit");
  }, { skip });

  test(title("a dead worker takes every call in silence"), async () => {
    const worker = new Observed(subject, `post(1); ${subject.leave};`);
    const exited = worker.next("exit");
    for (let i = 0; i < 20; i++) { // some of these while it dies
      worker.handle.post(i);
      await delay(1);
    }
    await exited;
    worker.handle.post([1]);
    worker.handle.ref();
    worker.handle.unref();
    worker.handle.terminate();
    await later();
    assertEquals(worker.names(), ["message", "exit"]);
  }, { skip });

  test(title("a worker of the user's own must be a new Worker"), () => {
    const spawn = (factory: () => unknown): unknown =>
      subject.runtime.spawn({ name: "test", program: "", factory }, {} as never);
    const { port1, port2 } = new MessageChannel();
    for (
      const [what, shown] of [
        [undefined, "undefined"],
        [null, "null"],
        ["worker.js", '"worker.js"'],
        [{ postMessage() {} }, "an object"],
        [Promise.resolve(), "a Promise"],
        [port1, ""],
      ] as const
    ) {
      assertThrows(() => spawn(() => what), TypeError, `got ${shown}`);
    }
    port1.close();
    port2.close();
    const error = new RangeError("of the factory");
    assertEquals(
      assertThrows(() =>
        spawn(() => {
          throw error;
        })
      ),
      error,
    );
    const same = {
      postMessage() {},
      terminate: () => Promise.resolve(),
      on() {},
      ref() {},
      unref() {},
    };
    spawn(() => same);
    assertThrows(() => spawn(() => same), TypeError, "got the same again");
  }, { skip, leaves: "it makes a worker that is none" });
}

test("unsupported() names the option, the runtime and what to do, and ignores none", () => {
  const factory = (): unknown => undefined;
  const env = {};
  const resourceLimits = {};
  const texts = (runtime: typeof denoRuntime): (string | undefined)[] =>
    [
      {},
      { factory },
      { permissions: "none" as const },
      { resourceLimits },
      { env },
      { env, factory },
      { resourceLimits, factory },
    ].map((options) => {
      const error = runtime.unsupported(options);
      if (error !== undefined) assertInstanceOf(error, UnsupportedError);
      return error?.message.replace(/^Cannot use (\w+).*: /, "$1: ");
    });
  const withFactory = (name: string): string =>
    `${name}: give it to the Worker that worker() makes`;

  assertEquals(texts(nodeRuntime), [
    undefined,
    undefined,
    "permissions: Node.js has no permissions of workers; use env and resourceLimits",
    undefined,
    undefined,
    withFactory("env"),
    withFactory("resourceLimits"),
  ]);
  assertEquals(texts(bunRuntime), [
    undefined,
    undefined,
    "permissions: workers of Bun have none",
    "resourceLimits: workers of Bun have none",
    undefined,
    withFactory("env"),
    "resourceLimits: workers of Bun have none",
  ]);
  assertEquals(texts(browserRuntime), [
    undefined,
    undefined,
    "permissions: workers of browsers have none",
    "resourceLimits: workers of browsers have none",
    "env: workers of browsers have none",
    "env: workers of browsers have none",
    "resourceLimits: workers of browsers have none",
  ]);
  assertEquals(texts(denoRuntime), [
    undefined,
    undefined,
    "permissions: start Deno with the flag --unstable-worker-options",
    undefined,
    undefined,
    withFactory("env"),
    withFactory("resourceLimits"),
  ]);
  for (const text of texts(edgeRuntime)) {
    assertEquals(
      text,
      "Cannot start workers: this runtime has none; use createExecutor() or InlineExecutor",
    );
  }
});

test("detectRuntime() looks for edge runtimes first, which imitate others", () => {
  const scope = globalThis as { EdgeRuntime?: string };
  const own = Object.getOwnPropertyDescriptor(globalThis, "navigator")!;
  const before = detectRuntime();
  scope.EdgeRuntime = "edge-runtime";
  try {
    assertEquals(detectRuntime(), edgeRuntime);
  } finally {
    delete scope.EdgeRuntime;
  }
  const value = { userAgent: "Cloudflare-Workers" };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  try {
    assertEquals(detectRuntime(), edgeRuntime);
  } finally {
    Object.defineProperty(globalThis, "navigator", own);
  }
  assertEquals(detectRuntime(), before);
});
