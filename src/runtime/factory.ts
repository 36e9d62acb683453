import { show } from "../futures/show.ts";
import type { WorkerEvents, WorkerHandle } from "./runtime.ts";
import { ThreadHandle } from "./thread_handle.ts";
import type { ThreadWorker } from "./thread_handle.ts";
import { WebHandle } from "./web_handle.ts";
import type { WebWorker, WebWorkerTraits } from "./web_handle.ts";

/**
 * A worker that the user makes, of either kind.
 *
 * @throws {TypeError} If it is not a worker, or not of a kind that the runtime has.
 */
export function fromFactory(
  factory: () => unknown,
  events: WorkerEvents,
  traits: WebWorkerTraits | undefined,
): WorkerHandle {
  const worker = factory() as Partial<ThreadWorker & WebWorker> | null;
  if (typeof worker === "object" && worker !== null && typeof worker.postMessage === "function") {
    if (typeof worker.on === "function") return new ThreadHandle(worker as ThreadWorker, events);
    if (traits !== undefined && typeof worker.addEventListener === "function") {
      return new WebHandle(worker as WebWorker, events, traits);
    }
  }
  throw new TypeError(`Cannot use what worker() returned: expected a Worker, got ${show(worker)}`);
}
