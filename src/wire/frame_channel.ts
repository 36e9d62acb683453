/**
 * Messages over a stream of bytes: each is its length, four bytes, and itself as `structured_codec.ts`
 * writes it. Both ends, in the owner and in the process, are this.
 *
 * @module
 */

import { decodeStructured, encodeStructured } from "./structured_codec.ts";

/** Bytes of the length. */
const HEADER = 4;

const MAX_FRAME = 2 ** 32 - 1;

/** Bytes handed to the stream at once. More would block this thread in Deno and Bun, less costs turns. */
const SLICE = 1024 * 1024;

/** What is used of a `node:net` socket. */
export interface ByteStream {
  write(bytes: Uint8Array): boolean;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "drain" | "end" | "close" | "error", listener: () => void): unknown;
}

/** What a channel tells. */
export interface FrameEvents {
  message(data: unknown): void;
  /** A message cannot be read; nothing after it is. */
  messageError(): void;
  /** The other end is gone. Told once. */
  close(): void;
}

/** One end of the channel between a process and its owner. */
export class FrameChannel {
  readonly #stream: ByteStream;
  readonly #events: FrameEvents;
  #closed = false;
  /** What the stream does not take yet, in order. */
  #queue: Uint8Array[] = [];
  #full = false;
  /** What came of a length or of a message that is not complete, and how many bytes it lacks. */
  #parts: Uint8Array[] = [];
  #missing = HEADER;
  #inBody = false;

  constructor(stream: ByteStream, events: FrameEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.on("data", (bytes) => this.#receive(bytes));
    stream.on("drain", () => {
      this.#full = false;
      this.#pump();
    });
    for (const sign of ["end", "close", "error"] as const) stream.on(sign, () => this.#close());
  }

  /**
   * Sends a message; what follows it waits while the stream is full. What is transferred is empty here
   * afterwards. To an end that is gone it is lost.
   *
   * @throws {DOMException} "DataCloneError" if it cannot travel; then nothing was sent.
   */
  send(message: unknown, transfer?: readonly Transferable[]): void {
    const buffers = transfer?.filter((one) => one instanceof ArrayBuffer) ?? [];
    if (transfer !== undefined && buffers.length < transfer.length) {
      throw new DOMException("only buffers can be sent to another process", "DataCloneError");
    }
    const frame = encodeStructured(message, HEADER);
    if (frame.length - HEADER > MAX_FRAME) {
      throw new DOMException("a message of 4 GiB or more cannot be sent", "DataCloneError");
    }
    new DataView(frame.buffer, frame.byteOffset).setUint32(0, frame.length - HEADER, true);
    if (buffers.length > 0) structuredClone(null, { transfer: [...new Set(buffers)] });
    if (this.#closed) return;
    for (let at = 0; at < frame.length; at += SLICE) {
      this.#queue.push(frame.subarray(at, at + SLICE));
    }
    this.#pump();
  }

  #pump(): void {
    let sent = 0;
    while (!this.#full && !this.#closed && sent < this.#queue.length) {
      this.#full = !this.#stream.write(this.#queue[sent++]!);
    }
    if (sent > 0) this.#queue.splice(0, sent);
  }

  #receive(bytes: Uint8Array): void {
    let at = 0;
    while (!this.#closed && bytes.length - at >= this.#missing) {
      const part = bytes.subarray(at, at += this.#missing);
      const whole = this.#parts.length === 0 ? part : this.#join(part);
      this.#inBody = !this.#inBody;
      if (this.#inBody) {
        this.#missing = new DataView(whole.buffer, whole.byteOffset).getUint32(0, true);
      } else {
        this.#missing = HEADER;
        this.#deliver(whole);
      }
    }
    if (at === bytes.length) return;
    this.#parts.push(bytes.subarray(at));
    this.#missing -= bytes.length - at;
  }

  /** All parts as one. Memory is taken for what came, not for what a length announces. */
  #join(last: Uint8Array): Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, last.length));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    whole.set(last, at);
    return whole;
  }

  #deliver(frame: Uint8Array): void {
    let message: unknown;
    try {
      message = decodeStructured(frame);
    } catch {
      this.#closed = true;
      return this.#events.messageError();
    }
    this.#events.message(message);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#events.close();
  }
}
