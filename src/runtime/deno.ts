import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory, refuseWithFactory } from "./factory.ts";
import type { Capabilities, Runtime, WorkerOptions } from "./runtime.ts";
import { backgroundTimer, builtin, startThread, ThreadHandle } from "./thread_handle.ts";
import { startWebWorker, WebHandle } from "./web_handle.ts";
import type { WebWorker, WebWorkerTraits } from "./web_handle.ts";

const FLAG = "--unstable-worker-options";

/** Deno's global workers, for `permissions`: they do not tell their end, and have no `unref`. */
const TRAITS: WebWorkerTraits = {
  tellsClose: false,
  watch: sendLifeline,
  setReferenced(worker, referenced) {
    const methods = worker as unknown as Record<symbol, ((on: boolean) => void) | undefined>;
    const key = referenceKey(worker);
    if (key !== undefined) methods[key]?.(referenced);
  },
};

const CAPABILITIES: Capabilities = {
  parallel: true,
  stopsBusyTasks: true,
  sharedMemory: true,
  get sandbox() {
    return hasWorkerOptions();
  },
};

/**
 * Deno: workers of `node:worker_threads`, which tell their end, can be unref'd, and can be stopped
 * while they are busy; with `permissions` global workers, which cannot.
 *
 * @see https://docs.deno.com/runtime/fundamentals/workers/
 *
 * @example Usage
 * ```ts
 * import { denoRuntime } from "@concurrent/futures/runtime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(denoRuntime.capabilities.stopsBusyTasks, true);
 * ```
 */
export const denoRuntime: Runtime = {
  name: "Deno",

  // --- capabilities ---

  capabilities: CAPABILITIES,

  capabilitiesOf(options) {
    // A worker of the user's own may be a global one.
    if (!isRestricted(options) && options.factory === undefined) return CAPABILITIES;
    return {
      parallel: true,
      stopsBusyTasks: false,
      sharedMemory: true,
      sandbox: isRestricted(options),
    };
  },

  measuresMemory: true,

  availableParallelism() {
    return navigator.hardwareConcurrency || 1;
  },

  unsupported(options) {
    const refused = refuseWithFactory(options);
    if (refused !== undefined) return refused;
    if (isClusterWorker()) {
      return new UnsupportedError(
        "Cannot start workers: in a worker of node:cluster those of Deno die; use ProcessPoolExecutor",
      );
    }
    if (!isRestricted(options)) return undefined;
    for (const name of ["env", "resourceLimits"] as const) {
      if (options[name] === undefined) continue;
      return new UnsupportedError(`Cannot use ${name} together with permissions on Deno`);
    }
    if (hasWorkerOptions()) return undefined;
    return new UnsupportedError(`Cannot use permissions: start Deno with the flag ${FLAG}`);
  },

  timer: backgroundTimer,

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, TRAITS);
    if (!isRestricted(options)) return new ThreadHandle(startThread(options), events, inMap);
    const more = { deno: { permissions: options.permissions } };
    return new WebHandle(startWebWorker(options, more), events, TRAITS);
  },
};

/**
 * Deno looks for ports in each object and array that a worker receives, in a `Uint8Array` number by
 * number: 60 ms for a MiB. It does not look into maps, and where nothing else than buffers is
 * transferred there are no ports.
 */
function inMap(message: unknown): Map<number, unknown> {
  return new Map([[0, message]]);
}

function isRestricted(options: Pick<WorkerOptions, "permissions">): boolean {
  return options.permissions !== undefined && options.permissions !== "inherit";
}

/** Deno 2.9 asks each thread of such a process for the channel to the primary, which it has not. */
function isClusterWorker(): boolean {
  const { process } = globalThis as { process?: { send?: unknown } };
  // Only who was forked can be one, and for all others the module need not be loaded.
  return process?.send !== undefined &&
    (builtin<{ isWorker?: boolean }>("cluster")?.isWorker ?? false);
}

let workerOptions: boolean | undefined;

/**
 * Whether Deno was started with the flag (or the entry of its configuration) that `permissions` need.
 * Without it the first such worker ends the whole program, and no exception tells of it. Deno does
 * not say which flags it has, but `fork()` hands them to the child and does not repeat those that the
 * caller names: then the last argument, which is refused for its NUL, so that nothing is ever started,
 * is not pushed one place further. What is not known for certain counts as no.
 */
function hasWorkerOptions(): boolean {
  return workerOptions ??= placeOfRefused("--unstable-no-such-flag") - placeOfRefused(FLAG) === 1;
}

/** Where the argument after `argument` comes to stand among those of a child process. */
function placeOfRefused(argument: string): number {
  try {
    // Refused twice, should Deno ever look at NULs later than today.
    const options = { execPath: "deno", execArgv: [] as string[], timeout: -1 };
    const refused = { toString: () => "\0" };
    builtin<ForkModule>("child_process")!.fork("module", [argument, refused], options);
  } catch (error) {
    return Number(/args\[(\d+)\]/.exec(String(error))?.[1]);
  }
  return NaN;
}

interface ForkModule {
  fork(module: string, args: readonly unknown[], options: Record<string, unknown>): unknown;
}

/** Gives the worker one end of a channel: it closes when the worker ends, of whatever cause. */
function sendLifeline(worker: WebWorker, ended: () => void): void {
  builtin("worker_threads"); // until it is loaded, ports of Deno do not tell that they were closed
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("close", ended);
  port1.start();
  worker.postMessage({ lifeline: port2 }, [port2]);
}

/** The private method by which Deno itself refs and unrefs a worker: the only symbol without a name. */
function referenceKey(worker: WebWorker): symbol | undefined {
  return Object.getOwnPropertySymbols(Object.getPrototypeOf(worker))
    .find((symbol) => symbol.description === undefined || symbol.description === "");
}
