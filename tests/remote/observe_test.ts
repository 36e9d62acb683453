/**
 * What can be seen of tasks that run on other machines: events, metrics, the TracingChannel, spans.
 *
 * @module
 */

import { SpanStatusCode, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { spawn } from "node:child_process";
import { tracingChannel } from "node:diagnostics_channel";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ThreadPoolExecutor } from "../../mod.ts";
import type { Executor, ExecutorEvent } from "../../mod.ts";
import { instrument } from "../../src/observe/opentelemetry.ts";
import { recordTrace } from "../../src/observe/trace.ts";
import {
  DistributedExecutor,
  memoryTransport,
  remoteTasks,
  RemoteWorker,
} from "../../src/remote/mod.ts";
import { decodeOutcome, decodeTask, encodeResult, encodeTask } from "../../src/remote/envelope.ts";
import { bullmq } from "../../src/transports/bullmq.ts";
import { test } from "../harness.ts";
import { collectSpans } from "../observe/collect_spans.ts";
import type { SpanMade } from "../observe/otel_tasks.ts";
import { noRedis, RedisServer } from "./redis_server.ts";
import { fleet, tasks, until } from "./fleet.ts";
import { gateOf } from "./tasks.ts";

const exporter = collectSpans();

const OTEL_TASKS = import.meta.resolve("../observe/otel_tasks.ts");
const { makeSpan, carrierOf } = remoteTasks<typeof import("../observe/otel_tasks.ts")>("otel");

/** Runs within a span of the caller's: the number of its trace, and the spans that ended in it. */
async function within(
  executor: Executor,
  run: () => Promise<void>,
): Promise<{ traceId: string; named(name: string): ReadableSpan }> {
  const traceId = await trace.getTracer("test").startActiveSpan("caller", async (span) => {
    await run();
    span.end();
    return span.spanContext().traceId;
  });
  await executor.shutdown();
  await new Promise((resolve) => setTimeout(resolve, 0)); // spans end in a microtask after their task
  return {
    traceId,
    named(name) {
      const found = exporter.getFinishedSpans().filter((span) =>
        span.spanContext().traceId === traceId && span.name === name
      );
      assertEquals(found.length, 1, name);
      return found[0]!;
    },
  };
}

/** A worker in threads that serves the tasks with spans, for as long as `run` takes. */
async function withWorker(
  run: (executor: DistributedExecutor) => Promise<void>,
): Promise<void> {
  const { engine } = memoryTransport();
  const stop = new AbortController();
  const threads = new ThreadPoolExecutor(2);
  const ended = new RemoteWorker(memoryTransport(engine), {
    ...{ modules: { otel: OTEL_TASKS }, executor: threads, grace: 0, log() {} },
  }).run({ signal: stop.signal });
  try {
    await run(new DistributedExecutor(memoryTransport(engine)));
  } finally {
    stop.abort();
    await ended;
    await threads.terminate();
  }
}

test("distributed: each of many tasks and chunks has its own trace context", async () => {
  await withWorker(async (executor) => {
    using _ = instrument(executor);
    let carriers: (string | undefined)[] = [];
    const { traceId } = await within(executor, async () => {
      const futures = Array.from({ length: 60 }, (_, i) => executor.submit(carrierOf, i));
      carriers = await Promise.all(futures);
      carriers.push(...await executor.map(carrierOf, [1, 2, 3, 4], { chunkSize: 2 }).toArray());
    });
    const runs = exporter.getFinishedSpans().filter((span) =>
      span.spanContext().traceId === traceId && span.name === "run carrierOf"
    );
    assertEquals(
      new Set(carriers),
      new Set(runs.map((span) => `00-${traceId}-${span.spanContext().spanId}-01`)),
    );
    assertEquals(runs.length, 62);
  });
}, { deadline: 60_000 });

test("distributed: spans tell of errors and cancels", async () => {
  const f = fleet({ workers: 0 });
  using _ = instrument(f.executor);
  const { named } = await within(f.executor, async () => {
    const cancelled = f.executor.submit(tasks.double, 1);
    cancelled.cancel();
    await cancelled.exception().catch(() => {});
    f.hire();
    await f.executor.submit(tasks.fail, "too much").exception();
  });
  assertEquals(named("task double").attributes["error.type"], "cancelled");
  const failed = named("task fail");
  assertEquals(failed.attributes["error.type"], "RangeError");
  assertEquals(failed.status, { code: SpanStatusCode.ERROR, message: "too much" });
  await f[Symbol.asyncDispose]();
});

test("distributed: events tell which worker ran a task, and for how long", async () => {
  await using f = fleet({ worker: { name: "far" } });
  const events: ExecutorEvent[] = [];
  using _ = f.executor.observe((event) => events.push(event));
  await f.executor.submit(tasks.double, 1);
  await f.executor.submit(tasks.fail, "no").exception();
  const gate = gateOf("observed");
  const long = f.executor.submit(tasks.hold, "observed");
  await until(() => long.running());
  gate.open();
  await long;
  const cancelled = f.client({ name: "other" }).submit(tasks.double, 1); // not of this one
  await cancelled;
  await until(() => events.filter(({ type }) => type === "ended").length === 3);
  const shown = events.map((event) =>
    "task" in event
      ? `${event.task.id} ${event.type} ${"worker" in event ? event.worker : ""}`.trim()
      : event.type
  );
  assertEquals(
    shown,
    [0, 1, 2].flatMap((id) => [
      `${id} submitted`,
      `${id} sent memory`,
      `${id} started far`,
      `${id} ended far`,
    ]),
  );
  let last = 0;
  for (const { at } of events) {
    assert(at >= last, "the times go back");
    last = at;
  }
  const ended = events.filter((event) => event.type === "ended");
  assertEquals(ended.map(({ outcome }) => outcome), ["succeeded", "failed", "succeeded"]);
  for (const { waited, ran } of ended) assert(waited >= 0 && ran >= 0);
});

test("distributed: recordTrace() has a row for each worker", async () => {
  await using f = fleet({ worker: { name: "far" } });
  const recording = recordTrace(f.executor);
  await f.executor.map(tasks.double, [1, 2, 3, 4], { chunkSize: 2 }).toArray();
  await new Promise((resolve) => setTimeout(resolve, 0));
  recording.stop();
  const { traceEvents } = recording.toJSON();
  assertEquals(traceEvents.filter(({ ph }) => ph === "X").length, 2);
  assert(JSON.stringify(traceEvents).includes('"far"'));
});

test("distributed: metrics() tells of waits, runs, workers and rates, if it is asked for", async () => {
  await using f = fleet({ metrics: true, worker: { name: "far" } });
  for (let i = 0; i < 5; i++) await f.executor.submit(tasks.double, i);
  await f.executor.submit(tasks.fail, "no").exception();
  const { waitTime, runTime, utilization, throughput, queueLength } = f.executor.metrics();
  assertEquals([waitTime.count, runTime.count, queueLength], [6, 6, 0]);
  assertEquals(Object.keys(utilization), ["far"]);
  assert(utilization["far"]! >= 0 && utilization["far"]! <= 1);
  assert(throughput <= 6);
  await using other = f.client();
  assertThrows(() => other.metrics(), TypeError, "{ metrics: true }");
});

test("distributed: the channel concurrent-futures.task tells of each task", async () => {
  const channel = tracingChannel("concurrent-futures.task");
  const told: string[] = [];
  const executor = new DistributedExecutor(memoryTransport(), { name: "on the channel" });
  const listeners = (["start", "end", "asyncStart", "asyncEnd", "error"] as const).map((name) => {
    const listener = (told_: unknown): void => {
      const { executor, outcome } = told_ as { executor: string; outcome?: string };
      if (executor === "on the channel") {
        told.push(outcome === undefined ? name : `${name} ${outcome}`);
      }
    };
    channel[name].subscribe(listener);
    return () => channel[name].unsubscribe(listener);
  });
  executor.submit(tasks.double, 1).cancel();
  await executor.shutdown();
  for (const stop of listeners) stop();
  assertEquals(told, ["start", "end", "asyncStart cancelled", "asyncEnd cancelled"]);
});

test("distributed: what is forged of a trace context or of times is refused", () => {
  const task = {
    ...{ module: "tests", name: "double", items: 0, args: [], timeout: undefined },
    ...{ expires: undefined, maxPayload: 1000, reports: false, times: true },
  };
  const carrier = { traceparent: "00-1" };
  assertEquals(decodeTask(encodeTask({ ...task, carrier })).carrier, carrier);
  for (const forged of [{ traceparent: 1 }, { traceparent: "x".repeat(20_000) }]) {
    const bytes = encodeTask({ ...task, carrier: forged as unknown as Record<string, string> });
    assertThrows(() => decodeTask(bytes), TypeError);
  }
  const report = { worker: "far", places: 2, ran: 1.5 };
  assertEquals(decodeOutcome(encodeResult(1, report), true, 0), { value: 1, report });
  for (const forged of [{ ran: NaN }, { ran: -1 }, { places: 0.5 }, { worker: {} }]) {
    const bytes = encodeResult(1, { ...report, ...forged } as typeof report);
    assertThrows(() => decodeOutcome(bytes, true, 0), TypeError);
  }
});

test("distributed: a trace that crosses Redis and a process keeps its id", async () => {
  await using server = await RedisServer.start();
  const worker = spawn(process.execPath, [
    ...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []),
    ...[fileURLToPath(new URL("../../src/cli/cli.ts", import.meta.url)), "worker"],
    ...["--url", server.url, "--queue", "traced", "--concurrency", "1"],
    ...["--module", `otel=${fileURLToPath(OTEL_TASKS)}`],
  ], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    const executor = new DistributedExecutor(bullmq({ url: server.url, queue: "traced" }));
    using _ = instrument(executor);
    let inside: SpanMade | undefined;
    const { traceId, named } = await within(executor, async () => {
      inside = await executor.submit(makeSpan);
    });
    const run = named("run makeSpan");
    assertEquals([inside!.traceId, inside!.parentId], [traceId, run.spanContext().spanId]);
    assertEquals(run.attributes["messaging.system"], "bullmq");
    assertEquals(run.attributes["messaging.destination.name"], "traced");
    // Where BullMQ's own telemetry looks for it.
    const id = run.attributes["messaging.message.id"];
    const options = server.cli("hget", `cf:traced:t-${id}`, "opts");
    assert(options.includes(traceId), options);
  } finally {
    worker.kill("SIGKILL");
  }
}, { skip: noRedis, deadline: 60_000 });
