import { fillErrors, makeErrors } from "./error_codec.ts";
import type { EncodedError } from "./error_codec.ts";
import * as format from "./structured_format.ts";

/** Strings up to this length are read by a loop: shorter than a call of the decoder takes. */
const SHORT_STRING = 24;

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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
}

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  readonly #objects: unknown[] = [];
  readonly #keys: string[] = [];
  readonly #targets: Target[] = [];
  readonly #errors: Errors[] = [];
  readonly #attachments: readonly ArrayBuffer[];
  #attached = 0;

  constructor(bytes: Uint8Array, attachments: readonly ArrayBuffer[]) {
    this.#attachments = attachments;
    const { buffer, byteOffset, byteLength } = bytes;
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength); // slice() of a Buffer copies nothing
    this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  decode(): unknown {
    const value = this.#read();
    for (let i = 0; i < this.#targets.length; i++) this.#fill(this.#targets[i]!);
    if (this.#at !== this.#bytes.length) throw new RangeError("bytes are left");
    // Last, because a property of an error may be anything.
    for (const { errors, props } of this.#errors) fillErrors(errors, props);
    return value;
  }

  #read(): unknown {
    const tag = this.#byte();
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
        const zigzag = this.#varint();
        return zigzag >>> 1 ^ -(zigzag & 1);
      }
      case format.DOUBLE:
        return this.#double();
      case format.STRING:
        return this.#utf8();
      case format.WIDE_STRING:
        return this.#utf16();
      case format.BIGINT:
        return BigInt(`0x${this.#utf8()}`);
      case format.NEGATIVE_BIGINT:
        return -BigInt(`0x${this.#utf8()}`);
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
        return this.#known(new Date(this.#double()));
      case format.REGEXP:
        return this.#known(new RegExp(this.#string(), this.#string()));
      case format.BUFFER: {
        const start = this.#skip(this.#varint());
        return this.#known(this.#bytes.slice(start, this.#at).buffer);
      }
      case format.ATTACHMENT: {
        const length = this.#varint();
        const buffer = this.#attachments[this.#attached++];
        if (buffer?.byteLength !== length) throw new RangeError("no such attachment");
        return this.#known(buffer);
      }
      case format.VIEW:
        return this.#readView();
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
    const number = this.#varint();
    if (number >= this.#objects.length) throw new RangeError("no such object");
    return this.#objects[number];
  }

  #readView(): unknown {
    const number = this.#objects.push(undefined) - 1;
    const kind = format.VIEW_KINDS[this.#byte()] ?? "";
    const View = (globalThis as Record<string, unknown>)[kind] as Uint8ArrayConstructor | undefined;
    if (View === undefined) throw new TypeError(`this runtime has no ${kind}`);
    const buffer = this.#read();
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError("not a buffer");
    const view = new View(buffer, this.#varint(), this.#varint());
    this.#objects[number] = view;
    return view;
  }

  #readErrors(): unknown {
    const count = this.#count(1);
    const encoded: Omit<EncodedError, "props">[] = [];
    for (let i = 0; i < count; i++) {
      const classes = Array.from({ length: this.#count(1) }, () => this.#string());
      const name = this.#string();
      const message = this.#string();
      const stack = this.#read();
      if (stack !== undefined && typeof stack !== "string") throw new TypeError("not a stack");
      encoded.push({ classes, name, message, stack: stack as string | undefined });
    }
    const errors = makeErrors(encoded);
    if (errors[0] === undefined) throw new RangeError("no errors");
    this.#targets.push({ kind: "errors", value: errors });
    return this.#known(errors[0]);
  }

  #fill(target: Target): void {
    switch (target.kind) {
      case "array":
        return this.#fillArray(target.value);
      case "object": {
        for (let left = this.#count(2); left > 0; left--) {
          const key = this.#key();
          const value = this.#read();
          if (key !== "__proto__") target.value[key] = value;
          else {
            const all = { value, enumerable: true, configurable: true, writable: true };
            Object.defineProperty(target.value, key, all);
          }
        }
        return;
      }
      case "map":
        for (let left = this.#count(2); left > 0; left--) {
          target.value.set(this.#read(), this.#read());
        }
        return;
      case "set":
        for (let left = this.#count(1); left > 0; left--) target.value.add(this.#read());
        return;
      case "errors": {
        const props = target.value.map(() => this.#read()) as EncodedError["props"][];
        this.#errors.push({ errors: target.value, props });
      }
    }
  }

  #fillArray(array: unknown[]): void {
    switch (this.#byte()) {
      case format.CONTENT_VALUES: {
        const count = this.#count(1);
        for (let i = 0; i < count; i++) {
          if (this.#bytes[this.#at] !== format.HOLE) array.push(this.#read());
          else this.#at++, array.length++;
        }
        return;
      }
      case format.CONTENT_INTEGERS: {
        const count = this.#count(4);
        const start = this.#skip(4 * count);
        for (let i = 0; i < count; i++) array.push(this.#view.getInt32(start + 4 * i, true));
        return;
      }
      case format.CONTENT_DOUBLES: {
        const count = this.#count(8);
        const start = this.#skip(8 * count);
        for (let i = 0; i < count; i++) array.push(this.#view.getFloat64(start + 8 * i, true));
        return;
      }
      case format.CONTENT_SPARSE:
        array.length = this.#varint();
        for (let left = this.#count(2); left > 0; left--) {
          const index = this.#varint();
          if (index >= array.length) throw new RangeError("no such element");
          array[index] = this.#read();
        }
        return;
      default:
        throw new TypeError("no such content");
    }
  }

  #key(): string {
    const number = this.#varint();
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

  // --- bytes ---

  #byte(): number {
    return this.#bytes[this.#skip(1)]!;
  }

  /** Passes so many bytes, and says where they begin. */
  #skip(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) throw new RangeError("bytes are missing");
    this.#at = start + count;
    return start;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 53; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError("number is too large");
  }

  /** How many follow, of at least so many bytes each: no more than can, so that no lie costs memory. */
  #count(size: number): number {
    const count = this.#varint();
    if (count * size > this.#bytes.length - this.#at) throw new RangeError("bytes are missing");
    return count;
  }

  #double(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  #utf8(): string {
    const length = this.#varint();
    const start = this.#skip(length);
    if (length <= SHORT_STRING) {
      let value = "";
      let i = start;
      for (; i < this.#at && this.#bytes[i]! < 128; i++) {
        value += String.fromCharCode(this.#bytes[i]!);
      }
      if (i === this.#at) return value;
    }
    return text.decode(this.#bytes.subarray(start, this.#at));
  }

  #utf16(): string {
    const length = this.#count(2);
    const start = this.#skip(2 * length);
    const units = new Uint16Array(this.#bytes.slice(start, this.#at).buffer);
    let value = "";
    for (let i = 0; i < length; i += 8192) {
      value += String.fromCharCode(...units.subarray(i, i + 8192));
    }
    return value;
  }
}
