/**
 * Errors as plain records, and back. Structured clone loses classes, own properties,
 * `AggregateError.errors`, in places `cause`, and in Safari the whole error; a record loses only
 * what cannot be cloned at all. Nothing that can be thrown breaks it: every look at a thrown value
 * may itself throw, and is guarded; and its cost is linear in what was thrown and bounded.
 *
 * A record is flat, so that its own depth is the same whatever was thrown: errors and the containers
 * that lead to errors are in two lists, and refer to each other by number.
 *
 * @module
 */

import { registerClass } from "./error_classes.ts";

export { encodeError } from "./error_encoder.ts";
export { decodeError } from "./error_decoder.ts";
export type { ErrorRecord } from "./error_record.ts";

/**
 * Makes errors of a class arrive as instances of it, when a task throws one.
 *
 * The class's constructor is not called: the error gets its prototype and the properties that could
 * be cloned. Without it, a `MyError extends RangeError` arrives as a `RangeError` named "MyError".
 *
 * @param errorClass The class; it is found by its `name`.
 * @throws {TypeError} If it is not a class of errors, or has no name.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor, registerError } from "@concurrent/futures";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * class HttpError extends Error {
 *   status = 404;
 * }
 * registerError(HttpError);
 *
 * await using executor = new InlineExecutor();
 * const future = executor.submit(() => {
 *   throw new HttpError("Not found");
 * });
 * const error = await assertRejects(() => future.result(), HttpError, "Not found");
 * assertEquals(error.status, 404);
 * ```
 */
export function registerError(errorClass: new (...args: never[]) => Error): void {
  if (typeof errorClass !== "function" || !(errorClass.prototype instanceof Error)) {
    throw new TypeError("Cannot register an error: expected a class that extends Error");
  }
  if (errorClass.name === "") {
    throw new TypeError("Cannot register an error: its class has no name");
  }
  registerClass(errorClass);
}
