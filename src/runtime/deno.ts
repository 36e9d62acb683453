import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory } from "./factory.ts";
import type { Runtime } from "./runtime.ts";
import { backgroundTimer, startThread, ThreadHandle } from "./thread_handle.ts";
import { startWebWorker, WebHandle } from "./web_handle.ts";
import type { WebWorker, WebWorkerTraits } from "./web_handle.ts";

/** Deno's global workers, for `permissions`: nothing tells their end, and they have no `unref`. */
const TRAITS: WebWorkerTraits = {
  tellsClose: false,
  terminateAfterReady: false,
  setReferenced(worker, referenced) {
    const key = referenceKey(worker);
    if (key !== undefined) {
      (worker as unknown as Record<symbol, (on: boolean) => void>)[key]!(referenced);
    }
  },
};

/** The private method by which Deno itself refs and unrefs a worker: the only symbol without a name. */
function referenceKey(worker: WebWorker): symbol | undefined {
  return Object.getOwnPropertySymbols(Object.getPrototypeOf(worker))
    .find((symbol) => symbol.description === undefined || symbol.description === "");
}

/**
 * Deno: workers of `node:worker_threads`, which tell their end, can be unref'd, and can be stopped
 * while they are busy; with `permissions` global workers, which cannot.
 *
 * @see https://docs.deno.com/runtime/fundamentals/workers/
 */
export const denoRuntime: Runtime = {
  name: "Deno",

  // --- capabilities ---

  capabilities: { parallel: true, stopsBusyTasks: true, sharedMemory: true, sandbox: true },

  availableParallelism() {
    return navigator.hardwareConcurrency || 1;
  },

  unsupported(options) {
    if (options.permissions === undefined || options.permissions === "inherit") return undefined;
    return new UnsupportedError("Cannot use permissions: not built yet");
  },

  timer: backgroundTimer,

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, TRAITS);
    if (options.permissions === undefined || options.permissions === "inherit") {
      return new ThreadHandle(startThread(options), events);
    }
    const more = { deno: { permissions: options.permissions } };
    return new WebHandle(startWebWorker(options, more), events, TRAITS);
  },
};
