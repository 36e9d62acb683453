import { UnsupportedError } from "../futures/errors.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Runtimes without workers, such as Cloudflare's and Vercel's: only `InlineExecutor` runs there.
 *
 * @example Usage
 * ```ts
 * import { edgeRuntime } from "@concurrent/futures/runtime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(edgeRuntime.unsupported({})?.name, "UnsupportedError");
 * ```
 */
export const edgeRuntime: Runtime = {
  get name(): string {
    const scope = globalThis as { EdgeRuntime?: unknown; WebSocketPair?: unknown };
    if (typeof scope.EdgeRuntime === "string") return scope.EdgeRuntime;
    return typeof scope.WebSocketPair === "function" ? "workerd" : "this runtime";
  },

  // --- capabilities ---

  capabilities: { parallel: false, stopsBusyTasks: false, sharedMemory: false, sandbox: false },

  availableParallelism: () => 1,

  unsupported: noWorkers,

  timer: (callback, milliseconds) => setTimeout(callback, milliseconds),

  // workerd: what belongs to a request throws when another touches it, and cannot be made outside of
  // all requests. Other runtimes do neither: there all is one request.
  requestMark() {
    const signal = makeSignal();
    return () => {
      if (signal === undefined) return makeSignal() === undefined;
      try {
        return !signal.aborted;
      } catch {
        return false;
      }
    };
  },

  // --- workers ---

  spawn() {
    throw noWorkers();
  },
};

function makeSignal(): AbortSignal | undefined {
  try {
    return new AbortController().signal;
  } catch {
    return undefined;
  }
}

function noWorkers(): UnsupportedError {
  return new UnsupportedError(
    `Cannot start workers: ${edgeRuntime.name} has none; use createExecutor() or InlineExecutor`,
  );
}
