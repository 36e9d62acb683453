/**
 * The stream by which a process tells, synchronously, what begins and what has ended: so that its owner
 * knows both of a process that is busy, or dead. Each entry has a byte that only the owner expects, and
 * says of what kind it is; the end of a task has its slot, its number, and its value if that is small.
 *
 * @module
 */

import type { TaskCounter, TaskTime } from "../../wire/process_port.ts";
import type { EndedTask } from "../runtime.ts";
import { bufferOf, bytesIn, BytesOf, lengthOf, SafeView, setBytes } from "../../wire/originals.ts";
import { decodeStructured, encodeStructured } from "../../wire/structured_codec.ts";

const BEGINS = 0;
const ENDED = 1;
const ENDED_WITH_VALUE = 2;
/** What is told is a list: the value, when it began, how long it ran. */
const ENDED_WITH_TIME = 3;

/** Bytes of an entry: of one that says that a task begins, of one that says that it has ended. */
const BEGIN_LENGTH = 2;
const END_LENGTH = 10;
/** Behind that stands the length of a value. */
const LENGTH_BYTES = 2;

/** Units of a text that is told. Longer ones are sent before the next task begins. */
const MAX_TEXT = 200;

/** Bytes of what has ended since something began; more are not told before their message. */
const CAPACITY = 4096;

/** The end in the process. */
export class CounterWriter implements TaskCounter {
  readonly #steps: Steps;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #bytes = new BytesOf(CAPACITY + BEGIN_LENGTH);
  readonly #view = new SafeView(bufferOf(this.#bytes), 0, CAPACITY + BEGIN_LENGTH);
  /** How much of it waits for the next begin. */
  #length = 0;

  /** @param write Writes all, or ends the process. */
  constructor(secret: number, write: (bytes: Uint8Array) => void) {
    this.#steps = new Steps(secret);
    this.#write = write;
  }

  begins(): void {
    this.#add(BEGINS);
    const length = this.#length;
    this.#length = 0;
    this.#write(bytesIn(this.#bytes, 0, length));
  }

  ended(
    slot: number,
    number: number,
    isTold: boolean,
    value: unknown,
    time: TaskTime | undefined,
  ): boolean {
    const told = time === undefined ? value : [value, time.startedAt, time.ran];
    const encoded = isTold && isSmall(value) ? encodeStructured(told, 0, [], 0) : undefined;
    const length = encoded === undefined ? 0 : lengthOf(encoded) + LENGTH_BYTES;
    if (this.#length + END_LENGTH + length > CAPACITY) return false;
    const kind = time === undefined ? ENDED_WITH_VALUE : ENDED_WITH_TIME;
    this.#add(encoded === undefined ? ENDED : kind);
    this.#view.setUint32(this.#length, slot, true);
    this.#view.setUint32(this.#length + 4, number, true);
    this.#length += END_LENGTH - BEGIN_LENGTH;
    if (encoded === undefined) return false;
    this.#view.setUint16(this.#length, lengthOf(encoded), true);
    setBytes(this.#bytes, encoded, this.#length + LENGTH_BYTES);
    this.#length += length;
    return true;
  }

  #add(kind: number): void {
    this.#bytes[this.#length++] = this.#steps.next();
    this.#bytes[this.#length++] = kind;
  }
}

/** Whether a value is told. */
export function isSmall(value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_TEXT;
  return typeof value === "number" || typeof value === "boolean" || value === undefined ||
    value === null;
}

/** What the owner is told. */
export interface CounterEvents {
  begins(): void;
  /** @param told Gives what the task returned, unless only a message tells that. */
  ended(slot: number, number: number, told: (() => EndedTask) | undefined): void;
  /** What comes was not written by the other end; nothing that follows is read. */
  broken(): void;
}

/** The end of the owner. */
export class CounterReader {
  readonly #steps: Steps;
  readonly #events: CounterEvents;
  /** What the next entry begins with. */
  #step: number;
  /** What has come of an entry that is not complete. */
  #rest: Uint8Array = new BytesOf(0);
  #broken = false;

  constructor(secret: number, events: CounterEvents) {
    this.#steps = new Steps(secret);
    this.#step = this.#steps.next();
    this.#events = events;
  }

  receive(received: Uint8Array): void {
    if (this.#broken) return;
    const bytes = this.#rest.length === 0 ? received : joined(this.#rest, received);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at < bytes.length) {
      const length = entryLength(view, at);
      if (bytes[at] !== this.#step || length < 0) return this.#break();
      if (length === 0 || at + length > bytes.length) break;
      this.#step = this.#steps.next();
      if (bytes[at + 1] === BEGINS) this.#events.begins();
      else {
        const start = at + END_LENGTH + LENGTH_BYTES;
        const isTimed = bytes[at + 1] === ENDED_WITH_TIME;
        // The stream may use its memory again.
        const value = bytes[at + 1] === ENDED ? undefined : bytes.slice(start, at + length);
        this.#events.ended(
          view.getUint32(at + 2, true),
          view.getUint32(at + 6, true),
          value && (() => readTold(decodeStructured(value, []), isTimed)),
        );
      }
      at += length;
    }
    this.#rest = bytes.slice(at);
  }

  /** Whether the last entry is not complete. */
  get isTorn(): boolean {
    return this.#rest.length > 0;
  }

  #break(): void {
    this.#broken = true;
    this.#events.broken();
  }
}

/** A time that is none is not told. */
function readTold(told: unknown, isTimed: boolean): EndedTask {
  if (!isTimed || !Array.isArray(told)) return { value: told };
  const [value, startedAt, ran] = told as unknown[];
  const isTime = typeof startedAt === "number" && typeof ran === "number";
  return { value, time: isTime ? { startedAt, ran } : undefined };
}

/** How long the entry at `at` is; 0 if that is not to be seen yet, -1 if it is none. */
function entryLength(view: DataView, at: number): number {
  const left = view.byteLength - at;
  if (left < BEGIN_LENGTH) return 0;
  switch (view.getUint8(at + 1)) {
    case BEGINS:
      return BEGIN_LENGTH;
    case ENDED:
      return END_LENGTH;
    case ENDED_WITH_VALUE:
    case ENDED_WITH_TIME:
      if (left < END_LENGTH + LENGTH_BYTES) return 0;
      return END_LENGTH + LENGTH_BYTES + view.getUint16(at + END_LENGTH, true);
  }
  return -1;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new BytesOf(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** The bytes that stand before entries: whoever does not know the secret guesses one in 256. */
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
