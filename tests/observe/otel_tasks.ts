/** Tasks with spans of their own; their worker has an SDK of its own. */

import { propagation, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { currentTask } from "../../src/worker/current_task.ts";
import { instrumentWorker } from "../../src/observe/opentelemetry.ts";

instrumentWorker();
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(new BasicTracerProvider());

/** A span that was made in a task. */
export interface SpanMade {
  traceId: string;
  parentId: string | undefined;
  traceparent: string | undefined;
}

/** Makes a span after an await, and tells whose child it is. */
export async function makeSpan(): Promise<SpanMade> {
  const traceparent = currentTask()?.traceContext?.traceparent;
  await Promise.resolve();
  const span = trace.getTracer("tasks").startSpan("inside");
  span.end();
  const { parentSpanContext } = span as unknown as { parentSpanContext?: { spanId: string } };
  return {
    traceId: span.spanContext().traceId,
    parentId: parentSpanContext?.spanId,
    traceparent,
  };
}

/** Whose trace context it has, of many tasks at once. */
export function carrierOf(_: number): string | undefined {
  return currentTask()?.traceContext?.traceparent;
}

/** A task that fails. */
export function failAlways(): never {
  throw new RangeError("always");
}
