import type { TaskBackend, TaskLimits } from "../backend/task_backend.ts";
import { holdsFuture } from "../futures/argument_wait.ts";
import { KnownInput } from "./known_input.ts";
import { LazyInput } from "./lazy_input.ts";
import { columnOf } from "./map_columns.ts";
import type { MapInput, MapReader } from "./map_input.ts";
import { MapRun } from "./map_run.ts";
import type { MapRunOptions } from "./map_run.ts";

/** How one `map` is read, and its results given; everything is checked already. */
export interface MapForm extends MapRunOptions {
  readonly chunkSize?: number | undefined;
  readonly bufferSize?: number | undefined;
}

/** Starts a `map`: its input makes chunks, whose results its iterator gives. */
export function startMap(
  backend: TaskBackend,
  task: unknown,
  inputs: readonly unknown[],
  limits: TaskLimits | undefined,
  form: MapForm,
): MapRun {
  const run = new MapRun(form);
  run.start(inputOf(backend, task, inputs, limits, form, run));
  return run;
}

/** The input that fits: of known length if all inputs are. */
function inputOf(
  backend: TaskBackend,
  task: unknown,
  inputs: readonly unknown[],
  limits: TaskLimits | undefined,
  { chunkSize, bufferSize }: MapForm,
  reader: MapReader,
): MapInput {
  const isKnown = inputs.every(hasKnownLength);
  if (isKnown) {
    const { sharedMemory } = backend.capabilities;
    const columns = inputs.map((input) => columnOf(input, sharedMemory));
    // Those of one key go one after the other, each with its place.
    const inLane = limits?.affinity !== undefined;
    if (!inLane && !columns.some((column) => Array.isArray(column) && holdsFuture(column))) {
      return new KnownInput(backend, task, columns, limits, chunkSize, reader);
    }
  }
  const size = chunkSize ?? 1;
  // What is known is submitted by the call, all of it.
  const buffer = isKnown ? Infinity : bufferSize ?? backend.lookAhead * size;
  return new LazyInput(backend, task, inputs, limits, Math.min(size, buffer), buffer, reader);
}

function hasKnownLength(input: unknown): boolean {
  return typeof input === "string" || Array.isArray(input) || input instanceof Set ||
    input instanceof Map || (ArrayBuffer.isView(input) && Symbol.iterator in input);
}
