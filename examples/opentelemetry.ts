/**
 * Shows: OpenTelemetry across workers. Spans nest: the caller's, the task's, its run, and what the task
 * makes in its worker, all in one trace. Python has no counterpart.
 *
 *     node examples/opentelemetry.ts
 */

import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { importTasks, ThreadPoolExecutor } from "../mod.ts";
import { instrument } from "../src/observe/opentelemetry.ts";

context.setGlobalContextManager(new AsyncLocalStorageContextManager());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);

const { resize } = importTasks<typeof import("./opentelemetry_tasks.ts")>(
  import.meta.resolve("./opentelemetry_tasks.ts"),
);

const executor = new ThreadPoolExecutor(1);
using _ = instrument(executor);
await trace.getTracer("shop").startActiveSpan("upload", async (span) => {
  const traceId = await executor.submit(resize, "cat.png");
  console.log(
    `the span of the task is in the same trace: ${traceId === span.spanContext().traceId}`,
  );
  span.end();
});
await executor.shutdown();

const spans = exporter.getFinishedSpans();
for (const span of spans.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
  const parent = spans.find((one) => one.spanContext().spanId === span.parentSpanContext?.spanId);
  console.log(parent === undefined ? span.name : `${span.name}, child of ${parent.name}`);
}
