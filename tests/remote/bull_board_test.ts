/**
 * Bull Board on a queue of this library: it shows which tasks there are, and what of them failed and why.
 *
 * @module
 */

import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { assert, assertEquals } from "@std/assert";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { InlineExecutor } from "../../mod.ts";
import { DistributedExecutor, RemoteWorker } from "../../src/remote/mod.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { test } from "../harness.ts";
import { tasks } from "./fleet.ts";
import { noRedis, RedisServer } from "./redis_server.ts";

type ServerAdapter = Parameters<typeof createBullBoard>[0]["serverAdapter"];
type Routes = Parameters<ServerAdapter["setApiRoutes"]>[0];
type Queues = Parameters<ServerAdapter["setQueues"]>[0];

/** As its adapters of servers are, without the server: what its page asks for is asked for by a call. */
class Board {
  #routes: Routes = [];
  #queues: Queues | undefined;
  readonly adapter: ServerAdapter = {
    setQueues: (queues) => this.#set(() => this.#queues = queues),
    setApiRoutes: (routes) => this.#set(() => this.#routes = routes),
    setViewsPath: () => this.adapter,
    setStaticPath: () => this.adapter,
    setEntryRoute: () => this.adapter,
    setErrorHandler: () => this.adapter,
    setUIConfig: () => this.adapter,
  };

  #set(change: () => void): ServerAdapter {
    change();
    return this.adapter;
  }

  async get(path: string, query: Record<string, string>): Promise<unknown> {
    const route = this.#routes.find(({ method, route }) =>
      [method].flat().includes("get") && [route].flat().includes(path)
    );
    const { body } = await route!.handler({
      ...{ queues: this.#queues!, query, params: {}, body: {}, headers: {}, uiConfig: {} },
    });
    return body;
  }
}

interface QueuesBody {
  readonly queues: readonly {
    readonly name: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly jobs: readonly { readonly name: string; readonly failedReason?: string }[];
  }[];
}

test("Bull Board shows names and errors of tasks, and no argument", async () => {
  await using server = await RedisServer.start();
  const places = new InlineExecutor({ maxWorkers: 2 });
  const stop = new AbortController();
  const worker = new RemoteWorker(bullmq({ url: server.url, queue: "board" }), {
    ...{ modules: { tests: import.meta.resolve("./tasks.ts") }, executor: places, log() {} },
  }).run({ signal: stop.signal });
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const queue = new Queue("board", { connection, prefix: "cf" });
  try {
    {
      await using executor = new DistributedExecutor(bullmq({ url: server.url, queue: "board" }));
      assertEquals(await executor.submit(tasks.echo, "an argument"), "an argument");
      await executor.submit(tasks.fail, "too much").exception();
    }
    const board = new Board();
    createBullBoard({
      queues: [new BullMQAdapter(queue, { readOnlyMode: true })],
      serverAdapter: board.adapter,
      options: { uiBasePath: ".", uiConfig: {} }, // no page is served
    });
    for (const [status, name] of [["completed", "tests#echo"], ["failed", "tests#fail"]] as const) {
      const body = await board.get("/api/queues", {
        ...{ activeQueue: "board", status, page: "1", jobsPerPage: "10" },
      }) as QueuesBody;
      const [shown] = body.queues;
      assertEquals([shown!.name, shown!.counts["completed"], shown!.counts["failed"]], [
        "board",
        1,
        1,
      ]);
      assertEquals(shown!.jobs.map((job) => job.name), [name]);
      const [job] = shown!.jobs;
      if (status === "failed") {
        assertEquals(job!.failedReason?.split("\n", 1), ["RangeError: too much"]);
      }
      assert(!JSON.stringify(body).includes("an argument"));
    }
  } finally {
    await queue.close();
    connection.disconnect();
    stop.abort();
    await worker;
    await places.terminate();
  }
}, { skip: noRedis, deadline: 60_000 });
