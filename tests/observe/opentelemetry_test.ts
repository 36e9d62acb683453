import { metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { importTasks, InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor } from "../../mod.ts";
import type { Executor, TaskContext } from "../../mod.ts";
import { instrument } from "../../src/observe/opentelemetry.ts";
import {
  DistributedExecutor,
  memoryTransport,
  remoteTasks,
  RemoteWorker,
} from "../../src/remote/mod.ts";
import { test } from "../harness.ts";
import { collectSpans } from "./collect_spans.ts";
import type { SpanMade } from "./otel_tasks.ts";

const exporter = collectSpans();

const { makeSpan, carrierOf } = importTasks<typeof import("./otel_tasks.ts")>(
  import.meta.resolve("./otel_tasks.ts"),
);

/** The spans of one trace, when they have ended. */
function spansOf(traceId: string): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
}

function named(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.filter((span) => span.name === name);
  assertEquals(found.length, 1, `${name} of ${spans.map((span) => span.name)}`);
  return found[0]!;
}

/** Runs within a span of the caller's: the number of its trace. */
async function within(run: () => Promise<void>): Promise<string> {
  return await trace.getTracer("test").startActiveSpan("caller", async (span) => {
    await run();
    span.end();
    return span.spanContext().traceId;
  });
}

/** Spans end in a microtask after their task. */
async function rest(executor: Executor): Promise<void> {
  await executor.shutdown();
  await new Promise((resolve) => setTimeout(resolve, 0));
}

const EXECUTORS: readonly [string, () => Executor][] = [
  ["threads", () => new ThreadPoolExecutor(2)],
  ["processes", () => new ProcessPoolExecutor(2)],
];

for (const [name, create] of EXECUTORS) {
  test(`instrument() nests caller, task, run and what the task makes: ${name}`, async () => {
    const executor = create();
    using _ = instrument(executor);
    let inside: SpanMade | undefined;
    const traceId = await within(async () => {
      inside = await executor.submit(makeSpan);
    });
    await rest(executor);
    const spans = spansOf(traceId);
    const caller = named(spans, "caller").spanContext();
    const task = named(spans, "task makeSpan");
    const run = named(spans, "run makeSpan");
    assertEquals(task.parentSpanContext?.spanId, caller.spanId);
    assertEquals(run.parentSpanContext?.spanId, task.spanContext().spanId);
    assertEquals(inside, {
      traceId,
      parentId: run.spanContext().spanId,
      traceparent: `00-${traceId}-${run.spanContext().spanId}-01`,
    });
    assertEquals(task.attributes["code.function.name"], "makeSpan");
    assert(String(run.attributes["thread.name"]).startsWith(executor.name));
    assertEquals([task.status.code, run.status.code], [SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
  }, { deadline: 60_000 });

  test(`instrument() gives each of many tasks its own trace context: ${name}`, async () => {
    const executor = create();
    using _ = instrument(executor);
    let carriers: (string | undefined)[] = [];
    const traceId = await within(async () => {
      const futures = Array.from({ length: 300 }, (_, i) => executor.submit(carrierOf, i));
      carriers = await Promise.all(futures);
    });
    await rest(executor);
    const runs = spansOf(traceId).filter((span) => span.name === "run carrierOf");
    assertEquals(
      new Set(carriers),
      new Set(runs.map((span) => `00-${traceId}-${span.spanContext().spanId}-01`)),
    );
    assertEquals(new Set(carriers).size, 300);
  }, { deadline: 60_000 });
}

test("instrument() nests caller, task, run and what the task makes: other machines", async () => {
  const { engine } = memoryTransport();
  const threads = new ThreadPoolExecutor(1); // as on another machine, its worker has an SDK of its own
  const stop = new AbortController();
  const ended = new RemoteWorker(memoryTransport(engine), {
    modules: { otel: import.meta.resolve("./otel_tasks.ts") },
    executor: threads,
    log() {},
  }).run({ signal: stop.signal });
  const far = remoteTasks<typeof import("./otel_tasks.ts")>("otel");
  const executor = new DistributedExecutor(memoryTransport(engine), { name: "far" });
  const watch = instrument(executor);
  let inside: SpanMade | undefined;
  let carriers: (string | undefined)[] = [];
  const traceId = await within(async () => {
    inside = await executor.submit(far.makeSpan);
    carriers = await Promise.all([1, 2, 3].map((x) => executor.submit(far.carrierOf, x)));
    carriers.push(...await executor.map(far.carrierOf, [4, 5], { chunkSize: 2 }).toArray());
    await executor.submit(far.failAlways).exception();
  });
  await rest(executor);
  watch[Symbol.dispose]();
  stop.abort();
  await ended;
  await threads.shutdown();

  const spans = spansOf(traceId);
  const task = named(spans, "task makeSpan");
  const run = named(spans, "run makeSpan");
  assertEquals(task.parentSpanContext?.spanId, named(spans, "caller").spanContext().spanId);
  assertEquals(run.parentSpanContext?.spanId, task.spanContext().spanId);
  assertEquals([task.kind, run.kind], [SpanKind.PRODUCER, SpanKind.CONSUMER]);
  assertEquals(inside, {
    traceId,
    parentId: run.spanContext().spanId,
    traceparent: `00-${traceId}-${run.spanContext().spanId}-01`,
  });
  // Each task has its own context; the items of a chunk share theirs.
  const runs = spans.filter((span) => span.name === "run carrierOf");
  assertEquals(runs.length, 4);
  assertEquals(
    new Set(carriers),
    new Set(runs.map((one) => `00-${traceId}-${one.spanContext().spanId}-01`)),
  );
  for (const [span, operation] of [[task, "send"], [run, "process"]] as const) {
    assertEquals(span.attributes["messaging.system"], "memory");
    assertEquals(span.attributes["messaging.operation.type"], operation);
    assertEquals(typeof span.attributes["messaging.message.id"], "string");
  }
  const failed = named(spans, "task failAlways");
  assertEquals(failed.status, { code: SpanStatusCode.ERROR, message: "always" });
  assertEquals(failed.attributes["error.type"], "RangeError");
}, { deadline: 60_000 });

test("instrument() tells of chunks of map, errors and cancels, in the caller's trace", async () => {
  const executor = new ThreadPoolExecutor(1);
  using _ = instrument(executor);
  const traceId = await within(async () => {
    await executor.map(
      function add(x: number) {
        return x + 1;
      },
      [1, 2, 3],
      { chunkSize: 3 },
    ).toArray();
    await executor.submit(function bad() {
      throw new RangeError("too much");
    }).exception();
    await executor.with({ timeout: 20 }).submit(async function late(this: TaskContext) {
      await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
    }).exception();
    const unwanted = executor.submit(function never() {});
    assert(unwanted.cancel());
  });
  await rest(executor);
  const spans = spansOf(traceId);
  const caller = named(spans, "caller").spanContext().spanId;
  assertEquals(named(spans, "task add").parentSpanContext?.spanId, caller);
  const bad = named(spans, "task bad");
  assertEquals(bad.status, { code: SpanStatusCode.ERROR, message: "too much" });
  assertEquals(bad.attributes["error.type"], "RangeError");
  assertEquals(bad.events.map((event) => event.name), ["exception"]);
  const late = named(spans, "task late");
  assertEquals(late.status.code, SpanStatusCode.ERROR);
  assertEquals(late.attributes["concurrent_futures.outcome"], "timedOut");
  assertEquals(late.attributes["error.type"], "TimeoutError");
  const never = named(spans, "task never");
  assertEquals(never.status, { code: SpanStatusCode.ERROR, message: "cancelled" });
  assertEquals(spans.some((span) => span.name === "run never"), false);
});

test("instrument() makes spans inside of tasks on this thread children of the task", async () => {
  const executor = new InlineExecutor();
  using _ = instrument(executor);
  const traceId = await within(async () => {
    await executor.submit(async function mine() {
      await Promise.resolve();
      trace.getTracer("test").startSpan("inside").end();
    });
  });
  await rest(executor);
  const spans = spansOf(traceId);
  const task = named(spans, "task mine").spanContext().spanId;
  assertEquals(named(spans, "inside").parentSpanContext?.spanId, task);
});

test("instrument() measures in seconds, counts outcomes, and tells nothing after it was disposed", async () => {
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: memory,
    exportIntervalMillis: 1_000_000,
  });
  const meters = new MeterProvider({ readers: [reader] });
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, name: "measured" });
  const watch = instrument(executor, { meter: meters.getMeter("test") });
  for (let i = 0; i < 3; i++) await executor.submit((x: number) => x, i);
  await executor.submit(() => {
    throw new Error("no");
  }).exception();
  await new Promise((resolve) => setTimeout(resolve, 0));
  await reader.forceFlush();
  watch[Symbol.dispose]();
  await executor.submit((x: number) => x, 4);
  const found = memory.getMetrics()[0]!.scopeMetrics[0]!.metrics;
  const units = Object.fromEntries(
    found.map(({ descriptor }) => [descriptor.name, descriptor.unit]),
  );
  assertEquals(units, {
    "concurrent_futures.task.wait.duration": "s",
    "concurrent_futures.task.run.duration": "s",
    "concurrent_futures.task.count": "{task}",
    "concurrent_futures.task.active": "{task}",
    "concurrent_futures.worker.count": "{worker}",
  });
  // Boundaries after the conventions for durations, and shorter ones.
  const waits = found.find(({ descriptor }) => descriptor.name.endsWith("wait.duration"))!;
  const points = waits.dataPoints.map(({ value }) => value as Histogram);
  assertEquals(points.reduce((sum, { count }) => sum + count, 0), 4);
  const { buckets } = points[0]!;
  assertEquals(buckets.boundaries.filter((seconds) => seconds >= 0.005), [
    ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  ]);
  assertEquals(buckets.boundaries.filter((seconds) => seconds < 0.005), [1e-5, 1e-4, 1e-3]);
  const counts = found.find(({ descriptor }) => descriptor.name.endsWith("task.count"))!;
  const byOutcome: Record<string, number> = {};
  for (const { attributes, value } of counts.dataPoints) {
    const outcome = String(attributes["concurrent_futures.outcome"]);
    byOutcome[outcome] = (byOutcome[outcome] ?? 0) + Number(value);
  }
  assertEquals(byOutcome, { succeeded: 3, failed: 1 });
  await meters.shutdown();
  metrics.disable();
});

test("instrument() refuses options that it does not know", async () => {
  await using executor = new InlineExecutor();
  assertThrows(() => instrument(executor, { trace: 1 } as never), TypeError, "trace");
});
