import { MAX_NAMED } from "./structured_format.ts";
import { viewKindOf } from "./value_kind.ts";

/** What TypeScript's older libraries do not know of a buffer. */
interface ResizableBuffer {
  readonly byteLength: number;
  readonly resizable?: boolean;
  readonly maxByteLength: number;
  resize(byteLength: number): void;
}

/** Missing elements until an array may count as sparse. */
const MIN_HOLES = 1_000;

const { keys, hasOwn } = Object;
const elementAt = Function.prototype.call.bind(Uint8Array.prototype.at) as (
  view: ArrayBufferView,
  index: number,
) => unknown;

/** Names that a match has, and a list of strings of a template. */
const KNOWN_NAMES = ["index", "input", "groups", "indices", "raw"] as const;

/**
 * The enumerable properties of an array that are not its elements, if there are any.
 *
 * @param usual Look only for the usual ones, as in any long array.
 */
export function namedKeys(array: readonly unknown[], usual: boolean): string[] | undefined {
  if (usual || array.length > MAX_NAMED) {
    for (let i = 0; i < KNOWN_NAMES.length; i++) {
      if (hasOwn(array, KNOWN_NAMES[i]!)) return keys(array).filter((key) => !isIndex(key));
    }
    return undefined;
  }
  const all = keys(array);
  // Indices come first, so that the last one tells.
  if (all.length === 0 || isIndex(all[all.length - 1]!)) return undefined;
  return all.filter((key) => !isIndex(key));
}

/** Whether a key of an array is that of an element. */
export function isIndex(key: string): boolean {
  const number = Number(key) >>> 0;
  return number < 2 ** 32 - 1 && `${number}` === key;
}

/**
 * Whether a view follows the length of its resizable buffer. Nothing tells but a change of that length,
 * which nobody else sees: nothing runs in between.
 */
export function isTracking(view: ArrayBufferView): boolean {
  const buffer = view.buffer as unknown as ResizableBuffer;
  if (!buffer.resizable) return false;
  const size = (view as Partial<Uint8Array>).BYTES_PER_ELEMENT ?? 1;
  const { byteLength } = view;
  const end = view.byteOffset + byteLength;
  const length = buffer.byteLength;
  if (length - end >= size) return false;
  const grown = end + size;
  if (grown <= buffer.maxByteLength) {
    buffer.resize(grown);
    const follows = view.byteLength > byteLength;
    buffer.resize(length);
    return follows;
  }
  if (byteLength === 0) return false; // nor can it ever be longer
  const tail = new Uint8Array(view.buffer as ArrayBuffer, end - size).slice();
  buffer.resize(end - size);
  const follows = isInBounds(view);
  buffer.resize(length);
  new Uint8Array(view.buffer as ArrayBuffer).set(tail, end - size);
  return follows;
}

/** Whether the buffer of a view is long enough for it. */
export function isInBounds(view: ArrayBufferView): boolean {
  try {
    if (viewKindOf(view) === "DataView") return view.byteLength >= 0;
    elementAt(view, 0);
    return true;
  } catch {
    return false;
  }
}

/** The elements of an array, if all are numbers. */
export function pack(array: readonly number[]): Int32Array | Float64Array | undefined {
  const { length } = array;
  let integers = true;
  for (let i = 0; i < length; i++) {
    const value = array[i];
    if (typeof value !== "number") return undefined;
    if (integers && ((value | 0) !== value || Object.is(value, -0))) integers = false;
  }
  return integers ? Int32Array.from(array) : Float64Array.from(array);
}

/** Whether most elements of an array are missing. */
export function isSparse(array: readonly unknown[]): boolean {
  const { length } = array;
  let holes = 0;
  for (let i = 0; i < length; i++) {
    if (array[i] !== undefined || i in array) continue;
    holes++;
    if (holes > MIN_HOLES && holes > i / 2) return true;
  }
  return false;
}
