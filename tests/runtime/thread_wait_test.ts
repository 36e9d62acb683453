import { assert, assertEquals } from "@std/assert";
import { ThreadPoolExecutor } from "../../mod.ts";
import { sharedClaims } from "../../src/engine/table_claims.ts";
import { WAITS_BACK } from "../../src/wire/messages.ts";
import { ThreadWait } from "../../src/worker/thread_wait.ts";
import { test } from "../harness.ts";

/** A thread whose port is a list. */
function fake(options: {
  /** Called before each look for a message, with how many there were. */
  look?: (count: number) => void;
  resources?: () => string[];
  isIdle?: () => boolean;
  receive?: () => void;
} = {}) {
  const { look = () => {}, receive = () => {}, isIdle = () => true } = options;
  const { resources = () => ["MessagePort"] } = options;
  const port: unknown[] = [];
  const said: string[] = [];
  const claims = sharedClaims(4);
  const table = claims.table!;
  let looks = 0;
  const wait = new ThreadWait(
    {
      turn: (callback) => setTimeout(callback, 0),
      clear: (turn) => clearTimeout(turn as ReturnType<typeof setTimeout>),
      take() {
        look(looks++);
        if (port.length === 0) return undefined;
        const message = port.shift();
        if (message === "unreadable") throw new Error("cannot be read");
        return { message };
      },
      resources,
    },
    (message) => {
      receive();
      said.push(`${message}`);
      queueMicrotask(() => said.push(`after ${message}`));
    },
    () => said.push("told"),
  );
  wait.open(table, isIdle);
  const waits = (): boolean => Atomics.load(table, table.length - WAITS_BACK) === 1;
  return { port, said, claims, wait, waits };
}

/** Until all turns are over: as many of the event loop as it takes, and more. */
async function turns(): Promise<void> {
  for (let i = 0; i < 25; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

test("a waiting thread takes each message in a turn of its own, in order", async () => {
  const { port, said, wait } = fake();
  const messages = Array.from({ length: 50 }, (_, i) => i);
  port.push(...messages.slice(1));
  wait.hear(0);
  await turns();
  assertEquals(said, messages.flatMap((i) => [`${i}`, `after ${i}`]));
});

test("a thread waits only while nothing else could happen on it", async () => {
  for (
    const busy of [{ resources: () => ["MessagePort", "Timeout", "x"] }, { isIdle: () => false }]
  ) {
    const waited: boolean[] = [];
    const { port, wait, waits, said } = fake({ ...busy, look: () => waited.push(waits()) });
    port.push(1);
    wait.hear(0);
    await turns();
    assert(!waited.includes(true));
    // While tasks run, messages are left to the event loop.
    assertEquals(said.length, "isIdle" in busy ? 2 : 4);
  }
});

test("a message that comes when a thread is about to wait rings", async () => {
  const { port, claims, said, wait, waits } = fake({
    look: (count) => {
      if (count !== 0) return;
      // The owner is between these two: the thread has seen nothing, and says that it waits.
      assert(waits());
      port.push("late");
      claims.ring!();
      assert(!waits());
    },
  });
  wait.hear("first");
  await turns();
  assertEquals(said, ["first", "after first", "late", "after late"]);
  assert(!waits());
});

test("a waiting thread tells of a message that it cannot read, and listens on", async () => {
  const { port, said, wait } = fake();
  port.push("unreadable");
  wait.hear("first");
  await turns();
  wait.hear("next");
  await turns();
  assertEquals(said, ["first", "after first", "told", "next", "after next"]);
});

test("a thread asks for no turns whose arrays a task has spoilt", async () => {
  const prototype = Array.prototype as unknown as Record<number, unknown>;
  const { port, said, wait } = fake({ receive: () => prototype[0] = "spoilt" });
  try {
    port.push(1);
    wait.hear(0);
    await turns();
  } finally {
    delete prototype[0];
  }
  assertEquals(said, ["0", "after 0"]);
});

test("what a task leaves behind runs while others follow one by one", async () => {
  await using executor = new ThreadPoolExecutor(1);
  await executor.submit(() => {
    const scope = globalThis as { count?: number };
    scope.count = 0;
    const timer = setInterval(() => {
      if (++scope.count! === 3) clearInterval(timer);
    }, 1);
  });
  const count = () => (globalThis as { count?: number }).count!;
  while (await executor.submit(count) < 3); // or this ends by its deadline
  await executor.submit(() => {
    const scope = globalThis as { count?: number };
    queueMicrotask(() => scope.count = 10);
  });
  assertEquals(await executor.submit(count), 10);
});

test("a worker that waits for its next task can be ended at once", async () => {
  for (let i = 0; i < 10; i++) {
    const executor = new ThreadPoolExecutor(1);
    assertEquals(await executor.submit((x: number) => x, i), i);
    await (i % 2 === 0 ? executor.terminate() : executor.shutdown());
  }
});
