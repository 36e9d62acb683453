import type { Attributes, BatchObservableCallback, Meter } from "@opentelemetry/api";
import type { Executor } from "../executor/executor.ts";
import type { TaskTrace } from "../runtime/runtime.ts";

/** Boundaries in seconds: those of the conventions for durations, and shorter ones, since tasks are. */
const BUCKETS = [
  ...[0.00001, 0.0001, 0.001],
  ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
];

/** What is counted and measured of one executor. */
export interface TaskMeters {
  /** A task has ended. */
  settled(task: TaskTrace): void;
  /** Nothing is observed any more. */
  stop(): void;
}

/** Histograms of wait and run time, a counter of outcomes, gauges of tasks and workers. */
export function taskMeters(executor: Executor, meter: Meter): TaskMeters {
  const seconds = { unit: "s", advice: { explicitBucketBoundaries: BUCKETS } };
  const wait = meter.createHistogram("concurrent_futures.task.wait.duration", {
    ...seconds,
    description: "From submit until a worker began the task.",
  });
  const run = meter.createHistogram("concurrent_futures.task.run.duration", {
    ...seconds,
    description: "How long the task ran.",
  });
  const ended = meter.createCounter("concurrent_futures.task.count", {
    unit: "{task}",
    description: "Tasks that have ended, by outcome.",
  });
  const tasks = meter.createObservableGauge("concurrent_futures.task.active", {
    unit: "{task}",
    description: "Tasks that wait and that run.",
  });
  const workers = meter.createObservableGauge("concurrent_futures.worker.count", {
    unit: "{worker}",
    description: "Workers that are idle and that are busy.",
  });
  const base: Attributes = { "concurrent_futures.executor": executor.name };
  const state = (name: string): Attributes => ({ ...base, "concurrent_futures.state": name });
  const look: BatchObservableCallback = (result) => {
    const stats = executor.stats();
    result.observe(tasks, stats.pending, state("waiting"));
    result.observe(tasks, stats.running + stats.waiting, state("running"));
    result.observe(workers, stats.idle, state("idle"));
    result.observe(workers, stats.workers - stats.idle, state("busy"));
  };
  meter.addBatchObservableCallback(look, [tasks, workers]);
  return {
    settled({ name, outcome = "", waited = 0, ran = 0, worker }) {
      const attributes = { ...base, "code.function.name": name };
      ended.add(1, { ...attributes, "concurrent_futures.outcome": outcome });
      if (worker === undefined) return;
      wait.record(waited / 1000, attributes);
      run.record(ran / 1000, attributes);
    },
    stop: () => meter.removeBatchObservableCallback(look, [tasks, workers]),
  };
}
