import { viewTag } from "../wire/value_kind.ts";

/** An array of numbers that is one block of memory. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Whether a value is a typed array, of any realm. */
export function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && viewTag(value) !== undefined;
}

/** One input of known length, as it was when `map` was called. */
export interface Column {
  readonly length: number;
  at(index: number): unknown;
  slice(from: number, to: number): readonly unknown[];
}

/** Memory that others may change: a view of it is what there is to send. */
class SharedColumn implements Column {
  readonly length: number;
  readonly #array: TypedArray;

  constructor(array: TypedArray) {
    this.#array = array;
    this.length = array.length;
  }

  at(index: number): unknown {
    return this.#array[index];
  }

  slice(from: number, to: number): readonly unknown[] {
    return this.#array.subarray(from, to) as unknown as readonly unknown[];
  }
}

/**
 * A copy of an input of known length, since items are read when a worker is free for them, and the caller
 * may change his. A typed array stays one: its parts travel as blocks of memory.
 *
 * @param shares Whether workers see the memory of a `SharedArrayBuffer`: then it is not copied at all.
 */
export function columnOf(input: unknown, shares: boolean): Column {
  if (Array.isArray(input)) return input.slice();
  if (!isTypedArray(input)) return Array.from(input as Iterable<unknown>);
  const plain = plainly(input);
  if (shares && isSharedMemory(plain.buffer)) return new SharedColumn(plain);
  return plain.slice() as unknown as Column;
}

/** The same memory by a class of the language: one that extends it may have a `slice` of its own. */
function plainly(array: TypedArray): TypedArray {
  const kind = globalThis[viewTag(array) as "Float64Array"];
  return new kind(array.buffer, array.byteOffset, array.length);
}

function isSharedMemory(buffer: ArrayBufferLike): boolean {
  return Object.prototype.toString.call(buffer) === "[object SharedArrayBuffer]";
}

/**
 * A typed array cut into blocks, each of which is an item. They are copied now, since a view of a buffer
 * that is not shared takes all of that buffer along when it is sent.
 */
export function blocksOf(array: TypedArray, size: number, shares: boolean): TypedArray[] {
  const plain = plainly(array);
  const isSeen = shares && isSharedMemory(plain.buffer);
  const blocks: TypedArray[] = [];
  for (let at = 0; at < plain.length; at += size) {
    blocks.push(isSeen ? plain.subarray(at, at + size) : plain.slice(at, at + size));
  }
  return blocks;
}
