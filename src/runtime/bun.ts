import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory, refuseWithFactory } from "./factory.ts";
import type { Runtime } from "./runtime.ts";
import { backgroundTimer, builtin } from "./thread_handle.ts";
import { startWebWorker, WebHandle } from "./web_handle.ts";
import type { WebWorkerTraits } from "./web_handle.ts";

const TRAITS: WebWorkerTraits = {
  tellsClose: true,
  setReferenced(worker, referenced) {
    if (referenced) worker.ref?.();
    else worker.unref?.();
  },
};

/**
 * Bun: global workers, whose channel takes a tenth of the time of its `node:worker_threads`.
 *
 * @see https://bun.com/docs/runtime/workers
 *
 * @example Usage
 * ```ts
 * import { bunRuntime } from "@concurrent/futures/runtime";
 * import { assertEquals } from "@std/assert";
 *
 * const name = bunRuntime.unsupported({ resourceLimits: { maxOldGenerationSizeMb: 64 } })?.name;
 * assertEquals(name, "UnsupportedError"); // Bun limits no worker
 * ```
 */
export const bunRuntime: Runtime = {
  name: "Bun",

  // --- capabilities ---

  // Loops of JavaScript are stopped; loops of wasm and long regular expressions are not.
  capabilities: { parallel: true, stopsBusyTasks: true, sharedMemory: true, sandbox: false },

  measuresMemory: true,

  availableParallelism() {
    return builtin<{ availableParallelism(): number }>("os")?.availableParallelism() ?? 1;
  },

  unsupported(options) {
    for (const name of ["permissions", "resourceLimits"] as const) {
      if (options[name] === undefined) continue;
      return new UnsupportedError(`Cannot use ${name}: workers of Bun have none`);
    }
    return refuseWithFactory(options);
  },

  timer: backgroundTimer,

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, TRAITS);
    const more = options.env === undefined ? {} : { env: options.env };
    return new WebHandle(startWebWorker(options, more), events, TRAITS);
  },
};
