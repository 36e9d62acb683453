import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory, refuseWithFactory } from "./factory.ts";
import type { Runtime } from "./runtime.ts";
import { startWebWorker, WebHandle } from "./web_handle.ts";
import type { WebWorker, WebWorkerTraits } from "./web_handle.ts";

const TRAITS: WebWorkerTraits = {
  tellsClose: false,
  setReferenced() {}, // a page lives as long as it is open
};

/**
 * Browsers: module workers from a `blob:` URL, or the user's own where the Content-Security-Policy
 * forbids it.
 *
 * @see https://developer.mozilla.org/docs/Web/API/Worker
 *
 * @example Usage
 * ```ts
 * import { browserRuntime } from "@concurrent/futures/runtime";
 * import { assertEquals } from "@std/assert";
 *
 * // Memory can be shared by pages that are isolated.
 * assertEquals(browserRuntime.capabilities.sharedMemory, globalThis.crossOriginIsolated === true);
 * ```
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
    return refuseWithFactory(options);
  },

  timer: (callback, milliseconds) => setTimeout(callback, milliseconds),

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, TRAITS);
    const lock = `@concurrent/futures worker ${crypto.randomUUID()}`;
    const program = `${holdLock(lock)}\n${options.program}`;
    const worker = startWebWorker({ name: options.name, program }, {});
    return new WebHandle(worker, events, { ...TRAITS, watch: awaitLock(lock) });
  },
};

/**
 * Code by which a worker holds a lock as long as it lives, which is all that a browser tells of its end.
 * Where there are no locks, as on pages without TLS, a worker that ends silently is not noticed, but
 * the program announces `close()`, and nothing else ends a worker there.
 */
function holdLock(name: string): string {
  const quoted = JSON.stringify(name);
  return `globalThis.navigator?.locks?.request(${quoted}, () => {
  postMessage(${quoted});
  return new Promise(() => {});
}).catch(() => {});`;
}

/** Waits for the lock once the worker has it, and so for the worker's end. */
function awaitLock(name: string): (worker: WebWorker, ended: () => void) => void {
  return (worker, ended) => {
    worker.addEventListener("message", (event: MessageEvent) => {
      if (event.data !== name) return;
      event.stopImmediatePropagation(); // it is no message of the program
      navigator.locks.request(name, ended).catch(() => {});
    });
  };
}
