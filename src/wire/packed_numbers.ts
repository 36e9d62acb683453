import { DoublesOf } from "./originals.ts";

/** Fewer values are sent as fast in the array of their message. */
export const MIN_PACKED = 64;

/**
 * Values as one typed array if all of them are numbers: a runtime copies that as one block of memory,
 * where it writes and reads the elements of an array one by one. A double holds every number, so
 * nothing is lost, `NaN` and `-0` included.
 */
export function packNumbers(values: readonly unknown[]): Float64Array | undefined {
  const length = values.length;
  if (length < MIN_PACKED || typeof values[values.length - 1] !== "number") return undefined;
  const packed = new DoublesOf(length);
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (typeof value !== "number") return undefined;
    packed[i] = value;
  }
  return packed;
}
