import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory } from "./factory.ts";
import type { Capabilities, Runtime, WorkerOptions } from "./runtime.ts";
import { backgroundTimer, builtin, startThread, ThreadHandle } from "./thread_handle.ts";
import { startWebWorker, WebHandle } from "./web_handle.ts";
import type { WebWorker, WebWorkerTraits } from "./web_handle.ts";

declare const Deno: {
  permissions: { querySync(query: { name: "read"; path: string }): { state: string } };
};

const CAPABILITIES: Capabilities = {
  parallel: true,
  stopsBusyTasks: true,
  sharedMemory: true,
  sandbox: true,
};

/**
 * Deno: workers of `node:worker_threads`, which tell their end, can be unref'd, and can be stopped
 * while they are busy; with `permissions` global workers, which cannot.
 *
 * @see https://docs.deno.com/runtime/fundamentals/workers/
 */
export const denoRuntime: Runtime = {
  name: "Deno",

  // --- capabilities ---

  capabilities: CAPABILITIES,

  capabilitiesOf(options) {
    return isRestricted(options) ? { ...CAPABILITIES, stopsBusyTasks: false } : CAPABILITIES;
  },

  availableParallelism() {
    return navigator.hardwareConcurrency || 1;
  },

  unsupported(options) {
    if (!isRestricted(options)) return undefined;
    for (const name of ["env", "resourceLimits", "factory"] as const) {
      if (options[name] === undefined) continue;
      return new UnsupportedError(
        `Cannot use ${name === "factory" ? "worker" : name} together with permissions on Deno`,
      );
    }
    if (!lacksWorkerOptions()) return undefined;
    return new UnsupportedError(
      "Cannot use permissions: start Deno with the flag --unstable-worker-options",
    );
  },

  timer: backgroundTimer,

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, TRAITS);
    if (!isRestricted(options)) return new ThreadHandle(startThread(options), events);
    const more = { deno: { permissions: options.permissions } };
    return new WebHandle(startWebWorker(options, more), events, TRAITS);
  },
};

function isRestricted(options: Pick<WorkerOptions, "permissions">): boolean {
  return options.permissions !== undefined && options.permissions !== "inherit";
}

/**
 * Whether Deno was started without the flag that `permissions` need. It would end the whole program,
 * without an exception, at the first worker. Not known without the permission to look: then Deno has
 * the last word, and it names the flag too.
 */
function lacksWorkerOptions(): boolean {
  try {
    const query = { name: "read", path: "/proc/self/cmdline" } as const;
    if (Deno.permissions.querySync(query).state !== "granted") return false;
    const args = builtin<{ readFileSync(path: string, encoding: string): string }>("fs")!
      .readFileSync(query.path, "utf8").split("\0");
    return !args.includes("--unstable-worker-options") && !args.includes("--unstable");
  } catch {
    return false; // no such file on this system
  }
}

/** Deno's global workers, for `permissions`: only the program tells their end, and they have no `unref`. */
const TRAITS: WebWorkerTraits = {
  tellsClose: false,
  terminateAfterReady: false,
  setReferenced(worker, referenced) {
    const methods = worker as unknown as Record<symbol, ((on: boolean) => void) | undefined>;
    const key = referenceKey(worker);
    if (key !== undefined) methods[key]?.(referenced);
  },
};

/** The private method by which Deno itself refs and unrefs a worker: the only symbol without a name. */
function referenceKey(worker: WebWorker): symbol | undefined {
  return Object.getOwnPropertySymbols(Object.getPrototypeOf(worker))
    .find((symbol) => symbol.description === undefined || symbol.description === "");
}
