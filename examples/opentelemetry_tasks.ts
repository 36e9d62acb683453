/** The tasks of opentelemetry.ts; their worker sets up OpenTelemetry for itself. */

import { propagation, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { instrumentWorker } from "../src/observe/opentelemetry.ts";

instrumentWorker(); // in place of a context manager
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(new BasicTracerProvider()); // a real one has an exporter

/** Makes a span in the worker, and tells to which trace it belongs. */
export function resize(name: string): string {
  return trace.getTracer("images").startActiveSpan(`decode ${name}`, (span) => {
    span.end();
    return span.spanContext().traceId;
  });
}
