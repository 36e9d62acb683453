/**
 * Messages over a stream of bytes, in frames: the length and how many attachments follow, four bytes
 * each, and the message as `structured_codec.ts` writes it; then its large buffers, each in a frame.
 * They are read into the memory in which they stay. Both ends, in the owner and in the process, are this.
 *
 * @module
 */

import { decodeStructured, encodeStructured } from "./structured_codec.ts";

/** Bytes before a frame's own. */
const HEADER = 8;

/** Bytes of a frame at the most; what announces more is no frame. */
const MAX_FRAME = 2 ** 31;

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
  /** A message cannot be read; those after it are. */
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
  /** What is read next, how many bytes of it there are to be, and how many there are. */
  #reading: "header" | "message" | "attachment" = "header";
  #size = HEADER;
  #filled = 0;
  /** Where it is gathered, if it does not come at once. */
  #target: Uint8Array<ArrayBuffer> | undefined = undefined;
  /** A message that waits for its attachments, those that came, and how many are to come. */
  #message: Uint8Array | undefined = undefined;
  #attachments: ArrayBuffer[] = [];
  #missing = 0;

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
    const moved = new Set(transfer?.filter((one) => one instanceof ArrayBuffer));
    if (transfer !== undefined && moved.size < new Set(transfer).size) {
      throw new DOMException("only buffers can be sent to another process", "DataCloneError");
    }
    const attachments: ArrayBuffer[] = [];
    const frame = encodeStructured(message, HEADER, attachments);
    if (Math.max(frame.length, ...attachments.map((one) => one.byteLength)) > MAX_FRAME) {
      throw new DOMException("more than 2 GiB cannot be sent at once", "DataCloneError");
    }
    const copies = attachments.map((one) =>
      moved.has(one) ? undefined : new Uint8Array(one).slice()
    );
    const bodies = attachments.map((one, i) =>
      copies[i] ?? new Uint8Array(structuredClone(one, { transfer: [one] }))
    );
    const rest = [...moved].filter((one) => !attachments.includes(one));
    if (rest.length > 0) structuredClone(null, { transfer: rest });
    if (this.#closed) return;
    writeHeader(frame, frame.length - HEADER, bodies.length);
    this.#enqueue(frame);
    for (const body of bodies) {
      const header = new Uint8Array(HEADER);
      writeHeader(header, body.length, 0);
      this.#enqueue(header);
      this.#enqueue(body);
    }
    this.#pump();
  }

  #enqueue(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SLICE) {
      this.#queue.push(bytes.subarray(at, at + SLICE));
    }
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
    while (!this.#closed) {
      const size = this.#size;
      if (this.#filled === 0 && this.#reading !== "attachment" && bytes.length - at >= size) {
        this.#take(bytes.subarray(at, at += size));
        continue;
      }
      if (at === bytes.length) return;
      const target = this.#target ??= allocate(size);
      if (target === undefined) return this.#close();
      const part = bytes.subarray(at, at + size - this.#filled);
      target.set(part, this.#filled);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled < size) return;
      this.#filled = 0;
      this.#target = undefined;
      this.#take(target);
    }
  }

  /** Takes what was to be read next. */
  #take(bytes: Uint8Array): void {
    if (this.#reading === "header") {
      const header = new DataView(bytes.buffer, bytes.byteOffset);
      this.#size = header.getUint32(0, true);
      if (this.#size > MAX_FRAME) return this.#close();
      this.#reading = this.#message === undefined ? "message" : "attachment";
      if (this.#message === undefined) this.#missing = header.getUint32(4, true);
      else if (this.#size === 0) this.#close(); // what is empty is not attached
      return;
    }
    if (this.#reading === "message") this.#message = bytes;
    else {
      this.#attachments.push(bytes.buffer as ArrayBuffer);
      this.#missing--;
    }
    this.#reading = "header";
    this.#size = HEADER;
    if (this.#missing === 0) return this.#deliver();
    // The stream may use its memory again before the attachments are there.
    if (this.#attachments.length === 0) this.#message = new Uint8Array(bytes);
  }

  #deliver(): void {
    const bytes = this.#message!;
    const attachments = this.#attachments;
    this.#message = undefined;
    if (attachments.length > 0) this.#attachments = [];
    let message: unknown;
    try {
      message = decodeStructured(bytes, attachments);
    } catch {
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

function writeHeader(frame: Uint8Array, length: number, attachments: number): void {
  const header = new DataView(frame.buffer, frame.byteOffset, HEADER);
  header.setUint32(0, length, true);
  header.setUint32(4, attachments, true);
}

/** Memory for what is announced, which costs nothing until it comes; `undefined` if it is too much. */
function allocate(size: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(size);
  } catch {
    return undefined;
  }
}
