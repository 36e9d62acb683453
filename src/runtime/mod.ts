/**
 * The port between the library and a JavaScript runtime, and its adapters: for those who bring a
 * runtime of their own, or change what one does. Executors take it as their option `runtime`.
 *
 * Python's counterpart is the context of `multiprocessing`.
 *
 * @example Usage
 * ```ts
 * import { detectRuntime, type Runtime } from "@concurrent/futures/runtime";
 * import { ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const real = detectRuntime();
 * let spawned = 0;
 * const counting: Runtime = {
 *   ...real,
 *   spawn(options, events) {
 *     spawned++;
 *     return real.spawn(options, events);
 *   },
 * };
 * await using executor = new ThreadPoolExecutor({ maxWorkers: 1, runtime: counting });
 * await executor.submit(() => 1);
 * assertEquals(spawned, 1);
 * ```
 *
 * @module
 */

export type {
  AsyncContext,
  Capabilities,
  EndedTask,
  Runtime,
  TaskClaims,
  WorkerEvents,
  WorkerHandle,
  WorkerOptions,
  WorkerPermissions,
  WorkerResourceLimits,
} from "./runtime.ts";
export { detectRuntime } from "./detect.ts";
export { browserRuntime } from "./browser.ts";
export { bunRuntime } from "./bun.ts";
export { childProcessRuntime } from "./process/start_process.ts";
export type { ProcessRuntimeOptions } from "./process/start_process.ts";
export type { ProcessCommand } from "./process/command.ts";
export type { RuntimeName } from "./command.ts";
export { denoRuntime } from "./deno.ts";
export { edgeRuntime } from "./edge.ts";
export { nodeRuntime } from "./node.ts";
