/** Strings up to this length are read by a loop: shorter than a call of the decoder takes. */
const SHORT_STRING = 24;

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that are read from their beginning. Whatever they are, no method gives more than there is. */
export class ByteReader {
  protected readonly bytes: Uint8Array;
  protected readonly view: DataView;
  /** What is read next. */
  protected at = 0;

  constructor(bytes: Uint8Array) {
    const { buffer, byteOffset, byteLength } = bytes;
    this.bytes = new Uint8Array(buffer, byteOffset, byteLength); // slice() of a Buffer copies nothing
    this.view = new DataView(buffer, byteOffset, byteLength);
  }

  protected byte(): number {
    return this.bytes[this.skip(1)]!;
  }

  /** Passes so many bytes, and says where they begin. */
  protected skip(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) throw new RangeError("bytes are missing");
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
    throw new RangeError("number is too large");
  }

  /** How many follow, of at least so many bytes each: no more than can, so that no lie costs memory. */
  protected count(size: number): number {
    const count = this.varint();
    if (count * size > this.bytes.length - this.at) throw new RangeError("bytes are missing");
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
        value += String.fromCharCode(this.bytes[i]!);
      }
      if (i === this.at) return value;
    }
    return text.decode(this.bytes.subarray(start, this.at));
  }

  protected utf16(): string {
    const length = this.count(2);
    const start = this.skip(2 * length);
    const units = new Uint16Array(this.bytes.slice(start, this.at).buffer);
    let value = "";
    for (let i = 0; i < length; i += 8192) {
      value += String.fromCharCode(...units.subarray(i, i + 8192));
    }
    return value;
  }
}
