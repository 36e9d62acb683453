import { UnsupportedError } from "../futures/errors.ts";
import { show } from "../futures/show.ts";
import type { WorkerEvents, WorkerHandle, WorkerOptions } from "./runtime.ts";
import { ThreadHandle } from "./thread_handle.ts";
import type { ThreadWorker } from "./thread_handle.ts";
import { WebHandle } from "./web_handle.ts";
import type { WebWorker, WebWorkerTraits } from "./web_handle.ts";

/** Workers that are in use already. */
const used = new WeakSet<object>();

/**
 * A worker that the user makes, of either kind.
 *
 * @throws {TypeError} If it is not a worker, or not of a kind that the runtime has, or not a new one.
 */
export function fromFactory(
  factory: () => unknown,
  events: WorkerEvents,
  traits: WebWorkerTraits | undefined,
): WorkerHandle {
  const worker = factory() as Partial<ThreadWorker & WebWorker> | null | undefined;
  // Ports and channels can post messages too, but only workers can be terminated.
  if (typeof worker?.postMessage === "function" && typeof worker.terminate === "function") {
    if (used.has(worker)) {
      throw new TypeError(
        "Cannot use what worker() returned: expected a new Worker at each call, got the same again",
      );
    }
    used.add(worker);
    if (typeof worker.on === "function") return new ThreadHandle(worker as ThreadWorker, events);
    if (traits !== undefined && typeof worker.addEventListener === "function") {
      return new WebHandle(worker as WebWorker, events, traits);
    }
  }
  const advice = traits === undefined ? "; make one of node:worker_threads" : "";
  throw new TypeError(
    `Cannot use what worker() returned: expected a Worker, got ${show(worker)}${advice}`,
  );
}

/** What speaks against options that only whoever makes the worker could heed. */
export function refuseWithFactory(
  options: Omit<WorkerOptions, "name" | "program">,
): UnsupportedError | undefined {
  if (options.factory === undefined) return undefined;
  for (const name of ["permissions", "env", "resourceLimits"] as const) {
    if (options[name] === undefined) continue;
    return new UnsupportedError(
      `Cannot use ${name} together with worker: give it to the Worker that worker() makes`,
    );
  }
  return undefined;
}
