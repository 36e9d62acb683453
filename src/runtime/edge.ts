import { clock } from "../futures/clock.ts";
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
    const { EdgeRuntime } = globalThis as Scope;
    if (typeof EdgeRuntime === "string") return EdgeRuntime;
    return isEdge() ? "workerd" : "this runtime";
  },

  // --- capabilities ---

  capabilities: { parallel: false, stopsBusyTasks: false, sharedMemory: false, sandbox: false },

  availableParallelism: () => 1,

  unsupported: noWorkers,

  timer: (callback, milliseconds) => clock.setTimeout(callback, milliseconds),

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

interface Scope {
  readonly navigator?: { readonly userAgent?: string };
  readonly WebSocketPair?: unknown;
  readonly EdgeRuntime?: unknown;
}

/** Whether this is Cloudflare's or Vercel's runtime, which may look like Node. */
export function isEdge(): boolean {
  const { navigator, WebSocketPair, EdgeRuntime } = globalThis as Scope;
  // With an old compatibility date there is no navigator.
  return typeof WebSocketPair === "function" || typeof EdgeRuntime === "string" ||
    navigator?.userAgent === "Cloudflare-Workers";
}

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
