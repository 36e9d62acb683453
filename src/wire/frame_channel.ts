/**
 * Messages over a stream of bytes, in frames: a mark, the length and how many attachments follow, four
 * bytes each, the message as `structured_codec.ts` writes it, and the mark once more; then its large
 * buffers, each in a frame. They are read into the memory in which they stay. Both ends, in the owner and
 * in the process, are this.
 *
 * A task, or a program that it starts, may write to the stream, read from it, or close it. The marks are
 * made of a secret that it does not know and of the number of the frame. What was put in between, taken
 * out or cut off moves all that follows, so that the next mark does not stand in its place: that is told
 * at once, and nothing of such a frame is delivered.
 *
 * @module
 */

import { clock } from "../futures/clock.ts";
import { decodeStructured, encodeStructured } from "./structured_codec.ts";

/** Bytes before a frame's own. */
const HEADER = 12;

/** Bytes behind a frame's own. */
const TRAILER = 4;

/** Milliseconds in which the rest of a header comes, which is written as a whole. */
const HEADER_WITHIN = 1_000;

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
  /** What comes is no frame of the other end, and nothing that follows can be read. Told once, as `close`. */
  broken(reason: string): void;
  /** The other end is gone. Told once. */
  close(): void;
}

/** One end of the channel between a process and its owner. */
export class FrameChannel {
  readonly #stream: ByteStream;
  readonly #events: FrameEvents;
  readonly #outgoing: Marks;
  readonly #incoming: Marks;
  /** The mark of the frame that is being read. */
  #mark = 0;
  #headerTimer: ReturnType<typeof setTimeout> | undefined = undefined;
  #closed = false;
  /** What the stream does not take yet, in order. */
  #queue: Uint8Array[] = [];
  #full = false;
  /** What is read next, how many bytes of it there are to be, and how many there are. */
  #reading: "header" | "message" | "attachment" | "trailer" = "header";
  #size = HEADER;
  #filled = 0;
  /** Where it is gathered, if it does not come at once. */
  #target: Uint8Array<ArrayBuffer> | undefined = undefined;
  /** A message that waits for its attachments, those that came, and how many are to come. */
  #message: Uint8Array | undefined = undefined;
  /** Whether the message stands in memory of the stream. */
  #borrowed = false;
  #attachments: ArrayBuffer[] = [];
  #missing = 0;

  /** @param secret What both ends know and nobody else: 32 bits. */
  constructor(stream: ByteStream, secret: number, events: FrameEvents) {
    this.#stream = stream;
    this.#events = events;
    this.#outgoing = new Marks(secret);
    this.#incoming = new Marks(secret);
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
    const frame = encodeStructured(message, HEADER, attachments, TRAILER);
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
    this.#seal(frame, bodies.length);
    this.#enqueue(frame);
    for (const body of bodies) {
      // A frame without a body, to be put around it.
      const around = new Uint8Array(HEADER + TRAILER);
      this.#seal(around, 0, body.length);
      this.#enqueue(around.subarray(0, HEADER));
      this.#enqueue(body);
      this.#enqueue(around.subarray(HEADER));
    }
    this.#pump();
  }

  /** Writes the header and the trailer of a frame. */
  #seal(frame: Uint8Array, attachments: number, length = frame.length - HEADER - TRAILER): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const mark = this.#outgoing.next();
    view.setUint32(0, headMark(mark, length, attachments), true);
    view.setUint32(4, length, true);
    view.setUint32(8, attachments, true);
    view.setUint32(frame.length - TRAILER, mark, true);
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
    clock.clearTimeout(this.#headerTimer);
    let at = 0;
    while (!this.#closed) {
      const size = this.#size;
      if (this.#filled === 0 && this.#reading !== "attachment" && bytes.length - at >= size) {
        if (this.#reading === "message") this.#borrowed = true;
        this.#take(bytes.subarray(at, at += size));
        continue;
      }
      if (at === bytes.length) break;
      const target = this.#target ??= allocate(size);
      if (target === undefined) return this.#break("a frame is too large");
      const part = bytes.subarray(at, at + size - this.#filled);
      target.set(part, this.#filled);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled < size) break;
      this.#filled = 0;
      this.#target = undefined;
      this.#take(target);
    }
    if (this.#closed) return;
    if (this.#borrowed && this.#message !== undefined) { // the stream may use its memory again
      this.#message = new Uint8Array(this.#message);
      this.#borrowed = false;
    }
    if (this.#reading !== "header" || this.#filled === 0) return;
    this.#headerTimer = clock.setTimeout(() => this.#break("a header ends early"), HEADER_WITHIN);
  }

  /** Takes what was to be read next. */
  #take(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#reading === "header") {
      const mark = this.#mark = this.#incoming.next();
      const length = view.getUint32(4, true);
      const attachments = view.getUint32(8, true);
      if (view.getUint32(0, true) !== headMark(mark, length, attachments)) {
        return this.#break("a header is not its own");
      }
      if (length > MAX_FRAME) return this.#break("a frame is too large");
      this.#size = length;
      this.#reading = this.#message === undefined ? "message" : "attachment";
      if (this.#message === undefined) this.#missing = attachments;
      else if (length === 0) this.#break("an attachment is empty"); // it would not be attached
      return;
    }
    if (this.#reading !== "trailer") {
      if (this.#reading === "message") this.#message = bytes;
      else {
        this.#attachments.push(bytes.buffer as ArrayBuffer);
        this.#missing--;
      }
      this.#reading = "trailer";
      this.#size = TRAILER;
      return;
    }
    if (view.getUint32(0, true) !== this.#mark) return this.#break("a frame is torn");
    this.#reading = "header";
    this.#size = HEADER;
    if (this.#missing === 0) this.#deliver();
  }

  #deliver(): void {
    const bytes = this.#message!;
    const attachments = this.#attachments;
    this.#message = undefined;
    this.#borrowed = false;
    if (attachments.length > 0) this.#attachments = [];
    let message: unknown;
    try {
      message = decodeStructured(bytes, attachments);
    } catch {
      return this.#events.messageError();
    }
    this.#events.message(message);
  }

  #break(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#events.broken(reason);
  }

  #close(): void {
    clock.clearTimeout(this.#headerTimer);
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#events.close();
  }
}

/** The marks of the frames in one direction. */
class Marks {
  readonly #secret: number;
  #number = 0;

  constructor(secret: number) {
    this.#secret = secret;
  }

  next(): number {
    // A multiplication by an odd number: none comes twice before all have come.
    return (this.#secret ^ Math.imul(++this.#number, 0x9e3779b1)) >>> 0;
  }
}

/** The bytes by which a process counts what begins: whoever does not know the secret guesses one in 256. */
export class Steps {
  #state: number;

  constructor(secret: number) {
    this.#state = secret | 1;
  }

  next(): number {
    // xorshift32
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 24;
  }
}

/** The mark of a header, which holds for what it announces: a wrong length would be waited for. */
function headMark(mark: number, length: number, attachments: number): number {
  return (mark ^ Math.imul(length + 1, 0x85ebca6b) ^ Math.imul(attachments + 1, 0xc2b2ae35)) >>> 0;
}

/** Memory for what is announced, which costs nothing until it comes; `undefined` if it is too much. */
function allocate(size: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(size);
  } catch {
    return undefined;
  }
}
