import { UnsupportedError } from "../futures/errors.ts";
import { fromFactory, refuseWithFactory } from "./factory.ts";
import type { Runtime } from "./runtime.ts";
import { backgroundTimer, builtin, startThread, ThreadHandle } from "./thread_handle.ts";
import type { ProcessLike } from "./thread_handle.ts";

/**
 * Node.js: workers of `node:worker_threads`.
 *
 * @see https://nodejs.org/api/worker_threads.html
 *
 * @example Usage
 * ```ts
 * import { nodeRuntime } from "@concurrent/futures/runtime";
 * import { assertEquals } from "@std/assert";
 *
 * const name = nodeRuntime.unsupported({ permissions: "none" })?.name;
 * assertEquals(name, "UnsupportedError"); // Node restricts processes, not threads
 * ```
 */
export const nodeRuntime: Runtime = {
  name: "Node.js",

  // --- capabilities ---

  capabilities: { parallel: true, stopsBusyTasks: true, sharedMemory: true, sandbox: false },

  measuresMemory: true,

  availableParallelism() {
    return builtin<{ availableParallelism(): number }>("os")?.availableParallelism() ?? 1;
  },

  unsupported(options) {
    if (options.permissions !== undefined) {
      return new UnsupportedError(
        "Cannot use permissions: Node.js has no permissions of workers; use env and resourceLimits",
      );
    }
    const { process } = globalThis as { process?: ProcessLike };
    if (process?.permission?.has("worker") === false) {
      return new UnsupportedError(
        "Cannot start workers: Node.js was started with --permission; add the flag --allow-worker",
      );
    }
    return refuseWithFactory(options);
  },

  timer: backgroundTimer,

  // --- workers ---

  spawn(options, events) {
    if (options.factory !== undefined) return fromFactory(options.factory, events, undefined);
    return new ThreadHandle(startThread(options), events);
  },
};
