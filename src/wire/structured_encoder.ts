// Length: one walk over all kinds of values, and the list of the built-ins that it takes.

import { ByteWriter } from "./byte_writer.ts";
import {
  append,
  BytesOf,
  forEachOfMap,
  forEachOfSet,
  getPrototypeOf,
  hasOwn,
  isArray,
  isBuffer,
  isDetached,
  isResizable,
  isView,
  isWellFormed,
  keys,
  lengthOf,
  maxSizeOfBuffer,
  OBJECT_PROTOTYPE,
  SafeMap,
  textOfBigInt,
  viewBuffer,
  viewOffset,
  viewSize,
} from "./originals.ts";
import { encodeGraph } from "./error_encoder.ts";
import type { ErrorGraph } from "./error_record.ts";
import {
  elementKeys,
  isInBounds,
  isSparse,
  isTracking,
  namedKeys,
  pack,
} from "./structured_looks.ts";
import * as format from "./structured_format.ts";
import { kindOf, primitiveOf, regexpParts, uncloneable, viewKindOf } from "./value_kind.ts";

/** Arrays of fewer numbers are written one by one: a small number is then one byte. */
const MIN_PACKED = 16;

/** Bytes from which on a buffer is attached: less is copied faster than it is handled. */
const MIN_ATTACHED = 64 * 1024;

/**
 * Writes a value as bytes.
 *
 * @param value The value.
 * @param headroom Bytes at the beginning that are left to the caller.
 * @param attachments Gets the large buffers, which then are not among the bytes.
 * @returns The bytes, in memory of their own.
 * @throws {DOMException} "DataCloneError" if something in it cannot travel, and what a getter throws.
 */
export function encodeStructured(
  value: unknown,
  headroom = 0,
  attachments?: ArrayBuffer[],
  tail = 0,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(headroom);
  try {
    // A message is an array of our own, without named properties.
    new Encoder(writer, attachments).encode(value, headroom > 0);
    return writer.finish(tail);
  } finally {
    writer.release();
  }
}

/**
 * Throws if a value cannot be written, as `encodeStructured` does. It does not look into errors: they
 * leave out what cannot travel, and ask this.
 */
export function checkStructured(value: unknown): void {
  const writer = new ByteWriter(0);
  try {
    new Encoder(writer, [], true).encode(value);
  } finally {
    writer.release();
  }
}

/** Content that is still to be written. */
type Content =
  | { readonly kind: "array"; readonly value: readonly unknown[] }
  | { readonly kind: "object"; readonly value: Record<string, unknown> }
  | { readonly kind: "map"; readonly value: Map<unknown, unknown> }
  | { readonly kind: "set"; readonly value: Set<unknown> }
  | { readonly kind: "errors"; readonly value: ErrorGraph };

class Encoder {
  readonly #writer: ByteWriter;
  readonly #objects = new SafeMap<object, number>();
  readonly #keys = new SafeMap<string, number>();
  readonly #contents: Content[] = [];
  readonly #attachments: ArrayBuffer[] | undefined;
  readonly #skipsErrors: boolean;
  #message: unknown = undefined;
  /** How many arrays in a row had no named properties. */
  #plainArrays = 0;

  constructor(writer: ByteWriter, attachments?: ArrayBuffer[], skipsErrors = false) {
    this.#writer = writer;
    this.#attachments = attachments;
    this.#skipsErrors = skipsErrors;
  }

  encode(value: unknown, isMessage = false): void {
    if (isMessage) this.#message = value;
    this.#write(value);
    for (let i = 0; i < this.#contents.length; i++) this.#fill(this.#contents[i]!);
  }

  #write(value: unknown): void {
    const writer = this.#writer;
    switch (typeof value) {
      case "number":
        if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
          writer.byte(format.DOUBLE);
          writer.double(value);
        } else if (value >= 0 && value < format.SMALL) {
          writer.byte(format.SMALL + value);
        } else {
          writer.byte(format.INTEGER);
          writer.varint((value << 1 ^ value >> 31) >>> 0);
        }
        return;
      case "string":
        return this.#writeString(value);
      case "undefined":
        return writer.byte(format.UNDEFINED);
      case "boolean":
        return writer.byte(value ? format.TRUE : format.FALSE);
      case "bigint":
        writer.byte(value < 0n ? format.NEGATIVE_BIGINT : format.BIGINT);
        return writer.utf8(textOfBigInt(value < 0n ? -value : value, 16));
      case "object":
        return value === null ? writer.byte(format.NULL) : this.#writeObject(value);
      default:
        throw uncloneable(value);
    }
  }

  #writeString(value: string): void {
    const isWide = !isWellFormed(value);
    this.#writer.byte(isWide ? format.WIDE_STRING : format.STRING);
    if (isWide) this.#writer.utf16(value);
    else this.#writer.utf8(value);
  }

  #writeObject(value: object): void {
    const number = this.#objects.get(value);
    if (number !== undefined) {
      this.#writer.byte(format.REFERENCE);
      return this.#writer.varint(number);
    }
    this.#objects.set(value, this.#objects.size);
    if (isArray(value)) {
      this.#writer.byte(format.ARRAY);
      append(this.#contents, { kind: "array", value });
      return;
    }
    if (getPrototypeOf(value) !== OBJECT_PROTOTYPE) {
      if (isView(value)) return this.#writeView(value);
      if (this.#writeBuiltIn(value, kindOf(value))) return;
    }
    this.#writer.byte(format.OBJECT);
    append(this.#contents, { kind: "object", value: value as Record<string, unknown> });
  }

  /** Whether it was an object of a class that has a form of its own. */
  #writeBuiltIn(value: object, kind: string): boolean {
    const writer = this.#writer;
    switch (kind) {
      case "Map":
        writer.byte(format.MAP);
        append(this.#contents, { kind: "map", value: value as Map<unknown, unknown> });
        return true;
      case "Set":
        writer.byte(format.SET);
        append(this.#contents, { kind: "set", value: value as Set<unknown> });
        return true;
      case "Date":
        writer.byte(format.DATE);
        writer.double(primitiveOf(kind, value) as number);
        return true;
      case "RegExp": {
        const { source, flags } = regexpParts(value);
        writer.byte(format.REGEXP);
        this.#writeString(source);
        this.#writeString(flags);
        return true;
      }
      case "ArrayBuffer": {
        if (isDetached(value)) throw uncloneable(value, "is detached");
        const bytes = new BytesOf(value as ArrayBuffer);
        const length = lengthOf(bytes);
        if (isResizable(value)) {
          const limit = maxSizeOfBuffer(value);
          if (limit > format.MAX_RESIZABLE) throw uncloneable(value, "may grow too large");
          writer.byte(format.RESIZABLE);
          writer.varint(limit);
          writer.varint(length);
          writer.raw(bytes);
          return true;
        }
        const isAttached = this.#attachments !== undefined && length >= MIN_ATTACHED;
        writer.byte(isAttached ? format.ATTACHMENT : format.BUFFER);
        writer.varint(length);
        if (isAttached) append(this.#attachments!, value as ArrayBuffer);
        else writer.raw(bytes);
        return true;
      }
      case "Error":
        this.#writeErrors(value);
        return true;
      case "Number":
      case "String":
      case "Boolean":
      case "BigInt":
        writer.byte(format.BOXED);
        this.#write(primitiveOf(kind, value));
        return true;
      case "Object":
        return false;
      default:
        throw uncloneable(value);
    }
  }

  #writeView(view: ArrayBufferView): void {
    const name = viewKindOf(view);
    let kind = 0;
    while (kind < format.VIEW_KINDS.length && format.VIEW_KINDS[kind] !== name) kind++;
    if (kind === format.VIEW_KINDS.length) throw uncloneable(view);
    const buffer = viewBuffer(view);
    if (!isBuffer(buffer)) throw uncloneable(buffer);
    const resizes = isResizable(buffer) === true;
    if (resizes && !isInBounds(view)) {
      throw uncloneable(view, "is out of the bounds of its buffer");
    }
    const follows = resizes && isTracking(view);
    this.#writer.byte(follows ? format.TRACKING_VIEW : format.VIEW);
    this.#writer.byte(kind);
    this.#writeObject(buffer);
    this.#writer.varint(viewOffset(view));
    if (!follows) this.#writer.varint(viewSize(view));
  }

  #writeErrors(value: object): void {
    if (this.#skipsErrors) return;
    const isKnown = (met: object): boolean => met !== value && this.#objects.has(met);
    const { record, found } = encodeGraph(value, checkStructured, isKnown);
    if (record.kind !== "errors") throw uncloneable(value);
    this.#writer.byte(format.ERROR);
    this.#writer.varint(record.errors.length);
    for (let i = 0; i < record.errors.length; i++) {
      const { classes, name, message, stack } = record.errors[i]!;
      this.#writer.varint(classes.length);
      for (let k = 0; k < classes.length; k++) this.#writeString(classes[k]!);
      this.#writeString(name);
      this.#writeString(message);
      this.#write(stack);
    }
    // All of them are known from now on: what is met again is not walked again.
    for (let i = 1; i < record.errors.length; i++) {
      this.#objects.set(found[i]!, this.#objects.size);
    }
    append(this.#contents, { kind: "errors", value: record });
  }

  #fill(content: Content): void {
    const writer = this.#writer;
    switch (content.kind) {
      case "array":
        return this.#fillArray(content.value);
      case "object": {
        const names = keys(content.value);
        writer.varint(names.length);
        for (let i = 0; i < names.length; i++) {
          this.#writeKey(names[i]!);
          this.#write(content.value[names[i]!]);
        }
        return;
      }
      case "map": {
        // Gathered first: errors among them may have getters, which may change the map.
        const entries: unknown[] = [];
        forEachOfMap(content.value, (value, key) => {
          append(entries, key);
          append(entries, value);
        });
        writer.varint(entries.length / 2);
        for (let i = 0; i < entries.length; i++) this.#write(entries[i]);
        return;
      }
      case "set": {
        const entries: unknown[] = [];
        forEachOfSet(content.value, (value) => append(entries, value));
        writer.varint(entries.length);
        for (let i = 0; i < entries.length; i++) this.#write(entries[i]);
        return;
      }
      case "errors": {
        const { errors } = content.value;
        for (let i = 0; i < errors.length; i++) this.#write(errors[i]!.props);
        this.#write(hasOwn(content.value, "nodes") ? content.value.nodes : undefined);
      }
    }
  }

  /** Objects with the same keys are frequent: a key is written once, and then its number. */
  #writeKey(key: string): void {
    const number = this.#keys.get(key);
    if (number !== undefined) return this.#writer.varint(number);
    this.#keys.set(key, this.#keys.size + 1);
    this.#writer.varint(0);
    this.#writeString(key);
  }

  #fillArray(array: readonly unknown[]): void {
    const writer = this.#writer;
    const { length } = array;
    const named = array === this.#message
      ? undefined
      : namedKeys(array, this.#plainArrays >= format.MAX_PLAIN_ARRAYS);
    if (named === undefined) this.#plainArrays++;
    else {
      this.#plainArrays = 0;
      writer.byte(format.CONTENT_NAMED);
      writer.varint(named.length);
      for (let i = 0; i < named.length; i++) {
        this.#writeKey(named[i]!);
        this.#write((array as unknown as Record<string, unknown>)[named[i]!]);
      }
    }
    const packed = length < MIN_PACKED ? undefined : pack(array);
    if (packed !== undefined) {
      writer.byte(packed.isInteger ? format.CONTENT_INTEGERS : format.CONTENT_DOUBLES);
      writer.varint(length);
      return writer.raw(packed.bytes);
    }
    if (isSparse(array)) return this.#fillSparse(array);
    writer.byte(format.CONTENT_VALUES);
    writer.varint(length);
    for (let i = 0; i < length; i++) {
      const value = array[i];
      if (value === undefined && !(i in array)) writer.byte(format.HOLE);
      else this.#write(value);
    }
  }

  #fillSparse(array: readonly unknown[]): void {
    const { length } = array;
    const indices = elementKeys(array);
    this.#writer.byte(format.CONTENT_SPARSE);
    this.#writer.varint(length);
    this.#writer.varint(indices.length);
    for (let i = 0; i < indices.length; i++) {
      this.#writer.varint(indices[i]!);
      this.#write(array[indices[i]!]);
    }
  }
}
