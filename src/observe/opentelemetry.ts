/**
 * Spans and metrics of executors by OpenTelemetry. It needs the package `@opentelemetry/api`, and tells
 * nothing before the program has registered an SDK.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor } from "@concurrent/futures";
 * import { instrument } from "@concurrent/futures/opentelemetry";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new InlineExecutor();
 * using _ = instrument(executor);
 * assertEquals(await executor.submit((x: number) => x + 1, 1), 2); // now with a span, and counted
 * ```
 *
 * @module
 */

import { traceWith } from "../executor/executor_inside.ts";
import type { Executor } from "../executor/executor.ts";
import { checkOptions } from "../executor/options.ts";
import { api } from "./opentelemetry_api.ts";
import { TaskContextManager } from "./task_context_manager.ts";
import { taskMeters } from "./task_meters.ts";
import { TaskSpans } from "./task_spans.ts";

/** Options of {@linkcode instrument}. */
export interface InstrumentOptions {
  /**
   * Makes the spans.
   *
   * @default {the global tracer}
   */
  tracer?: import("@opentelemetry/api").Tracer | undefined;
  /**
   * Makes the instruments of the metrics.
   *
   * @default {the global meter}
   */
  meter?: import("@opentelemetry/api").Meter | undefined;
  /**
   * Writes the trace context that travels with each task.
   *
   * @default {the global propagator}
   */
  propagator?: Pick<import("@opentelemetry/api").TextMapPropagator, "inject"> | undefined;
}

/**
 * Gives each task of an executor a span, from submit to its end, with a child for its run, and measures
 * how long tasks wait and run. The trace context travels with the task: there it is
 * `currentTask().traceContext`, and what {@linkcode instrumentWorker} makes current.
 *
 * Spans have `code.function.name`, `thread.name`, `error.type`, and the status ERROR unless the task
 * succeeded; of a distributed executor those of messaging too, and there the context travels to the other
 * machine. A run begins when its task is sent to a worker, and ends when the worker says that it did.
 *
 * @param executor Whose tasks are told of.
 * @param options See {@linkcode InstrumentOptions}.
 * @returns Dispose it to end that.
 * @throws {TypeError} If an option is unknown.
 * @throws {UnsupportedError} If it is an executor over a backend that tells tools of no task.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor } from "@concurrent/futures";
 * import { instrument } from "@concurrent/futures/opentelemetry";
 *
 * await using executor = new InlineExecutor();
 * using _ = instrument(executor);
 * await executor.submit(() => "seen");
 * ```
 */
export function instrument(executor: Executor, options: InstrumentOptions = {}): Disposable {
  checkOptions("instrument", options, ["tracer", "meter", "propagator"]);
  const tracer = options.tracer ?? api.trace.getTracer("@concurrent/futures");
  const meter = options.meter ?? api.metrics.getMeter("@concurrent/futures");
  const meters = taskMeters(executor, meter);
  const stop = traceWith(executor, new TaskSpans(tracer, options.propagator, meters));
  return {
    [Symbol.dispose]: () => {
      stop();
      meters.stop();
    },
  };
}

/**
 * Makes spans of tasks children of their run: to be called once in the module of the tasks, before the
 * worker's own SDK is set up, whose context manager it takes the place of.
 *
 * @throws {Error} If another context manager is registered on this thread.
 *
 * @example Usage
 * ```ts
 * import { instrumentWorker } from "@concurrent/futures/opentelemetry";
 *
 * instrumentWorker(); // the module of the tasks; then the SDK of the worker
 *
 * export function double(x: number): number {
 *   return 2 * x; // spans that are made here are children of the run
 * }
 * ```
 */
export function instrumentWorker(): void {
  if (api.context.setGlobalContextManager(new TaskContextManager())) return;
  throw new Error(
    "Cannot instrument this worker: another context manager is registered; " +
      "call instrumentWorker() first, and set up the SDK without one",
  );
}
