import {
  append,
  bufferOf,
  BytesOf,
  DoublesOf,
  hasOwn,
  IntegersOf,
  isResizable,
  keys,
  maxSizeOfBuffer,
  NumberOf,
  setBytes,
  sizeOfBuffer,
  uncurried,
  viewBuffer,
  viewBytes,
  viewOffset,
} from "./originals.ts";
import { MAX_NAMED, VIEW_KINDS } from "./structured_format.ts";
import { viewKindOf } from "./value_kind.ts";

/** Missing elements until an array may count as sparse. */
const MIN_HOLES = 1_000;

const elementAt = uncurried(Uint8Array.prototype.at) as (
  view: ArrayBufferView,
  index: number,
) => unknown;
// A runtime without resizable buffers has none that are.
const resize = uncurried((ArrayBuffer.prototype as { resize?: unknown }).resize) as (
  buffer: object,
  byteLength: number,
) => void;

/** Bytes of an element, by the name of the view's class. */
const SIZES: Record<string, number | undefined> = Object.create(null);
for (const kind of VIEW_KINDS) {
  SIZES[kind] = (globalThis as unknown as Record<string, Uint8ArrayConstructor | undefined>)[kind]
    ?.BYTES_PER_ELEMENT;
}

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
      if (hasOwn(array, KNOWN_NAMES[i]!)) return withoutIndices(keys(array));
    }
    return undefined;
  }
  const all = keys(array);
  // Indices come first, so that the last one tells.
  if (all.length === 0 || isIndex(all[all.length - 1]!)) return undefined;
  return withoutIndices(all);
}

function withoutIndices(all: readonly string[]): string[] {
  const named: string[] = [];
  for (let i = 0; i < all.length; i++) if (!isIndex(all[i]!)) append(named, all[i]!);
  return named;
}

/** The indices of the elements that an array has. */
export function elementKeys(array: readonly unknown[]): number[] {
  const all = keys(array);
  const indices: number[] = [];
  for (let i = 0; i < all.length; i++) if (isIndex(all[i]!)) append(indices, NumberOf(all[i]));
  return indices;
}

/** Whether a key of an array is that of an element. */
export function isIndex(key: string): boolean {
  const number = NumberOf(key) >>> 0;
  return number < 2 ** 32 - 1 && `${number}` === key;
}

/**
 * Whether a view follows the length of its resizable buffer. Nothing tells but a change of that length,
 * which nobody else sees: nothing runs in between.
 */
export function isTracking(view: ArrayBufferView): boolean {
  const buffer = viewBuffer(view);
  if (!isResizable(buffer)) return false;
  const size = SIZES[viewKindOf(view)] ?? 1;
  const byteLength = viewBytes(view);
  const end = viewOffset(view) + byteLength;
  const length = sizeOfBuffer(buffer);
  if (length - end >= size) return false;
  const grown = end + size;
  if (grown <= maxSizeOfBuffer(buffer)) {
    resize(buffer, grown);
    const follows = viewBytes(view) > byteLength;
    resize(buffer, length);
    return follows;
  }
  if (byteLength === 0) return false; // nor can it ever be longer
  const tail = new BytesOf(new BytesOf(buffer, end - size));
  resize(buffer, end - size);
  const follows = isInBounds(view);
  resize(buffer, length);
  setBytes(new BytesOf(buffer), tail, end - size);
  return follows;
}

/** Whether the buffer of a view is long enough for it. */
export function isInBounds(view: ArrayBufferView): boolean {
  try {
    if (viewKindOf(view) === "DataView") return viewBytes(view) >= 0;
    elementAt(view, 0);
    return true;
  } catch {
    return false;
  }
}

/** The elements of an array, if all are numbers. */
export function pack(
  array: readonly unknown[],
): { readonly isInteger: boolean; readonly bytes: Uint8Array } | undefined {
  const { length } = array;
  let isInteger = true;
  for (let i = 0; i < length; i++) {
    const value = array[i];
    if (typeof value !== "number") return undefined;
    if (isInteger && ((value | 0) !== value || (value === 0 && 1 / value < 0))) isInteger = false;
  }
  const packed = isInteger ? new IntegersOf(length) : new DoublesOf(length);
  for (let i = 0; i < length; i++) packed[i] = array[i] as number;
  return { isInteger, bytes: new BytesOf(bufferOf(packed)) };
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
