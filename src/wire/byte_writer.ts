import {
  bufferOf,
  bytesIn,
  BytesOf,
  floor,
  lengthOf,
  SafeView,
  setBytes,
  uncurried,
  UNIT_AT,
  unitAt,
} from "./originals.ts";

/** Spare memory for messages of usual size; `undefined` while a writer uses it. */
let spare: Uint8Array<ArrayBuffer> | undefined = new BytesOf(64 * 1024);

/** Strings up to this length are written by a loop: shorter than a call of the encoder takes. */
const SHORT_STRING = 48;

const text = new TextEncoder();
const encode = uncurried(TextEncoder.prototype.encode) as (
  encoder: TextEncoder,
  value: string,
) => Uint8Array;
const encodeInto = uncurried(TextEncoder.prototype.encodeInto) as (
  encoder: TextEncoder,
  value: string,
  target: Uint8Array,
) => { readonly written: number };

/** Bytes that grow at the end. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: SafeView;
  /** How many there is room for. */
  #size: number;
  #at: number;
  readonly #spare: Uint8Array<ArrayBuffer> | undefined;

  /** @param headroom Bytes at the beginning that are left to the caller. */
  constructor(headroom: number) {
    this.#spare = spare;
    spare = undefined;
    this.#bytes = this.#spare ?? new BytesOf(4 * 1024);
    this.#size = lengthOf(this.#bytes);
    this.#view = new SafeView(bufferOf(this.#bytes), 0, this.#size);
    this.#at = headroom;
  }

  /**
   * What was written, in memory of its own.
   *
   * @param tail Bytes at the end that are left to the caller.
   */
  finish(tail: number): Uint8Array<ArrayBuffer> {
    this.#grow(tail);
    this.#at += tail;
    const bytes = bytesIn(this.#bytes, 0, this.#at);
    return this.#bytes !== this.#spare ? bytes : new BytesOf(bytes);
  }

  /** Gives the memory back; to be called last of all, whatever happened. */
  release(): void {
    if (this.#spare !== undefined) spare = this.#spare;
  }

  byte(value: number): void {
    if (this.#at === this.#size) this.#grow(1);
    this.#bytes[this.#at++] = value;
  }

  /** A number from 0 to 2 ** 53 - 1, seven bits a byte, the low ones first. */
  varint(value: number): void {
    this.#grow(8);
    while (value > 127) {
      this.#bytes[this.#at++] = (value % 128) | 128;
      value = value < 2 ** 31 ? value >> 7 : floor(value / 128);
    }
    this.#bytes[this.#at++] = value;
  }

  double(value: number): void {
    this.#grow(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  raw(bytes: Uint8Array): void {
    const length = lengthOf(bytes);
    this.#grow(length);
    setBytes(this.#bytes, bytes, this.#at);
    this.#at += length;
  }

  /** The number of bytes of UTF-8, and these. */
  utf8(value: string): void {
    const { length } = value;
    if (length <= SHORT_STRING && this.#ascii(value)) return;
    if (length > 16 * 1024) {
      const bytes = encode(text, value);
      this.varint(lengthOf(bytes));
      return this.raw(bytes);
    }
    this.#grow(3 * length + 3);
    const { written } = encodeInto(text, value, bytesIn(this.#bytes, this.#at + 3, this.#size));
    // Their number is known only now: it takes three bytes, however small it is.
    this.#bytes[this.#at] = written & 127 | 128;
    this.#bytes[this.#at + 1] = written >> 7 & 127 | 128;
    this.#bytes[this.#at + 2] = written >> 14;
    this.#at += 3 + written;
  }

  /** The number of units of UTF-16, and these. */
  utf16(value: string): void {
    this.varint(value.length);
    this.#grow(2 * value.length);
    for (let i = 0; i < value.length; i++) {
      this.#view.setUint16(this.#at, unitAt(value, i), true);
      this.#at += 2;
    }
  }

  /** Whether it was a string of ASCII alone, and is written. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.#grow(length + 1);
    const bytes = this.#bytes;
    const start = this.#at + 1;
    if (value.charCodeAt === UNIT_AT) { // as a method it is several times as fast
      for (let i = 0; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 127) return false;
        bytes[start + i] = unit;
      }
    } else {
      for (let i = 0; i < length; i++) {
        const unit = unitAt(value, i);
        if (unit > 127) return false;
        bytes[start + i] = unit;
      }
    }
    bytes[this.#at] = length;
    this.#at = start + length;
    return true;
  }

  /** Makes room for so many more bytes. */
  #grow(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#size) return;
    // What is large alone is not doubled: its copy is most of the message.
    const doubled = 2 * this.#at;
    const size = doubled > needed + 1024 ? doubled : needed + 1024;
    const bytes = new BytesOf(size);
    setBytes(bytes, bytesIn(this.#bytes, 0, this.#at), 0);
    this.#bytes = bytes;
    this.#size = size;
    this.#view = new SafeView(bufferOf(bytes), 0, size);
  }
}
