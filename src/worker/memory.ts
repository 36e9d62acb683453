import type { WorkerScope } from "./worker_place.ts";

/** What runtimes tell of their memory; all of it as it was before any task could change it. */
interface Usage {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

type Tell<T> = (() => T) | undefined;

/**
 * How many bytes this worker has, to be asked between tasks: a process all of its memory, a thread its heap
 * and its buffers, of which Bun tells since its last collection. `undefined` where nobody tells.
 */
export function memoryOf(scope: WorkerScope, isProcess: boolean): Tell<number> {
  const usage: Tell<Usage> = scope.Deno?.memoryUsage ?? scope.process?.memoryUsage;
  if (usage === undefined) return undefined;
  if (isProcess) return scope.process?.memoryUsage?.rss ?? (() => usage().rss);
  const builtin = <T>(name: string) => scope.process?.getBuiltinModule?.(name) as T | undefined;
  if (scope.Bun !== undefined) {
    return builtin<{ heapSize?: () => number }>("bun:jsc")?.heapSize ?? (() => usage().heapUsed);
  }
  // A tenth of what memoryUsage() takes, which asks the system for the memory of the process.
  const statistics = scope.Deno === undefined
    ? builtin<{ getHeapStatistics?: () => { used_heap_size: number; external_memory: number } }>(
      "node:v8",
    )?.getHeapStatistics
    : undefined;
  if (statistics === undefined) {
    return () => {
      const { heapUsed, external } = usage();
      return heapUsed + external;
    };
  }
  return () => {
    const { used_heap_size, external_memory } = statistics();
    return used_heap_size + external_memory;
  };
}

/** Tells once when there is more memory than there may be. */
export class MemoryLimit {
  readonly #limit: number;
  readonly #measure: () => number;
  readonly #exceeded: () => void;
  #isOver = false;

  constructor(limit: number, measure: () => number, exceeded: () => void) {
    this.#limit = limit;
    this.#measure = measure;
    this.#exceeded = exceeded;
  }

  check(): void {
    if (this.#isOver || !(this.#measure() > this.#limit)) return;
    this.#isOver = true;
    this.#exceeded();
  }
}
