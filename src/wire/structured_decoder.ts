import { ByteReader } from "./byte_reader.ts";
import { fillErrors, makeErrors } from "./error_decoder.ts";
import type { EncodedError, EncodedNode } from "./error_record.ts";
import * as format from "./structured_format.ts";
import { isIndex } from "./structured_looks.ts";

/**
 * Reads what `encodeStructured` wrote.
 *
 * @param bytes The bytes; nothing of the value shares their memory.
 * @param attachments The large buffers that were not among the bytes; they become part of the value.
 * @returns The value.
 * @throws {DOMException} "DataCloneError" if the bytes are not of that form, whatever they are.
 */
export function decodeStructured(
  bytes: Uint8Array,
  attachments: readonly ArrayBuffer[] = [],
): unknown {
  try {
    return new Decoder(bytes, attachments).decode();
  } catch (cause) {
    const error = new DOMException("Message cannot be read", "DataCloneError");
    Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
    throw error;
  }
}

/** A container that is still to be filled. */
type Target =
  | { readonly kind: "array"; readonly value: unknown[] }
  | { readonly kind: "object"; readonly value: Record<string, unknown> }
  | { readonly kind: "map"; readonly value: Map<unknown, unknown> }
  | { readonly kind: "set"; readonly value: Set<unknown> }
  | { readonly kind: "errors"; readonly value: readonly Error[] };

interface Errors {
  readonly errors: readonly Error[];
  readonly props: EncodedError["props"][];
  readonly nodes: readonly EncodedNode[] | undefined;
}

/** A runtime without resizable buffers, as Node 18, makes one of a fixed length. */
type ResizableConstructor = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

class Decoder extends ByteReader {
  readonly #objects: unknown[] = [];
  readonly #keys: string[] = [];
  readonly #targets: Target[] = [];
  readonly #errors: Errors[] = [];
  readonly #attachments: readonly ArrayBuffer[];
  #attached = 0;
  /** Bytes that resizable buffers may grow to, all together. */
  #growth = 0;

  constructor(bytes: Uint8Array, attachments: readonly ArrayBuffer[]) {
    super(bytes);
    this.#attachments = attachments;
  }

  decode(): unknown {
    const value = this.#read();
    for (let i = 0; i < this.#targets.length; i++) this.#fill(this.#targets[i]!);
    if (this.at !== this.bytes.length) throw new RangeError("bytes are left");
    // Last, because a property of an error may be anything.
    for (const { errors, props, nodes } of this.#errors) fillErrors(errors, props, nodes);
    return value;
  }

  #read(): unknown {
    const tag = this.byte();
    if (tag >= format.SMALL) return tag - format.SMALL;
    switch (tag) {
      case format.UNDEFINED:
        return undefined;
      case format.NULL:
        return null;
      case format.TRUE:
        return true;
      case format.FALSE:
        return false;
      case format.INTEGER: {
        const zigzag = this.varint();
        return zigzag >>> 1 ^ -(zigzag & 1);
      }
      case format.DOUBLE:
        return this.double();
      case format.STRING:
        return this.utf8();
      case format.WIDE_STRING:
        return this.utf16();
      case format.BIGINT:
        return BigInt(`0x${this.utf8()}`);
      case format.NEGATIVE_BIGINT:
        return -BigInt(`0x${this.utf8()}`);
      case format.REFERENCE:
        return this.#reference();
      default:
        return this.#readObject(tag);
    }
  }

  #readObject(tag: number): unknown {
    switch (tag) {
      case format.ARRAY:
        return this.#container("array", []);
      case format.OBJECT:
        return this.#container("object", {});
      case format.MAP:
        return this.#container("map", new Map());
      case format.SET:
        return this.#container("set", new Set());
      case format.DATE:
        return this.#known(new Date(this.double()));
      case format.REGEXP:
        return this.#known(new RegExp(this.#string(), this.#string()));
      case format.BUFFER: {
        const start = this.skip(this.varint());
        return this.#known(this.bytes.slice(start, this.at).buffer);
      }
      case format.RESIZABLE:
        return this.#readResizable();
      case format.ATTACHMENT: {
        const length = this.varint();
        const buffer = this.#attachments[this.#attached++];
        if (buffer?.byteLength !== length) throw new RangeError("no such attachment");
        return this.#known(buffer);
      }
      case format.VIEW:
      case format.TRACKING_VIEW:
        return this.#readView(tag === format.TRACKING_VIEW);
      case format.BOXED: {
        const value = this.#read();
        if (typeof value === "object" || value === undefined) throw new TypeError("not boxed");
        return this.#known(Object(value));
      }
      case format.ERROR:
        return this.#readErrors();
      default:
        throw new TypeError(`no such tag: ${tag}`);
    }
  }

  #container<T extends Target["kind"]>(
    kind: T,
    value: Extract<Target, { kind: T }>["value"],
  ): unknown {
    this.#targets.push({ kind, value } as Target);
    return this.#known(value);
  }

  /** Gives an object its number. */
  #known<T>(value: T): T {
    this.#objects.push(value);
    return value;
  }

  #reference(): unknown {
    const number = this.varint();
    if (number >= this.#objects.length) throw new RangeError("no such object");
    return this.#objects[number];
  }

  #readResizable(): unknown {
    const maxByteLength = this.varint();
    const length = this.varint();
    const start = this.skip(length);
    // A lie costs no memory, but room for addresses.
    this.#growth += maxByteLength;
    if (this.#growth > format.MAX_RESIZABLE) throw new RangeError("buffers may grow too large");
    const Resizable = ArrayBuffer as unknown as ResizableConstructor;
    const buffer = new Resizable(length, { maxByteLength });
    new Uint8Array(buffer).set(this.bytes.subarray(start, this.at));
    return this.#known(buffer);
  }

  #readView(follows: boolean): unknown {
    const number = this.#objects.push(undefined) - 1;
    const kind = format.VIEW_KINDS[this.byte()] ?? "";
    const View = (globalThis as Record<string, unknown>)[kind] as Uint8ArrayConstructor | undefined;
    if (View === undefined) throw new TypeError(`this runtime has no ${kind}`);
    const buffer = this.#read();
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError("not a buffer");
    if (follows && !(buffer as { resizable?: boolean }).resizable) {
      throw new TypeError("not resizable");
    }
    const offset = this.varint();
    const view = follows ? new View(buffer, offset) : new View(buffer, offset, this.varint());
    this.#objects[number] = view;
    return view;
  }

  #readErrors(): unknown {
    const count = this.count(1);
    const encoded: Omit<EncodedError, "props">[] = [];
    for (let i = 0; i < count; i++) {
      const classes = Array.from({ length: this.count(1) }, () => this.#string());
      const name = this.#string();
      const message = this.#string();
      const stack = this.#read();
      if (stack !== undefined && typeof stack !== "string") throw new TypeError("not a stack");
      encoded.push({ classes, name, message, stack: stack as string | undefined });
    }
    const errors = makeErrors(encoded);
    if (errors[0] === undefined) throw new RangeError("no errors");
    this.#targets.push({ kind: "errors", value: errors });
    for (const error of errors) this.#known(error);
    return errors[0];
  }

  #fill(target: Target): void {
    switch (target.kind) {
      case "array":
        return this.#fillArray(target.value);
      case "object":
        return this.#fillObject(target.value);
      case "map":
        for (let left = this.count(2); left > 0; left--) {
          target.value.set(this.#read(), this.#read());
        }
        return;
      case "set":
        for (let left = this.count(1); left > 0; left--) target.value.add(this.#read());
        return;
      case "errors": {
        const props = target.value.map(() => this.#read()) as EncodedError["props"][];
        const nodes = this.#read() as readonly EncodedNode[] | undefined;
        this.#errors.push({ errors: target.value, props, nodes });
      }
    }
  }

  #fillObject(object: Record<string, unknown>): void {
    for (let left = this.count(2); left > 0; left--) {
      const key = this.#key();
      const value = this.#read();
      if (key !== "__proto__") object[key] = value;
      else {
        const all = { value, enumerable: true, configurable: true, writable: true };
        Object.defineProperty(object, key, all);
      }
    }
  }

  #fillNamed(array: unknown[]): void {
    for (let left = this.count(2); left > 0; left--) {
      const key = this.#key();
      if (key === "length" || isIndex(key)) throw new TypeError("not a named property");
      const value = this.#read();
      const all = { value, enumerable: true, configurable: true, writable: true };
      Object.defineProperty(array, key, all);
    }
  }

  #fillArray(array: unknown[]): void {
    let content = this.byte();
    if (content === format.CONTENT_NAMED) {
      this.#fillNamed(array);
      content = this.byte();
    }
    switch (content) {
      case format.CONTENT_VALUES: {
        const count = this.count(1);
        for (let i = 0; i < count; i++) {
          if (this.bytes[this.at] !== format.HOLE) array.push(this.#read());
          else this.at++, array.length++;
        }
        return;
      }
      case format.CONTENT_INTEGERS: {
        const count = this.count(4);
        const start = this.skip(4 * count);
        for (let i = 0; i < count; i++) array.push(this.view.getInt32(start + 4 * i, true));
        return;
      }
      case format.CONTENT_DOUBLES: {
        const count = this.count(8);
        const start = this.skip(8 * count);
        for (let i = 0; i < count; i++) array.push(this.view.getFloat64(start + 8 * i, true));
        return;
      }
      case format.CONTENT_SPARSE:
        array.length = this.varint();
        for (let left = this.count(2); left > 0; left--) {
          const index = this.varint();
          if (index >= array.length) throw new RangeError("no such element");
          array[index] = this.#read();
        }
        return;
      default:
        throw new TypeError("no such content");
    }
  }

  #key(): string {
    const number = this.varint();
    if (number > 0) {
      const key = this.#keys[number - 1];
      if (key === undefined) throw new RangeError("no such key");
      return key;
    }
    const key = this.#string();
    this.#keys.push(key);
    return key;
  }

  #string(): string {
    const value = this.#read();
    if (typeof value !== "string") throw new TypeError("not a string");
    return value;
  }
}
