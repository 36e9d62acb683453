import { ByteWriter } from "./byte_writer.ts";
import { encodeGraph } from "./error_encoder.ts";
import type { ErrorGraph } from "./error_record.ts";
import { isInBounds, isSparse, isTracking, namedKeys, pack } from "./structured_looks.ts";
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

/** What TypeScript's older libraries do not know of a buffer. */
interface Resizable {
  readonly resizable?: boolean;
  readonly maxByteLength?: number;
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
  readonly #objects = new Map<object, number>();
  readonly #keys = new Map<string, number>();
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
        if ((value | 0) !== value || Object.is(value, -0)) {
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
        return writer.utf8((value < 0n ? -value : value).toString(16));
      case "object":
        return value === null ? writer.byte(format.NULL) : this.#writeObject(value);
      default:
        throw uncloneable(value);
    }
  }

  #writeString(value: string): void {
    const isWide = !value.isWellFormed();
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
    if (Array.isArray(value)) {
      this.#writer.byte(format.ARRAY);
      this.#contents.push({ kind: "array", value });
      return;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype) {
      if (ArrayBuffer.isView(value)) return this.#writeView(value);
      if (this.#writeBuiltIn(value, kindOf(value))) return;
    }
    this.#writer.byte(format.OBJECT);
    this.#contents.push({ kind: "object", value: value as Record<string, unknown> });
  }

  /** Whether it was an object of a class that has a form of its own. */
  #writeBuiltIn(value: object, kind: string): boolean {
    const writer = this.#writer;
    switch (kind) {
      case "Map":
        writer.byte(format.MAP);
        this.#contents.push({ kind: "map", value: value as Map<unknown, unknown> });
        return true;
      case "Set":
        writer.byte(format.SET);
        this.#contents.push({ kind: "set", value: value as Set<unknown> });
        return true;
      case "Date":
        writer.byte(format.DATE);
        writer.double(primitiveOf(kind, value) as number);
        return true;
      case "RegExp": {
        const [source, flags] = regexpParts(value);
        writer.byte(format.REGEXP);
        this.#writeString(source);
        this.#writeString(flags);
        return true;
      }
      case "ArrayBuffer": {
        if ((value as { detached?: boolean }).detached) throw uncloneable(value, "is detached");
        const bytes = new Uint8Array(value as ArrayBuffer);
        if ((value as ArrayBuffer & Resizable).resizable) {
          const { maxByteLength } = value as ArrayBuffer & Resizable;
          if (maxByteLength! > format.MAX_RESIZABLE) throw uncloneable(value, "may grow too large");
          writer.byte(format.RESIZABLE);
          writer.varint(maxByteLength!);
          writer.varint(bytes.length);
          writer.raw(bytes);
          return true;
        }
        const isAttached = this.#attachments !== undefined && bytes.length >= MIN_ATTACHED;
        writer.byte(isAttached ? format.ATTACHMENT : format.BUFFER);
        writer.varint(bytes.length);
        if (isAttached) this.#attachments!.push(value as ArrayBuffer);
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
    const kind = format.VIEW_KINDS.indexOf(viewKindOf(view));
    if (kind < 0) throw uncloneable(view);
    const isResizable = (view.buffer as ArrayBuffer & Resizable).resizable === true;
    if (isResizable && !isInBounds(view)) {
      throw uncloneable(view, "is out of the bounds of its buffer");
    }
    const follows = isResizable && isTracking(view);
    this.#writer.byte(follows ? format.TRACKING_VIEW : format.VIEW);
    this.#writer.byte(kind);
    this.#writeObject(view.buffer);
    this.#writer.varint(view.byteOffset);
    if (follows) return;
    this.#writer.varint((view as Partial<Uint8Array>).length ?? view.byteLength);
  }

  #writeErrors(value: object): void {
    if (this.#skipsErrors) return;
    const isKnown = (error: object): boolean => error !== value && this.#objects.has(error);
    const { record, found } = encodeGraph(value, checkStructured, isKnown);
    if (record.kind !== "errors") throw uncloneable(value);
    this.#writer.byte(format.ERROR);
    this.#writer.varint(record.errors.length);
    for (const { classes, name, message, stack } of record.errors) {
      this.#writer.varint(classes.length);
      for (const one of classes) this.#writeString(one);
      this.#writeString(name);
      this.#writeString(message);
      this.#write(stack);
    }
    // All of them are known from now on: what is met again is not walked again.
    for (let i = 1; i < record.errors.length; i++) {
      this.#objects.set(found[i]!, this.#objects.size);
    }
    this.#contents.push({ kind: "errors", value: record });
  }

  #fill(content: Content): void {
    const writer = this.#writer;
    switch (content.kind) {
      case "array":
        return this.#fillArray(content.value);
      case "object": {
        const keys = Object.keys(content.value);
        writer.varint(keys.length);
        for (const key of keys) {
          this.#writeKey(key);
          this.#write(content.value[key]);
        }
        return;
      }
      case "map": {
        // Gathered first: errors among them may have getters, which may change the map.
        const entries: unknown[] = [];
        Map.prototype.forEach.call(content.value, (value, key) => entries.push(key, value));
        writer.varint(entries.length / 2);
        for (const entry of entries) this.#write(entry);
        return;
      }
      case "set": {
        const entries: unknown[] = [];
        Set.prototype.forEach.call(content.value, (value) => entries.push(value));
        writer.varint(entries.length);
        for (const entry of entries) this.#write(entry);
        return;
      }
      case "errors":
        for (const { props } of content.value.errors) this.#write(props);
        this.#write(content.value.nodes);
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
      for (const key of named) {
        this.#writeKey(key);
        this.#write((array as unknown as Record<string, unknown>)[key]);
      }
    }
    const packed = length < MIN_PACKED ? undefined : pack(array as readonly number[]);
    if (packed !== undefined) {
      const isInteger = packed instanceof Int32Array;
      writer.byte(isInteger ? format.CONTENT_INTEGERS : format.CONTENT_DOUBLES);
      writer.varint(length);
      return writer.raw(new Uint8Array(packed.buffer));
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
    const indices = Object.keys(array).filter((key) => String(Number(key) >>> 0) === key);
    this.#writer.byte(format.CONTENT_SPARSE);
    this.#writer.varint(length);
    this.#writer.varint(indices.length);
    for (const index of indices) {
      this.#writer.varint(Number(index));
      this.#write(array[Number(index)]);
    }
  }
}
