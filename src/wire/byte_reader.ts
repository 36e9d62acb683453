import {
  bufferOf,
  bytesIn,
  BytesOf,
  fromCharCode,
  lengthOf,
  offsetOf,
  RangeErrorOf,
  SafeView,
  uncurried,
} from "./originals.ts";

/** Strings up to this length are read by a loop: shorter than a call of the decoder takes. */
const SHORT_STRING = 24;

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const decode = uncurried(TextDecoder.prototype.decode) as (
  decoder: TextDecoder,
  bytes: Uint8Array,
) => string;

/** Bytes that are read from their beginning. Whatever they are, no method gives more than there is. */
export class ByteReader {
  protected readonly bytes: Uint8Array;
  protected readonly view: SafeView;
  /** How many there are. */
  protected readonly length: number;
  /** What is read next. */
  protected at = 0;

  constructor(bytes: Uint8Array) {
    const length = this.length = lengthOf(bytes);
    this.bytes = bytesIn(bytes, 0, length); // it may be a Buffer, which is of another class
    this.view = new SafeView(bufferOf(bytes), offsetOf(bytes), length);
  }

  protected byte(): number {
    return this.bytes[this.skip(1)]!;
  }

  /** Passes so many bytes, and says where they begin. */
  protected skip(count: number): number {
    const start = this.at;
    if (count > this.length - start) throw new RangeErrorOf("bytes are missing");
    this.at = start + count;
    return start;
  }

  protected varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 53; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeErrorOf("number is too large");
  }

  /** How many follow, of at least so many bytes each: no more than can, so that no lie costs memory. */
  protected count(size: number): number {
    const count = this.varint();
    if (count * size > this.length - this.at) throw new RangeErrorOf("bytes are missing");
    return count;
  }

  protected double(): number {
    return this.view.getFloat64(this.skip(8), true);
  }

  protected utf8(): string {
    const length = this.varint();
    const start = this.skip(length);
    if (length <= SHORT_STRING) {
      let value = "";
      let i = start;
      for (; i < this.at && this.bytes[i]! < 128; i++) {
        value += fromCharCode(this.bytes[i]!);
      }
      if (i === this.at) return value;
    }
    return decode(text, bytesIn(this.bytes, start, this.at));
  }

  protected utf16(): string {
    const length = this.count(2);
    const start = this.skip(2 * length);
    let value = "";
    for (let at = start; at < this.at; at += 2) {
      value += fromCharCode(this.view.getUint16(at, true));
    }
    return value;
  }

  /** Bytes that were passed, in memory of their own. */
  protected copy(start: number): Uint8Array<ArrayBuffer> {
    return new BytesOf(bytesIn(this.bytes, start, this.at));
  }
}
