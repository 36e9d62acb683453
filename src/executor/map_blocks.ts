import type { TaskBackend, TaskLimits } from "../backend/task_backend.ts";
import { show } from "../futures/show.ts";
import { blocksOf, isTypedArray } from "./map_columns.ts";
import type { MapRun } from "./map_run.ts";
import { checkCount, checkOptions } from "./options.ts";
import { startMap } from "./start_map.ts";

/** Numbers of a block at the most, unless it was asked for: what two workers take turns with in a cache. */
const MAX_BLOCK = 1 << 16;

/** Options of {@linkcode Executor.mapBlocks}. */
export interface MapBlocksOptions {
  /**
   * Numbers of one block; the last one may have fewer.
   *
   * @default {Math.ceil(length / (4 * maxWorkers)), at most 65,536}
   */
  blockSize?: number | undefined;
}

/** Checks the arguments of `mapBlocks` and starts it. */
export function mapBlocks(
  backend: TaskBackend,
  task: unknown,
  array: unknown,
  options: MapBlocksOptions | undefined,
  limits: TaskLimits | undefined,
): MapRun {
  backend.checkOpen();
  backend.checkTask(task);
  if (!isTypedArray(array)) {
    throw new TypeError(`Cannot map blocks of ${show(array)}: expected a typed array`);
  }
  checkOptions("mapBlocks", options, ["blockSize"]);
  const { length } = array;
  const size = checkCount("blockSize", options?.blockSize) ??
    Math.max(1, Math.min(MAX_BLOCK, Math.ceil(length / (4 * backend.maxWorkers))));
  const blocks = blocksOf(array, size, backend.capabilities.sharedMemory);
  const check = (value: unknown, index: number): unknown => {
    const expected = Math.min(size, length - index * size);
    if (isTypedArray(value) && value.length === expected) return undefined;
    const got = isTypedArray(value) ? `one of ${value.length}` : show(value);
    return new TypeError(
      `Cannot use the result of block ${index}: expected a typed array of ${expected}, got ${got}`,
    );
  };
  return startMap(backend, task, [blocks], limits, { check, chunkSize: 1 });
}
