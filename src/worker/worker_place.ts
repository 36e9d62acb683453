/**
 * What the three kinds of workers have to offer to `listen()`: types only.
 *
 * @module
 */

import type { PROCESS_PORT, ProcessPort } from "../wire/process_port.ts";
import type { BusyLock } from "./busy_lock.ts";
import type { ProgramHost } from "./program_host.ts";

/** The global object of a worker, whatever its runtime. */
export interface WorkerScope {
  [PROCESS_PORT]?: ProcessPort;
  process?: {
    on?(event: string, listener: (error: unknown) => void): void;
    exit?(exitCode?: number): void;
    getBuiltinModule?(name: string): unknown;
    getActiveResourcesInfo?(): string[];
    memoryUsage?:
      & (() => { rss: number; heapUsed: number; external: number })
      & { rss?: () => number };
  };
  Bun?: unknown;
  self?: unknown;
  Deno?: {
    exit?(exitCode?: number): void;
    memoryUsage?: () => { rss: number; heapUsed: number; external: number };
  };
  close?(): void;
  setImmediate?(callback: () => void): unknown;
  clearImmediate?(immediate: unknown): void;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  addEventListener?(type: string, listener: (event: Event) => void): void;
}

/** One kind of worker: how its program is reached, and how it ends. */
export interface WorkerPlace extends Pick<ProgramHost, "post" | "counter" | "pause" | "waitAt"> {
  /** Hears the owner. */
  listen(receive: (message: unknown) => void, unreadable: () => void): void;
  /** Held while tasks run, where a busy worker could not be stopped without it. */
  readonly lock: BusyLock | undefined;
  /** Ends the worker in a way of its own. */
  readonly leave: (() => void) | undefined;
  /** Whether its owner would not hear that it exits. */
  readonly exitsSilently: boolean;
}
