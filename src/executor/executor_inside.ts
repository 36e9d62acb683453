import type { TaskBackend } from "../backend/task_backend.ts";
import { UnsupportedError } from "../futures/errors.ts";
import type { TaskChannel } from "../runtime/runtime.ts";
import { attachBackend, backendOf, ExecutorView } from "./executor.ts";
import type { Executor } from "./executor.ts";
import { mapOver } from "./map.ts";
import type { MapOptions } from "./map.ts";
import type { MapRun } from "./map_run.ts";

/**
 * What other rooms ask of an executor beyond what users may.
 *
 * @module
 */

/** An executor over a backend of its own. */
export function executorOver(backend: () => TaskBackend): Executor {
  const view = new ExecutorView();
  attachBackend(view, backend);
  return view;
}

/** `Executor.map` as pools use it: it goes on after a failure, and results may come as they come. */
export function mapWith(
  executor: Executor,
  fn: unknown,
  inputs: readonly unknown[],
  options: MapOptions,
  unordered: boolean,
): MapRun {
  const [find, limits] = backendOf(executor);
  return mapOver(find(), fn, [...inputs, options], limits, { unordered, goesOn: true });
}

/**
 * Tells a tool of each task of an executor; what it returns ends that.
 *
 * @throws {UnsupportedError} If its tasks run elsewhere, and nobody tells of them.
 */
export function traceWith(executor: Executor, tool: TaskChannel): () => void {
  const backend = backendOf(executor)[0]();
  const end = backend.trace?.(tool);
  if (end !== undefined) return end;
  throw new UnsupportedError(`Cannot instrument ${backend.name}: it tells tools of no task`);
}
