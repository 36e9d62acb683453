import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory } from "./factory.ts";
import type { Runtime } from "./runtime.ts";
import { startWebWorker, WebHandle } from "./web_handle.ts";
import type { WebWorkerTraits } from "./web_handle.ts";

const TRAITS: WebWorkerTraits = {
  tellsClose: false,
  terminateAfterReady: false,
  setReferenced() {}, // a page lives as long as it is open
};

/**
 * Browsers: module workers from a `blob:` URL, or the user's own where the Content-Security-Policy
 * forbids it.
 *
 * @see https://developer.mozilla.org/docs/Web/API/Worker
 */
export const browserRuntime: Runtime = {
  name: "this browser",

  // --- capabilities ---

  capabilities: {
    parallel: true,
    stopsBusyTasks: true,
    // Memory can be shared only on pages that are cross-origin isolated.
    get sharedMemory() {
      return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
    },
    sandbox: false,
  },

  availableParallelism() {
    return navigator.hardwareConcurrency || 1;
  },

  unsupported(options) {
    for (const name of ["permissions", "resourceLimits", "env"] as const) {
      if (options[name] === undefined) continue;
      return new UnsupportedError(`Cannot use ${name}: workers of browsers have none`);
    }
    return undefined;
  },

  timer: (callback, milliseconds) => setTimeout(callback, milliseconds),

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, TRAITS);
    return new WebHandle(startWebWorker(options, {}), events, TRAITS);
  },
};
