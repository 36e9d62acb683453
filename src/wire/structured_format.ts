/**
 * The library's own form of structured clone, as bytes: one codec for all runtimes, because each
 * runtime's `node:v8` writes another format, or loses other things, and none keeps errors.
 *
 * A value is written breadth first: a container is named where it is met, and filled later, in the
 * order in which the containers were met. So neither side recurses, and a list of a million links is
 * no deeper than a flat one. Objects are numbered in the order in which they are met; one that is met
 * again is written as its number, which keeps cycles and what is shared.
 *
 * What is kept is what `structuredClone` keeps, and errors as `error_codec.ts` does; what cannot be kept
 * is refused. Two things are not seen, because to see them costs more than to write the value: a Proxy
 * travels as what it shows; and named properties of an array, but for those of a match, if it has more
 * than `MAX_NAMED` elements or comes after `MAX_PLAIN_ARRAYS` without any.
 *
 * @module
 */

/** The first byte of a value. `SMALL` and above: the number from 0 to 127 above it. */
export const UNDEFINED = 0;
export const NULL = 1;
export const TRUE = 2;
export const FALSE = 3;
/** Zigzag varint of an int32. */
export const INTEGER = 4;
/** Eight bytes. */
export const DOUBLE = 5;
/** Varint of how many bytes of UTF-8, and these. */
export const STRING = 6;
/** Varint of how many units of UTF-16, and these: a string with lone surrogates. */
export const WIDE_STRING = 7;
/** A string with hexadecimal digits. */
export const BIGINT = 8;
export const NEGATIVE_BIGINT = 9;
/** Varint of the number of an object that was met before. */
export const REFERENCE = 10;
export const ARRAY = 11;
export const OBJECT = 12;
export const MAP = 13;
export const SET = 14;
/** Eight bytes: its time. */
export const DATE = 15;
/** Two strings: source and flags. */
export const REGEXP = 16;
/** Varint of how many bytes, and these. */
export const BUFFER = 17;
/** Its kind, its buffer (a value), varints of its offset in bytes and of its length in elements. */
export const VIEW = 18;
/** A primitive value. */
export const BOXED = 19;
/** Varint of how many errors; each as its classes, name, message and stack. Its content: their properties. */
export const ERROR = 20;
/** In an array: no element here. */
export const HOLE = 21;
/** Varint of how many bytes, which travel beside the message. */
export const ATTACHMENT = 22;
/** A resizable buffer: varint of its largest length, and its bytes as of `BUFFER`. */
export const RESIZABLE = 23;
/** A view that follows the length of its buffer: as `VIEW`, without a length. */
export const TRACKING_VIEW = 24;
export const SMALL = 128;

/** How the content of an array is written: its values one by one. */
export const CONTENT_VALUES = 0;
/** All of them int32, four bytes each. */
export const CONTENT_INTEGERS = 1;
/** All of them numbers, eight bytes each. */
export const CONTENT_DOUBLES = 2;
/** Its length, and the pairs of index and value that it has. */
export const CONTENT_SPARSE = 3;

/** Its named properties, as an object's, and then its elements in one of the ways above. */
export const CONTENT_NAMED = 4;

/** Elements of an array at the most whose names are listed to find named properties. */
export const MAX_NAMED = 64;

/** As many arrays in a row without named properties, and the next are not listed either. */
export const MAX_PLAIN_ARRAYS = 100;

/** Bytes that a resizable buffer may grow to, at the most. */
export const MAX_RESIZABLE: number = 2 ** 32;

/** Kinds of views by their number on the wire. */
export const VIEW_KINDS: readonly string[] = [
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
];
