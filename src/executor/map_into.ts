import { show } from "../futures/show.ts";
import { isTypedArray } from "./map_columns.ts";
import type { TypedArray } from "./map_columns.ts";

/** Throws if results cannot be written into it. */
export function checkTarget(target: unknown): void {
  if (isTypedArray(target)) return;
  throw new TypeError(`Cannot write results into ${show(target)}: expected a typed array`);
}

/**
 * Writes results from `at` on: numbers, or blocks of them.
 *
 * @returns Where the next one goes.
 */
export function writeInto(target: TypedArray, at: number, results: ArrayLike<unknown>): number {
  return isTypedArray(results) ? write(results, target, at) : writeEach(results, target, at);
}

/** Writes numbers that are one block. */
function write(numbers: ArrayLike<unknown>, target: TypedArray, at: number): number {
  const end = at + numbers.length;
  if (end > target.length) {
    throw new RangeError(
      `Cannot write results into a typed array of ${target.length}: there are more`,
    );
  }
  target.set(numbers as ArrayLike<never>, at);
  return end;
}

function writeEach(values: ArrayLike<unknown>, target: TypedArray, at: number): number {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (isTypedArray(value)) at = write(value, target, at);
    else if (typeof value === "number" || typeof value === "bigint") {
      if (at >= target.length) return write([value], target, at);
      target[at++] = value as number;
    } else {
      throw new TypeError(
        `Cannot write a result into a typed array: expected a number, got ${show(value)}`,
      );
    }
  }
  return at;
}
