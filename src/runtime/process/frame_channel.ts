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
// Length: both ends in one class, since each reads what the other writes.

import { clock } from "../../futures/clock.ts";
import {
  append,
  apply,
  bufferOf,
  bytesIn,
  BytesOf,
  ExceptionOf,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  imul,
  iterable,
  lengthOf,
  offsetOf,
  SafeSet,
  SafeView,
  setBytes,
  sizeOfBuffer,
} from "../../wire/originals.ts";
import { decodeStructured, encodeStructured } from "../../wire/structured_codec.ts";

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
  /** Bytes that it has taken and not passed on. */
  readonly writableLength?: number;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "drain" | "end" | "close" | "error", listener: () => void): unknown;
}

/** Makes what is transferred empty here; gives what is there in its place. */
const clone = structuredClone;
const transferOf = (transfer: ArrayBuffer[]): StructuredSerializeOptions => (
  { __proto__: null, transfer: iterable(transfer) } as StructuredSerializeOptions
);

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
  readonly #write: (bytes: Uint8Array) => boolean;
  /** Bytes that the stream has taken and not passed on. */
  readonly #waiting: () => number;
  readonly #events: FrameEvents;
  readonly #outgoing: Marks;
  readonly #incoming: Marks;
  /** The mark of the frame that is being read. */
  #mark = 0;
  #headerTimer: ReturnType<typeof setTimeout> | undefined = undefined;
  #closed = false;
  /** What the stream does not take yet, in order. */
  #queue: Uint8Array[] = [];
  /** How many of them are sent. */
  #sent = 0;
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
    this.#write = stream.write;
    this.#waiting = waitingBytes(stream);
    this.#events = events;
    this.#outgoing = new Marks(secret);
    this.#incoming = new Marks(secret);
    stream.on("data", (bytes) => this.#receive(bytes));
    stream.on("drain", () => {
      this.#full = false;
      this.#pump();
    });
    const signs = ["end", "close", "error"] as const;
    for (let i = 0; i < signs.length; i++) stream.on(signs[i]!, () => this.#close());
  }

  /**
   * Sends a message; what follows it waits while the stream is full. What is transferred is empty here
   * afterwards. To an end that is gone it is lost.
   *
   * @throws {DOMException} "DataCloneError" if it cannot travel; then nothing was sent.
   */
  send(message: unknown, transfer?: readonly Transferable[]): void {
    const moved = new SafeSet<ArrayBuffer>();
    for (let i = 0; i < (transfer?.length ?? 0); i++) {
      const one = transfer![i] as ArrayBuffer;
      try {
        sizeOfBuffer(one);
      } catch {
        throw new ExceptionOf("only buffers can be sent to another process", "DataCloneError");
      }
      if (moved.has(one)) throw new ExceptionOf("a buffer cannot move twice", "DataCloneError");
      moved.add(one);
    }
    const attachments: ArrayBuffer[] = [];
    const frame = encodeStructured(message, HEADER, attachments, TRAILER);
    let largest = lengthOf(frame);
    for (let i = 0; i < attachments.length; i++) {
      const size = sizeOfBuffer(attachments[i]!);
      if (size > largest) largest = size;
    }
    if (largest > MAX_FRAME) {
      throw new ExceptionOf("more than 2 GiB cannot be sent at once", "DataCloneError");
    }
    // Copies first: what is copied may fail, and then nothing was moved.
    const bodies: Uint8Array[] = [];
    for (let i = 0; i < attachments.length; i++) {
      const bytes = new BytesOf(attachments[i]!);
      append(bodies, moved.has(attachments[i]!) ? bytes : new BytesOf(bytes));
    }
    for (let i = 0; i < attachments.length; i++) {
      const one = attachments[i]!;
      if (moved.delete(one)) bodies[i] = new BytesOf(clone(one, transferOf([one])));
    }
    moved.forEach((one) => clone(null, transferOf([one])));
    if (this.#closed) return;
    this.#seal(frame, bodies.length);
    this.#enqueue(frame);
    for (let i = 0; i < bodies.length; i++) {
      const body = bodies[i]!;
      // A frame without a body, to be put around it.
      const around = new BytesOf(HEADER + TRAILER);
      this.#seal(around, 0, lengthOf(body));
      this.#enqueue(bytesIn(around, 0, HEADER));
      this.#enqueue(body);
      this.#enqueue(bytesIn(around, HEADER, HEADER + TRAILER));
    }
    this.#pump();
  }

  /** Whether something that was sent has not left yet. */
  get isFull(): boolean {
    return this.#queue.length > 0 || this.#waiting() > 0;
  }

  /** Writes the header and the trailer of a frame. */
  #seal(
    frame: Uint8Array<ArrayBuffer>,
    attachments: number,
    length = lengthOf(frame) - HEADER - TRAILER,
  ): void {
    const size = lengthOf(frame);
    const view = new SafeView(bufferOf(frame), offsetOf(frame), size);
    const mark = this.#outgoing.next();
    view.setUint32(0, headMark(mark, length, attachments), true);
    view.setUint32(4, length, true);
    view.setUint32(8, attachments, true);
    view.setUint32(size - TRAILER, mark, true);
  }

  #enqueue(bytes: Uint8Array): void {
    const length = lengthOf(bytes);
    for (let at = 0; at < length; at += SLICE) {
      append(this.#queue, bytesIn(bytes, at, at + SLICE < length ? at + SLICE : length));
    }
  }

  #pump(): void {
    while (!this.#full && !this.#closed && this.#sent < this.#queue.length) {
      const bytes = this.#queue[this.#sent++]!;
      this.#full = !apply(this.#write, this.#stream, [bytes]);
    }
    if (this.#sent === 0) return;
    const rest: Uint8Array[] = [];
    for (let i = this.#sent; i < this.#queue.length; i++) append(rest, this.#queue[i]!);
    this.#queue = rest;
    this.#sent = 0;
  }

  #receive(bytes: Uint8Array): void {
    clock.clearTimeout(this.#headerTimer);
    const length = lengthOf(bytes);
    let at = 0;
    while (!this.#closed) {
      const size = this.#size;
      if (this.#filled === 0 && this.#reading !== "attachment" && length - at >= size) {
        if (this.#reading === "message") this.#borrowed = true;
        this.#take(bytesIn(bytes, at, at += size));
        continue;
      }
      if (at === length) break;
      const target = this.#target ??= allocate(size);
      if (target === undefined) return this.#break("a frame is too large");
      const left = size - this.#filled;
      const count = left < length - at ? left : length - at;
      setBytes(target, bytesIn(bytes, at, at + count), this.#filled);
      at += count;
      this.#filled += count;
      if (this.#filled < size) break;
      this.#filled = 0;
      this.#target = undefined;
      this.#take(target);
    }
    if (this.#closed) return;
    if (this.#borrowed && this.#message !== undefined) { // the stream may use its memory again
      this.#message = new BytesOf(this.#message);
      this.#borrowed = false;
    }
    if (this.#reading !== "header" || this.#filled === 0) return;
    this.#headerTimer = clock.setTimeout(() => this.#break("a header ends early"), HEADER_WITHIN);
  }

  /** Takes what was to be read next. */
  #take(bytes: Uint8Array): void {
    const view = new SafeView(bufferOf(bytes), offsetOf(bytes), lengthOf(bytes));
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
        append(this.#attachments, bufferOf(bytes));
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

/** Reads `writableLength`, as it is now: a task may change it later. */
function waitingBytes(stream: ByteStream): () => number {
  for (let from: object | null = stream; from !== null; from = getPrototypeOf(from)) {
    const { get, value } = getOwnPropertyDescriptor(from, "writableLength") ?? {};
    if (get !== undefined) return () => apply(get as () => number, stream, []);
    if (value !== undefined) break;
  }
  return () => 0;
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
    return (this.#secret ^ imul(++this.#number, 0x9e3779b1)) >>> 0;
  }
}

/** The mark of a header, which holds for what it announces: a wrong length would be waited for. */
function headMark(mark: number, length: number, attachments: number): number {
  return (mark ^ imul(length + 1, 0x85ebca6b) ^ imul(attachments + 1, 0xc2b2ae35)) >>> 0;
}

/** Memory for what is announced, which costs nothing until it comes; `undefined` if it is too much. */
function allocate(size: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new BytesOf(size);
  } catch {
    return undefined;
  }
}
