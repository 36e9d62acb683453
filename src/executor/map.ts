import type { TaskBackend, TaskLimits } from "../backend/task_backend.ts";
import type { MapRun, MapRunOptions } from "./map_run.ts";
import { checkBoolean, checkCount, checkOptions, checkTime } from "./options.ts";
import { show } from "../futures/show.ts";
import { startMap } from "./start_map.ts";

/** Options of {@linkcode Executor.map}. */
export interface MapOptions {
  /**
   * Items that go to a worker as one task; each has its own outcome all the same.
   *
   * @default {chosen from the measured run time; 1 for inputs of unknown length}
   */
  chunkSize?: number | undefined;
  /**
   * Items of an input of unknown length that may be in flight or waiting to be taken.
   *
   * @default {4 * maxWorkers * chunkSize}
   */
  bufferSize?: number | undefined;
  /**
   * Milliseconds from the call until the iteration rejects with `TimeoutError`.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
  /**
   * Give each item's outcome as `Promise.allSettled` does, and go on after a failure.
   *
   * @default {false}
   */
  settled?: boolean | undefined;
}

/** Checks the arguments of `map` and starts it. */
export function mapOver(
  backend: TaskBackend,
  task: unknown,
  rest: readonly unknown[],
  limits: TaskLimits | undefined,
  form: Pick<MapRunOptions, "unordered" | "goesOn"> = {},
): MapRun {
  backend.checkOpen();
  backend.checkTask(task);
  const inputs = [...rest];
  let options: MapOptions = {};
  if (inputs.length > 1 && !isIterable(inputs.at(-1))) {
    const last = inputs.pop();
    checkOptions("map", last, ["chunkSize", "bufferSize", "timeout", "settled"]);
    options = (last ?? {}) as MapOptions;
  }
  if (inputs.length === 0) throw new TypeError("Cannot map: no items given to call the task with");
  for (const input of inputs) {
    if (!isIterable(input)) {
      throw new TypeError(
        `Cannot map over ${show(input)}: expected an iterable or an async iterable`,
      );
    }
  }
  let chunkSize = checkCount("chunkSize", options.chunkSize);
  const bufferSize = checkCount("bufferSize", options.bufferSize);
  const timeout = checkTime("timeout", options.timeout);
  checkBoolean("settled", options.settled);
  // A time limit or a progress of each item asks for one task per item.
  // With a timeout each result is to come as soon as it is there.
  if (options.timeout !== undefined || limits?.timeout !== undefined) chunkSize ??= 1;
  if (limits?.onProgress !== undefined) chunkSize ??= 1;
  const { settled = false } = options;
  return startMap(backend, task, inputs, limits, {
    ...form,
    timeout,
    settled,
    chunkSize,
    bufferSize,
  });
}

function isIterable(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === "string") return true;
  if (typeof value !== "object" && typeof value !== "function") return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}
