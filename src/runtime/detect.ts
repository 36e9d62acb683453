import { useRuntimeErrors } from "../worker/runtime_errors.ts";
import { browserRuntime } from "./browser.ts";
import { bunRuntime } from "./bun.ts";
import { denoRuntime } from "./deno.ts";
import { edgeRuntime, isEdge } from "./edge.ts";
import { nodeRuntime } from "./node.ts";
import type { Runtime } from "./runtime.ts";
import type { ProcessLike } from "./thread_handle.ts";

/**
 * The runtime that this program runs on.
 *
 * The order matters: Cloudflare has a `process` and a `Worker` that throws, Deno and Bun have
 * `process.versions.node`, and Node may have a global `Worker`.
 *
 * @returns The adapter of the runtime; one without workers if nothing else fits.
 *
 * @example Usage
 * ```ts
 * import { detectRuntime } from "@concurrent/futures/runtime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(detectRuntime().name, "Deno");
 * ```
 */
export function detectRuntime(): Runtime {
  const scope = globalThis as {
    Deno?: { version?: { deno?: string } };
    process?: ProcessLike;
    Worker?: unknown;
  };
  useRuntimeErrors();
  if (isEdge()) return edgeRuntime;
  if (scope.Deno?.version?.deno !== undefined) return denoRuntime;
  if (scope.process?.versions?.bun !== undefined) return bunRuntime;
  if (scope.process?.versions?.node !== undefined) return nodeRuntime;
  if (typeof scope.Worker === "function") return browserRuntime;
  return edgeRuntime;
}
