// Length: one walk over all kinds of values, and the list of the built-ins that it takes.

import { ByteReader } from "./byte_reader.ts";
import {
  addToSet,
  append,
  BigIntOf,
  BufferOf,
  bufferOf,
  BytesOf,
  DateOf,
  define,
  ExceptionOf,
  isBuffer,
  isResizable,
  MapOf,
  OBJECT_PROTOTYPE,
  ObjectOf,
  putInMap,
  RangeErrorOf,
  RegExpOf,
  setBytes,
  SetOf,
  sizeOfBuffer,
  TypeErrorOf,
} from "./originals.ts";
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
    const error = new ExceptionOf("Message cannot be read", "DataCloneError");
    define(error, "cause", cause, false);
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

type View = new (buffer: ArrayBuffer, at: number, length?: number) => ArrayBufferView;

/** Classes of views by their names. */
const VIEWS: Record<string, View | undefined> = Object.create(null);
for (const kind of format.VIEW_KINDS) {
  VIEWS[kind] = (globalThis as unknown as Record<string, View | undefined>)[kind];
}

class Decoder extends ByteReader {
  readonly #objects: unknown[] = [];
  readonly #keys: string[] = [];
  /** Keys that a prototype has: `__proto__`, or what a task has added. To be defined, not set. */
  readonly #inherited: boolean[] = [];
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
    if (this.at !== this.length) throw new RangeErrorOf("bytes are left");
    // Last, because a property of an error may be anything.
    for (let i = 0; i < this.#errors.length; i++) {
      const { errors, props, nodes } = this.#errors[i]!;
      fillErrors(errors, props, nodes);
    }
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
        return BigIntOf(`0x${this.utf8()}`);
      case format.NEGATIVE_BIGINT:
        return -BigIntOf(`0x${this.utf8()}`);
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
        return this.#container("map", new MapOf());
      case format.SET:
        return this.#container("set", new SetOf());
      case format.DATE:
        return this.#known(new DateOf(this.double()));
      case format.REGEXP:
        return this.#known(new RegExpOf(this.#string(), this.#string()));
      case format.BUFFER: {
        const start = this.skip(this.varint());
        return this.#known(bufferOf(this.copy(start)));
      }
      case format.RESIZABLE:
        return this.#readResizable();
      case format.ATTACHMENT: {
        const length = this.varint();
        const buffer = this.#attachments[this.#attached++];
        if (buffer === undefined || sizeOfBuffer(buffer) !== length) {
          throw new RangeErrorOf("no such attachment");
        }
        return this.#known(buffer);
      }
      case format.VIEW:
      case format.TRACKING_VIEW:
        return this.#readView(tag === format.TRACKING_VIEW);
      case format.BOXED: {
        const value = this.#read();
        if (typeof value === "object" || value === undefined) throw new TypeErrorOf("not boxed");
        return this.#known(ObjectOf(value));
      }
      case format.ERROR:
        return this.#readErrors();
      default:
        throw new TypeErrorOf(`no such tag: ${tag}`);
    }
  }

  #container<T extends Target["kind"]>(
    kind: T,
    value: Extract<Target, { kind: T }>["value"],
  ): unknown {
    append(this.#targets, { kind, value } as Target);
    return this.#known(value);
  }

  /** Gives an object its number. */
  #known<T>(value: T): T {
    append(this.#objects, value);
    return value;
  }

  #reference(): unknown {
    const number = this.varint();
    if (number >= this.#objects.length) throw new RangeErrorOf("no such object");
    return this.#objects[number];
  }

  #readResizable(): unknown {
    const maxByteLength = this.varint();
    const length = this.varint();
    const start = this.skip(length);
    // A lie costs no memory, but room for addresses.
    this.#growth += maxByteLength;
    if (this.#growth > format.MAX_RESIZABLE) throw new RangeErrorOf("buffers may grow too large");
    const Resizable = BufferOf as unknown as ResizableConstructor;
    const buffer = new Resizable(length, { maxByteLength });
    setBytes(new BytesOf(buffer), this.copy(start), 0);
    return this.#known(buffer);
  }

  #readView(follows: boolean): unknown {
    const number = this.#objects.length;
    append(this.#objects, undefined);
    const index = this.byte();
    const kind = index < format.VIEW_KINDS.length ? format.VIEW_KINDS[index]! : "";
    const View = VIEWS[kind];
    if (View === undefined) throw new TypeErrorOf(`this runtime has no ${kind}`);
    const buffer = this.#read();
    if (!isBuffer(buffer)) throw new TypeErrorOf("not a buffer");
    if (follows && !isResizable(buffer)) {
      throw new TypeErrorOf("not resizable");
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
      const classes: string[] = [];
      for (let left = this.count(1); left > 0; left--) append(classes, this.#string());
      const name = this.#string();
      const message = this.#string();
      const stack = this.#read();
      if (stack !== undefined && typeof stack !== "string") throw new TypeErrorOf("not a stack");
      append(encoded, { classes, name, message, stack: stack as string | undefined });
    }
    const errors = makeErrors(encoded);
    if (errors[0] === undefined) throw new RangeErrorOf("no errors");
    append(this.#targets, { kind: "errors", value: errors });
    for (let i = 0; i < errors.length; i++) this.#known(errors[i]);
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
          putInMap(target.value, this.#read(), this.#read());
        }
        return;
      case "set":
        for (let left = this.count(1); left > 0; left--) addToSet(target.value, this.#read());
        return;
      case "errors": {
        const props: EncodedError["props"][] = [];
        for (let i = 0; i < target.value.length; i++) {
          append(props, this.#read() as EncodedError["props"]);
        }
        const nodes = this.#read() as readonly EncodedNode[] | undefined;
        append(this.#errors, { errors: target.value, props, nodes });
      }
    }
  }

  #fillObject(object: Record<string, unknown>): void {
    for (let left = this.count(2); left > 0; left--) {
      const number = this.#key();
      const key = this.#keys[number]!;
      const value = this.#read();
      if (this.#inherited[number]) define(object, key, value);
      else object[key] = value;
    }
  }

  #fillNamed(array: unknown[]): void {
    for (let left = this.count(2); left > 0; left--) {
      const key = this.#keys[this.#key()]!;
      if (key === "length" || isIndex(key)) throw new TypeErrorOf("not a named property");
      define(array, key, this.#read());
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
          if (this.bytes[this.at] !== format.HOLE) append(array, this.#read());
          else this.at++, array.length++;
        }
        return;
      }
      case format.CONTENT_INTEGERS: {
        const count = this.count(4);
        const start = this.skip(4 * count);
        for (let i = 0; i < count; i++) append(array, this.view.getInt32(start + 4 * i, true));
        return;
      }
      case format.CONTENT_DOUBLES: {
        const count = this.count(8);
        const start = this.skip(8 * count);
        for (let i = 0; i < count; i++) append(array, this.view.getFloat64(start + 8 * i, true));
        return;
      }
      case format.CONTENT_SPARSE:
        array.length = this.varint();
        for (let left = this.count(2); left > 0; left--) {
          const index = this.varint();
          if (index >= array.length) throw new RangeErrorOf("no such element");
          define(array, index, this.#read());
        }
        return;
      default:
        throw new TypeErrorOf("no such content");
    }
  }

  /** The number of a key, from 0 on. */
  #key(): number {
    const number = this.varint();
    if (number > this.#keys.length) throw new RangeErrorOf("no such key");
    if (number > 0) return number - 1;
    const key = this.#string();
    append(this.#keys, key);
    append(this.#inherited, key in OBJECT_PROTOTYPE);
    return this.#keys.length - 1;
  }

  #string(): string {
    const value = this.#read();
    if (typeof value !== "string") throw new TypeErrorOf("not a string");
    return value;
  }
}
