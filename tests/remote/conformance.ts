/**
 * What every transport keeps, declared once for each engine: see `src/remote/transport.ts`.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type {
  ConsumeOptions,
  Consumer,
  Delivery,
  Job,
  JobHandler,
  JobResult,
  Lookup,
  RemoteWorkerInfo,
  Reply,
  Transport,
} from "../../src/remote/transport.ts";
import { test } from "../harness.ts";

/** One queue of an engine, for one test. */
export interface TestQueue {
  /** A new client or worker of this queue. */
  transport(): Transport;
  /** Ends the queue; all transports are closed already. */
  close(): Promise<void>;
}

/** An engine that is tried. */
export interface TestEngine {
  readonly name: string;
  readonly skip?: string | undefined;
  create(): Promise<TestQueue>;
  /** What is left in the engine of a queue on which nothing goes on: names, for messages. */
  leftovers?(queue: TestQueue): Promise<readonly string[]>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);
const text = (payload: Uint8Array): string => decoder.decode(payload);

function job(id: string, more: Partial<Job> = {}): Job {
  return {
    id,
    name: "tasks#run",
    payload: bytes(id),
    priority: 0,
    retries: 0,
    backoff: 10,
    maxRedeliveries: 3,
    resultTtl: 60_000,
    ...more,
  };
}

const completed = (value: string): JobResult => ({ status: "completed", payload: bytes(value) });
const failed = (value: string, final = true): JobResult => ({
  status: "failed",
  payload: bytes(value),
  summary: `Error: ${value}`,
  final,
});

/** Outcomes as text, which assertions show better. */
function shown(lookup: Lookup): string {
  if (typeof lookup === "string") return lookup;
  return lookup.status === "lost"
    ? `lost ${lookup.redeliveries}`
    : `${lookup.status} ${text(lookup.payload)}`;
}

function shownReply(reply: Reply): string {
  if (reply.kind === "started") return `${reply.id} started on ${reply.worker}`;
  if (reply.kind === "progress") return `${reply.id} progress ${text(reply.payload)}`;
  return `${reply.id} ${shown(reply.outcome)}`;
}

/** A value that somebody waits for. */
class Gate<T = void> {
  readonly promise: Promise<T>;
  open!: (value: T) => void;
  constructor() {
    this.promise = new Promise((resolve) => this.open = resolve);
  }
}

/** Replies of a client, and waiting for them. */
class Inbox {
  readonly seen: string[] = [];
  readonly #waiting = new Set<() => void>();

  readonly take = (replies: readonly Reply[]): void => {
    this.seen.push(...replies.map(shownReply));
    for (const look of this.#waiting) look();
  };

  /** Resolves once all of these have come. */
  async has(...wanted: string[]): Promise<void> {
    const all = (): boolean => wanted.every((one) => this.seen.includes(one));
    while (!all()) {
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#waiting.delete(look);
          resolve();
        };
        this.#waiting.add(look);
      });
    }
  }
}

/** All of a test's transports, which are closed at its end. */
class Setup {
  readonly #queue: TestQueue;
  readonly #open: Transport[] = [];
  readonly #engine: TestEngine;

  constructor(engine: TestEngine, queue: TestQueue) {
    this.#engine = engine;
    this.#queue = queue;
  }

  transport(): Transport {
    const transport = this.#queue.transport();
    this.#open.push(transport);
    return transport;
  }

  async client(): Promise<{ client: Transport; inbox: Inbox }> {
    const client = this.transport();
    const inbox = new Inbox();
    await client.replies(inbox.take);
    return { client, inbox };
  }

  async worker(
    handler: JobHandler,
    more: Partial<ConsumeOptions> = {},
  ): Promise<{ transport: Transport; consumer: Consumer }> {
    const transport = this.transport();
    const consumer = await transport.consume({
      concurrency: 4,
      lock: 2_000,
      check: 1_000,
      describe: () => info("worker"),
      onTrouble: () => {},
      ...more,
    }, handler);
    return { transport, consumer };
  }

  async end(): Promise<void> {
    for (const transport of this.#open) await transport.close();
    const left = await this.#engine.leftovers?.(this.#queue) ?? [];
    await this.#queue.close();
    assertEquals(left, [], "nothing is left in the engine");
  }
}

function info(name: string): RemoteWorkerInfo {
  return {
    name,
    runtime: "node 24.0.0",
    host: "here",
    pid: 1,
    places: 4,
    running: 1,
    done: 2,
    since: 3,
  };
}

/** Waits until the answer is yes; for what an engine tells nobody. */
async function until(answer: () => Promise<boolean>): Promise<void> {
  while (!await answer()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Declares the tests of one engine. */
export function conformance(engine: TestEngine): void {
  const check = (name: string, body: (setup: Setup) => Promise<void>): void =>
    test(`${engine.name}: ${name}`, async () => {
      const setup = new Setup(engine, await engine.create());
      try {
        await body(setup);
      } catch (error) {
        await setup.end().catch(() => {});
        throw error;
      }
      await setup.end();
    }, { skip: engine.skip, deadline: 30_000 });

  check("a job runs, its client is told, and the outcome can be looked up", async (setup) => {
    const { client, inbox } = await setup.client();
    const seen: unknown[] = [];
    await setup.worker((delivery) => {
      const { id, name, payload, attempt, lost, age } = delivery;
      seen.push({ id, name, payload: text(payload), attempt, lost });
      assert(age >= 0 && age < 20_000, `age ${age}`);
      return Promise.resolve(completed("value"));
    });
    await client.add([job("one", { payload: bytes("in") })]);
    await inbox.has("one completed value");
    assertEquals(seen, [{ id: "one", name: "tasks#run", payload: "in", attempt: 1, lost: false }]);
    assertEquals((await client.lookup(["one", "two"])).map(shown), ["completed value", "missing"]);
  });

  check("bytes arrive as they were, none and many", async (setup) => {
    const { client } = await setup.client();
    await setup.worker(({ payload }) => Promise.resolve({ status: "completed", payload }));
    const all = Uint8Array.from({ length: 300_000 }, (_, i) => i % 256);
    const outcome = new Gate<Uint8Array>();
    const { client: second } = { client: setup.transport() };
    await second.replies((replies) => {
      for (const reply of replies) {
        if (reply.kind === "outcome" && reply.outcome.status === "completed") {
          outcome.open(reply.outcome.payload);
        }
      }
    });
    await second.add([job("many", { payload: all })]);
    const came = await outcome.promise;
    assertEquals(came.length, all.length);
    assert(came.every((byte, i) => byte === i % 256));
    await client.add([job("none", { payload: new Uint8Array() })]);
    await until(async () => shown((await client.lookup(["none"]))[0]!) === "completed ");
  });

  check("replies that came before the channel was first read are read", async (setup) => {
    await setup.worker(() => Promise.resolve(completed("early")));
    for (let i = 0; i < 10; i++) {
      const { client, inbox } = await setup.client();
      await client.add([job(`first-${i}`)]);
      await inbox.has(`first-${i} completed early`);
    }
  });

  check("each client is told of its own jobs alone", async (setup) => {
    const one = await setup.client();
    const two = await setup.client();
    await setup.worker(({ id }) => Promise.resolve(completed(id)));
    await Promise.all([one.client.add([job("a1"), job("a2")]), two.client.add([job("b1")])]);
    await Promise.all([
      one.inbox.has("a1 completed a1", "a2 completed a2"),
      two.inbox.has("b1 completed b1"),
    ]);
    assertEquals(one.inbox.seen.filter((reply) => reply.startsWith("b")), []);
    assertEquals(two.inbox.seen.filter((reply) => reply.startsWith("a")), []);
  });

  check("a job that the engine knows is not added again, also when it has ended", async (setup) => {
    const { client, inbox } = await setup.client();
    await client.add([job("same", { payload: bytes("first") })]);
    await client.add([job("same", { payload: bytes("second") }), job("other")]);
    const ran: string[] = [];
    await setup.worker(({ payload }) => {
      ran.push(text(payload));
      return Promise.resolve(completed(text(payload)));
    });
    await inbox.has("same completed first", "other completed other");
    await client.add([job("same", { payload: bytes("third") }), job("last")]);
    await inbox.has("last completed last");
    assertEquals(ran.sort(), ["first", "last", "other"]);
  });

  check("ids may look like anything that they may", async (setup) => {
    const { client, inbox } = await setup.client();
    await setup.worker(({ id }) => Promise.resolve(completed(id)));
    const ids = ["meta", "wait", "events", "__proto__", "constructor", "1-2", "x".repeat(300)];
    await client.add(ids.map((id) => job(id)));
    await inbox.has(...ids.map((id) => `${id} completed ${id}`));
    assertEquals((await client.lookup(ids)).map(shown), ids.map((id) => `completed ${id}`));
  });

  check("a failure is an outcome, and is retried only if that may help", async (setup) => {
    const { client, inbox } = await setup.client();
    const attempts: string[] = [];
    await setup.worker(({ id, attempt }) => {
      attempts.push(`${id} ${attempt}`);
      if (id === "third" && attempt === 3) return Promise.resolve(completed("at last"));
      return Promise.resolve(failed(`${id} ${attempt}`, id === "final"));
    });
    await client.add([
      job("none"),
      job("final", { retries: 5 }),
      job("twice", { retries: 1 }),
      job("third", { retries: 2 }),
    ]);
    await inbox.has(
      "none failed none 1",
      "final failed final 1",
      "twice failed twice 2",
      "third completed at last",
    );
    assertEquals(attempts.sort(), [
      "final 1",
      "none 1",
      "third 1",
      "third 2",
      "third 3",
      "twice 1",
      "twice 2",
    ]);
    assertEquals(inbox.seen.filter((reply) => reply.startsWith("t")).sort(), [
      "third completed at last",
      "twice failed twice 2",
    ]);
    assertEquals((await client.lookup(["twice"])).map(shown), ["failed twice 2"]);
  });

  check("a handler that rejects has failed with nothing", async (setup) => {
    const { client, inbox } = await setup.client();
    await setup.worker(() => Promise.reject(new Error("of the handler")));
    await client.add([job("broken")]);
    await until(async () => (await client.lookup(["broken"]))[0] !== "pending");
    assertEquals((await client.lookup(["broken"])).map(shown), ["failed "]);
    assertEquals(inbox.seen.filter((reply) => !reply.endsWith("failed ")), []);
  });

  check("started and progress come in order and before the outcome", async (setup) => {
    const { client, inbox } = await setup.client();
    await setup.worker((delivery) => {
      delivery.started("me");
      for (let i = 0; i < 20; i++) delivery.progress(bytes(String(i)));
      return Promise.resolve(completed("end"));
    });
    await client.add([job("told")]);
    await inbox.has("told completed end");
    assertEquals(inbox.seen, [
      "told started on me",
      ...Array.from({ length: 20 }, (_, i) => `told progress ${i}`),
      "told completed end",
    ]);
  });

  check("higher priorities first, equal ones in order", async (setup) => {
    const { client, inbox } = await setup.client();
    await client.add([
      job("a", { priority: 0 }),
      job("b", { priority: -5 }),
      job("c", { priority: 7 }),
      job("d", { priority: 0 }),
      job("e", { priority: 7 }),
    ]);
    const order: string[] = [];
    await setup.worker(({ id }) => {
      order.push(id);
      return Promise.resolve(completed(""));
    }, { concurrency: 1 });
    await inbox.has("b completed ");
    assertEquals(order, ["c", "e", "a", "d", "b"]);
  });

  check("a worker holds as many jobs as it said", async (setup) => {
    const { client, inbox } = await setup.client();
    let running = 0;
    let most = 0;
    await setup.worker(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 30));
      running--;
      return completed("");
    }, { concurrency: 3 });
    const ids = Array.from({ length: 12 }, (_, i) => `j${i}`);
    await client.add(ids.map((id) => job(id)));
    await inbox.has(...ids.map((id) => `${id} completed `));
    assertEquals(most, 3);
  });

  check("remove() takes back what waits, and nothing else", async (setup) => {
    const { client, inbox } = await setup.client();
    const began = new Gate();
    const end = new Gate();
    const ran: string[] = [];
    await setup.worker(async ({ id }) => {
      ran.push(id);
      if (id === "runs") {
        began.open();
        await end.promise;
      }
      return completed(id);
    }, { concurrency: 1 });
    await client.add([job("ended")]);
    await inbox.has("ended completed ended");
    await client.add([job("runs")]);
    await began.promise;
    await client.add([job("waits"), job("stays")]);
    assertEquals(await client.remove(["ended", "runs", "waits", "unknown"]), [
      false,
      false,
      true,
      false,
    ]);
    assertEquals((await client.lookup(["ended", "runs", "waits", "stays"])).map(shown), [
      "completed ended",
      "pending",
      "missing",
      "pending",
    ]);
    end.open();
    await inbox.has("stays completed stays");
    assertEquals(ran, ["ended", "runs", "stays"]);
  });

  check("remove() takes back what is to be retried later", async (setup) => {
    const { client } = await setup.client();
    const began = new Gate();
    await setup.worker(() => {
      began.open();
      return Promise.resolve(failed("once", false));
    });
    await client.add([job("later", { retries: 3, backoff: 60_000 })]);
    await began.promise;
    await until(async () => (await client.remove(["later"]))[0]!);
    assertEquals(await client.lookup(["later"]), ["missing"]);
  });

  check("tell() aborts what runs, with its bytes", async (setup) => {
    const { client, inbox } = await setup.client();
    await setup.worker((delivery) => {
      delivery.started("me");
      return new Promise((resolve) => {
        delivery.signal.addEventListener("abort", () => {
          resolve(failed(`told ${text(delivery.signal.reason as Uint8Array)}`));
        });
        if (delivery.id === "not-told") end.promise.then(() => resolve(completed("")));
      });
    });
    const end = new Gate();
    await client.add([job("one"), job("two"), job("not-told")]);
    await inbox.has("one started on me", "two started on me", "not-told started on me");
    await client.tell(["one", "two", "unknown"], bytes("why"));
    await inbox.has("one failed told why", "two failed told why");
    assertEquals((await client.lookup(["not-told"])).map(shown), ["pending"]);
    end.open();
    await inbox.has("not-told completed ");
  });

  check(
    "handBack() gives a job to another worker at once, as if it had not been had",
    async (setup) => {
      const { client, inbox } = await setup.client();
      const held = new Gate<Delivery>();
      const first = await setup.worker((delivery) => {
        held.open(delivery);
        return new Promise(() => {});
      }, { lock: 60_000, check: 30_000 });
      await client.add([job("back")]);
      const delivery = await held.promise;
      const attempts: number[] = [];
      await setup.worker(({ attempt }) => {
        attempts.push(attempt);
        return Promise.resolve(completed("second"));
      }, { lock: 60_000, check: 30_000 });
      await first.consumer.stop();
      const since = Date.now();
      await delivery.handBack();
      await inbox.has("back completed second");
      assert(Date.now() - since < 20_000, "it did not wait for anything to run out");
      assertEquals(attempts, [1]);
    },
  );

  check("stop() takes no more, and lets end what runs", async (setup) => {
    const { client, inbox } = await setup.client();
    const began = new Gate();
    const end = new Gate();
    const first = await setup.worker(async ({ id }) => {
      began.open();
      await end.promise;
      return completed(`first ${id}`);
    });
    await client.add([job("held")]);
    await began.promise;
    await first.consumer.stop();
    await client.add([job("next")]);
    await setup.worker(({ id }) => Promise.resolve(completed(`second ${id}`)));
    await inbox.has("next completed second next");
    end.open();
    await inbox.has("held completed first held");
  });

  check("a job whose worker is gone goes to another, counted, up to its limit", async (setup) => {
    const { client, inbox } = await setup.client();
    const attempts: string[] = [];
    const times = { lock: 400, check: 200 };
    const lostAt = async (wanted: string): Promise<void> => {
      const took = new Gate();
      const worker = await setup.worker(({ id, attempt }) => {
        attempts.push(`${id} ${attempt}`);
        if (attempts.filter((one) => one.endsWith(wanted)).length === 2) took.open();
        return new Promise(() => {});
      }, times);
      await took.promise;
      await worker.consumer.close(); // without giving anything back
    };
    await client.add([job("again", { maxRedeliveries: 3 }), job("once", { maxRedeliveries: 1 })]);
    await lostAt("1");
    await lostAt("2");
    await setup.worker(({ id, attempt }) => {
      attempts.push(`${id} ${attempt}`);
      return Promise.resolve(completed(`at ${attempt}`));
    }, times);
    await inbox.has("again completed at 3", "once lost 1");
    assertEquals(attempts.sort(), ["again 1", "again 2", "again 3", "once 1", "once 2"]);
    assertEquals((await client.lookup(["once"])).map(shown), ["lost 1"]);
    assert((await client.status()).redelivered >= 3);
  });

  check("workers() tells who lives", async (setup) => {
    const { client } = await setup.client();
    assertEquals(await client.workers(), []);
    const one = await setup.worker(() => Promise.resolve(completed("")), {
      describe: () => info("one"),
    });
    await setup.worker(() => Promise.resolve(completed("")), { describe: () => info("two") });
    const names = async (): Promise<string[]> =>
      (await client.workers()).map(({ name }) => name).sort();
    assertEquals(await names(), ["one", "two"]);
    assertEquals((await client.workers()).find(({ name }) => name === "one"), info("one"));
    await one.consumer.close();
    assertEquals(await names(), ["two"]);
  });

  check("status() counts", async (setup) => {
    const { client, inbox } = await setup.client();
    const empty = await client.status();
    assertEquals([empty.waiting, empty.running, empty.oldest], [0, 0, undefined]);
    await client.add([job("a"), job("b"), job("c")]);
    const full = await client.status();
    assertEquals([full.waiting, full.running], [3, 0]);
    assert(full.oldest !== undefined && full.oldest >= 0 && full.oldest < 20_000);
    await setup.worker(({ id }) => Promise.resolve(id === "b" ? failed("no") : completed(id)));
    await inbox.has("a completed a", "b failed no", "c completed c");
    await until(async () => (await client.status()).completed === 2);
    const { waiting, running, failed: lost } = await client.status();
    assertEquals([waiting, running, lost], [0, 0, 1]);
  });

  check("a channel that was closed is told nothing, and the job runs", async (setup) => {
    const client = setup.transport();
    const inbox = new Inbox();
    const subscription = await client.replies(inbox.take);
    await client.add([job("quiet")]);
    await subscription.close();
    await setup.worker(() => Promise.resolve(completed("done")));
    await until(async () => shown((await client.lookup(["quiet"]))[0]!) === "completed done");
    assertEquals(inbox.seen, []);
  });

  check("many jobs at once, from several clients to several workers", async (setup) => {
    const clients = await Promise.all([setup.client(), setup.client(), setup.client()]);
    for (let i = 0; i < 2; i++) {
      await setup.worker(({ id }) => Promise.resolve(completed(id)), { concurrency: 20 });
    }
    await Promise.all(clients.map(async ({ client, inbox }, c) => {
      const ids = Array.from({ length: 300 }, (_, i) => `c${c}-${i}`);
      await client.add(ids.map((id) => job(id)));
      await inbox.has(...ids.map((id) => `${id} completed ${id}`));
    }));
  });

  check("close() twice is close() once, and calls after it reject", async (setup) => {
    const { client } = await setup.client();
    await Promise.all([client.close(), client.close()]);
    await client.close();
    const error = await client.add([job("late")]).then(() => undefined, (error) => error);
    assert(error instanceof Error, "a closed transport adds nothing");
  });
}
