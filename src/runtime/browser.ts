import { clock } from "../futures/clock.ts";
import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory, refuseWithFactory } from "./factory.ts";
import type { Runtime } from "./runtime.ts";
import { startWebWorker, WebHandle } from "./web_handle.ts";
import type { WebWorker, WebWorkerTraits } from "./web_handle.ts";

/** Browsers do not say why they load no worker; of a text that is always the same, this is why. */
const FORBIDDEN = "this page does not load workers from blob: URLs, as its " +
  "Content-Security-Policy forbids them; allow them by `worker-src blob:`, or make them of a file " +
  "that calls serve(tasks), by the option " +
  '`worker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })`';

/** What is used of a navigator with locks; Deno's own types have none. */
interface Locking {
  readonly locks: { request(name: string, callback: () => void): Promise<unknown> };
}

const TRAITS: WebWorkerTraits = {
  tellsClose: false,
  notLoaded: () =>
    new Error(
      "Cannot load the worker that worker() made: its file, or one that it imports, is missing, is " +
        "no JavaScript, or is forbidden by a Content-Security-Policy",
    ),
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
    // Memory can be shared only on pages that are cross-origin isolated; WebKitGTK has none even there.
    get sharedMemory() {
      return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true &&
        "SharedArrayBuffer" in globalThis;
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

  timer: (callback, milliseconds) => clock.setTimeout(callback, milliseconds),

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, TRAITS);
    const traits = { ...TRAITS, notLoaded: () => new UnsupportedError(FORBIDDEN) };
    // Pages without TLS have neither locks nor random names for them.
    const lock = "locks" in navigator
      ? `@concurrent/futures worker ${crypto.randomUUID()}`
      : undefined;
    const program = lock === undefined ? options.program : holdLock(lock) + options.program;
    let worker: WebWorker;
    try {
      worker = startWebWorker({ name: options.name, program }, {});
    } catch (cause) { // by a policy about what scripts may be made of, or an old browser
      throw new UnsupportedError(FORBIDDEN, { cause });
    }
    const watch = lock === undefined ? {} : { watch: awaitLock(lock) };
    return new WebHandle(worker, events, { ...traits, ...watch });
  },
};

/**
 * Code by which a worker holds a lock as long as it lives, which is all that a browser tells of its end;
 * it waits for the lock, or its first task could end it before. Where there are no locks, the program
 * announces `close()`, and nothing else ends a worker.
 */
function holdLock(name: string): string {
  const quoted = JSON.stringify(name);
  return `await new Promise((go) =>
  navigator.locks.request(${quoted}, () => {
    postMessage(${quoted});
    go();
    return new Promise(() => {});
  }).catch(go)
);
`;
}

/** Waits for the lock once the worker has it, and so for the worker's end. */
function awaitLock(name: string): (worker: WebWorker, ended: () => void) => void {
  return (worker, ended) => {
    worker.addEventListener("message", (event: MessageEvent) => {
      if (event.data !== name) return;
      event.stopImmediatePropagation(); // it is no message of the program
      (navigator as unknown as Locking).locks.request(name, ended).catch(() => {});
    });
  };
}
