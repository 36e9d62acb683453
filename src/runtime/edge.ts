import { UnsupportedError } from "../futures/errors.ts";
import type { Runtime } from "./runtime.ts";
import { backgroundTimer } from "./thread_handle.ts";

/** Runtimes without workers, such as Cloudflare's and Vercel's: only `InlineExecutor` runs there. */
export const edgeRuntime: Runtime = {
  name: "this runtime",

  // --- capabilities ---

  capabilities: { parallel: false, stopsBusyTasks: false, sharedMemory: false, sandbox: false },

  availableParallelism: () => 1,

  unsupported: noWorkers,

  timer: backgroundTimer,

  // --- workers ---

  spawn() {
    throw noWorkers();
  },
};

function noWorkers(): UnsupportedError {
  return new UnsupportedError(
    "Cannot start workers: this runtime has none; use createExecutor() or InlineExecutor",
  );
}
