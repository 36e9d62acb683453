/**
 * What a real Redis refuses, and what others have put into it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { InlineExecutor } from "../../mod.ts";
import { DistributedExecutor, RemoteWorker } from "../../src/remote/mod.ts";
import type { Job } from "../../src/remote/mod.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { test } from "../harness.ts";
import { tasks } from "./fleet.ts";
import { noRedis, RedisServer } from "./redis_server.ts";

const redis = { skip: noRedis, deadline: 60_000 };

test(
  "redis: a password that is refused fails what was submitted, and what comes later runs",
  async () => {
    await using server = await RedisServer.start();
    server.cli("config", "set", "requirepass", "first");
    const url = server.url.replace("//", "//:second@");
    const executor = new DistributedExecutor(bullmq({ url, queue: "q" }));
    const error = await executor.submit(tasks.double, 1).exception();
    assert(error instanceof Error && /WRONGPASS/.test(error.message), String(error));
    server.cli("-a", "first", "--no-auth-warning", "config", "set", "requirepass", "second");
    const places = new InlineExecutor();
    const stop = new AbortController();
    const worker = new RemoteWorker(bullmq({ url, queue: "q" }), {
      ...{ modules: { tests: import.meta.resolve("./tasks.ts") }, executor: places, log() {} },
    }).run({ signal: stop.signal });
    try {
      assertEquals(await executor.submit(tasks.double, 2), 4);
      await executor.shutdown();
    } finally {
      await executor.terminate();
      stop.abort();
      await worker;
      await places.terminate();
    }
  },
  redis,
);

test("redis: a key that is no job does not hide the others that are looked up", async () => {
  await using server = await RedisServer.start();
  const transport = bullmq({ url: server.url, queue: "q" });
  try {
    const job = (id: string): Job => ({
      ...{ id, name: "tests#double", payload: new Uint8Array([1]), priority: 0 },
      ...{ retries: 0, backoff: 1, maxRedeliveries: 0, resultTtl: 1_000 },
    });
    await transport.add([job("one"), job("two")]);
    server.cli("set", "cf:q:t-one", "text");
    assertEquals(await transport.lookup(["one", "two", "three"]), [
      "missing",
      "pending",
      "missing",
    ]);
  } finally {
    await transport.close();
  }
}, redis);
