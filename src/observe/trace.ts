/**
 * Traces of executors: who ran what and when, as a file that https://ui.perfetto.dev opens.
 *
 * Python has no counterpart.
 *
 * @example Usage
 * ```ts
 * import { ThreadPoolExecutor } from "@concurrent/futures";
 * import { recordTrace } from "@concurrent/futures/trace";
 * import { assert } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor(2);
 * using recording = recordTrace(executor);
 * await executor.map((x: number) => x * x, [1, 2, 3]).toArray();
 * // await recording.write("trace.json");
 * assert(recording.toJSON().traceEvents.length > 3);
 * ```
 *
 * @module
 */

import type { Executor } from "../executor/executor.ts";
import { TraceRecording } from "./trace_recording.ts";
import type { TraceOptions } from "./trace_recording.ts";

export { TraceRecording };
export type { TraceOptions };
export type { TraceEvent, TraceFile } from "./trace_events.ts";

/**
 * Records what an executor does from now on, until the recording is stopped: a slice for each task on the
 * row of its worker, arrows where one was stolen, how many waited and ran, crashes, cancels and timeouts.
 *
 * @param executor Whose tasks are recorded.
 * @param options See {@linkcode TraceOptions}.
 * @returns The recording: `write()` it, or take its `toJSON()`.
 * @throws {TypeError} If an option is of a wrong kind.
 * @throws {RangeError} If `limit` is out of range.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor } from "@concurrent/futures";
 * import { recordTrace } from "@concurrent/futures/trace";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new InlineExecutor();
 * const recording = recordTrace(executor);
 * await executor.submit(function double(x: number) {
 *   return 2 * x;
 * }, 21);
 * recording.stop();
 *
 * const slices = recording.toJSON().traceEvents.filter(({ ph }) => ph === "X");
 * assertEquals(slices.map(({ name }) => name), ["double"]);
 * ```
 */
export function recordTrace(executor: Executor, options: TraceOptions = {}): TraceRecording {
  return new TraceRecording(executor, options);
}
