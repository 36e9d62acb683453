import type { Attributes, Context, Span, TextMapPropagator, Tracer } from "@opentelemetry/api";
import { clock } from "../futures/clock.ts";
import type { TaskChannel, TaskTrace } from "../runtime/runtime.ts";
import { api } from "./opentelemetry_api.ts";
import type { TaskMeters } from "./task_meters.ts";

/** What is known of a task that has a span. */
interface Spans {
  readonly span: Span;
  /** The context in which the span is the current one. */
  readonly context: Context;
  /** When it was submitted, in milliseconds since 1970. */
  readonly submittedAt: number;
  /** Its run, once it was sent. */
  run: Span | undefined;
}

/** Makes a span for each task, from submit to its end, and a child of it for its run. */
export class TaskSpans implements TaskChannel {
  readonly hasSubscribers = true;
  readonly #tracer: Tracer;
  readonly #propagator: Pick<TextMapPropagator, "inject"> | undefined;
  readonly #meters: TaskMeters;
  readonly #spans = new WeakMap<TaskTrace, Spans>();

  constructor(
    tracer: Tracer,
    propagator: Pick<TextMapPropagator, "inject"> | undefined,
    meters: TaskMeters,
  ) {
    this.#tracer = tracer;
    this.#propagator = propagator;
    this.#meters = meters;
  }

  capture(): Context {
    return api.context.active();
  }

  submit<R>(task: TaskTrace, callback: () => R): R {
    const parent = task.parent?.get(this) as Context | undefined ?? api.context.active();
    const submittedAt = now();
    const span = this.#tracer.startSpan(`task ${task.name}`, {
      startTime: submittedAt,
      kind: task.engine === undefined ? api.SpanKind.INTERNAL : api.SpanKind.PRODUCER,
      attributes: {
        "code.function.name": task.name,
        "concurrent_futures.executor": task.executor,
        "concurrent_futures.task.id": task.id,
        ...messagingOf(task, "send"),
      },
    }, parent);
    const context = api.trace.setSpan(parent, span);
    this.#spans.set(task, { span, context, submittedAt, run: undefined });
    return api.context.with(context, callback);
  }

  sending(task: TaskTrace): void {
    const spans = this.#spans.get(task);
    if (spans === undefined || spans.run !== undefined) return;
    const { name } = task;
    spans.run = this.#tracer.startSpan(`run ${name}`, {
      startTime: now(),
      kind: task.engine === undefined ? api.SpanKind.INTERNAL : api.SpanKind.CONSUMER,
      attributes: { "code.function.name": name, ...messagingOf(task, "process") },
    }, spans.context);
    const carrier: Record<string, string> = {};
    const context = api.trace.setSpan(spans.context, spans.run);
    if (this.#propagator === undefined) api.propagation.inject(context, carrier);
    else this.#propagator.inject(context, carrier, api.defaultTextMapSetter);
    task.carrier = carrier;
  }

  settled(task: TaskTrace): void {
    this.#meters.settled(task);
    const spans = this.#spans.get(task);
    if (spans === undefined) return;
    const { span, run, submittedAt } = spans;
    const { worker, outcome = "", waited = 0, ran = 0 } = task;
    span.setAttribute("concurrent_futures.outcome", outcome);
    if (worker !== undefined && task.engine === undefined) {
      span.setAttribute("thread.name", worker);
      run?.setAttribute("thread.name", worker);
    }
    for (const one of [run, span]) {
      if (one === undefined || outcome === "succeeded") continue;
      const { error } = task;
      const isError = error instanceof Error;
      one.setAttribute("error.type", isError ? error.name : outcome);
      one.setStatus({
        code: api.SpanStatusCode.ERROR,
        message: isError ? error.message : outcome,
      });
    }
    if (task.error instanceof Error) span.recordException(task.error);
    run?.end(submittedAt + waited + ran);
    span.end();
  }
}

/** What the conventions for messaging ask for, of a task that goes to other machines. */
function messagingOf({ engine, messageId }: TaskTrace, operation: "send" | "process"): Attributes {
  if (engine === undefined) return {};
  // "bullmq images at redis://localhost:6379"
  const [system = engine, destination] = engine.split(" ");
  const attributes: Attributes = {
    "messaging.system": system,
    "messaging.operation.type": operation,
    "messaging.message.id": messageId,
  };
  if (destination !== undefined) attributes["messaging.destination.name"] = destination;
  return attributes;
}

function now(): number {
  return performance.timeOrigin + clock.now();
}
