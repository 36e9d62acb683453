import type { ChunkReader } from "../backend/task_backend.ts";
import type { Future } from "../futures/future.ts";

/** The input of one `map`: it makes chunks and tells its reader. */
export interface MapInput {
  /** How many items there are, if that is known by now. */
  readonly total: number | undefined;
  /** Begins to read. */
  start(): void;
  /** So many results were taken. */
  taken(count: number): void;
  /** What is done counts as taken from now on. */
  readOn(): void;
  /** Of unknown length: reads no more, and tells its reader why. */
  stop(reason: unknown): void;
  /** Nobody waits for this chunk any more. */
  discard(chunk: Future<unknown>): void;
  /** Reads no more and submits no more. */
  cancel(): void;
}

/** Who is told of the chunks. */
export interface MapReader extends ChunkReader {
  /** No more chunks come; with the error that the input ended with, if there is one. */
  inputEnded(error: { readonly reason: unknown } | undefined): void;
}
