import { startDeadline } from "../../futures/deadline.ts";

/** What a process may say without ending the line, in bytes, until it is passed on. */
const MAX_LINE = 64 * 1024;

/**
 * Milliseconds after which it is passed on all the same. On a busy machine a process that writes a line
 * in two parts may have to wait between them.
 */
const PASS_AFTER = 100;

/**
 * Bytes that a pipe takes as a whole: a piece that is smaller ends where a write of the process ends. The rest
 * of a larger one may be on its way, and others must not print before it comes.
 */
const WHOLE = 4096;

const NEWLINE = 10;

/** What is used of the streams of a process. */
export interface OutputStream {
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "close" | "error", listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** What is used of the streams of this program. */
export interface Sink {
  write(bytes: Uint8Array): unknown;
  on?(event: "drain" | "close", listener: () => void): unknown;
}

/**
 * Passes on what a process says, byte for byte. Lines go as a whole, so that those of two processes do
 * not mix; what does not end a line follows after some milliseconds, before the process's next message
 * unless it is a part of a flood, or when it is too long to wait. A process that says more than this program's own reader takes has to
 * wait.
 */
export class OutputPipe {
  readonly #from: OutputStream;
  readonly #to: Sink;
  #rest: Uint8Array[] = [];
  #size = 0;
  #stopTimer: (() => void) | undefined = undefined;
  /** Whether the last piece may have ended in the middle of a write. */
  #torn = false;
  /** Whether the process has to wait: then the rest of its line cannot come. */
  #paused = false;

  /** @param heard Told whenever it says something. */
  constructor(from: OutputStream, to: Sink, heard: () => void) {
    this.#from = from;
    this.#to = to;
    from.on("data", (bytes) => {
      heard();
      this.#take(bytes);
    });
    from.on("error", () => {});
    from.on("close", () => this.flush());
  }

  /** Before a message of the process: what it has said stands before what the program says of it. */
  passOn(): void {
    if (!this.#torn) this.flush();
  }

  /** Passes on what does not end a line. */
  flush(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const rest = this.#rest;
    if (rest.length === 0) return;
    this.#rest = [];
    this.#size = 0;
    for (const bytes of rest) this.#write(bytes);
  }

  #take(bytes: Uint8Array): void {
    this.#torn = bytes.length >= WHOLE;
    const lines = bytes.lastIndexOf(NEWLINE) + 1;
    if (lines > 0) {
      this.flush();
      this.#write(bytes.subarray(0, lines));
    }
    if (lines === bytes.length) return;
    this.#rest.push(lines === 0 ? bytes : bytes.subarray(lines));
    this.#size += bytes.length - lines;
    if (this.#size > MAX_LINE) this.flush();
    else this.#waitForRest();
  }

  #waitForRest(): void {
    if (!this.#paused) this.#stopTimer ??= startDeadline(PASS_AFTER, () => this.flush());
  }

  #write(bytes: Uint8Array): void {
    if (this.#to.write(bytes) !== false || this.#to.on === undefined) return;
    this.#from.pause();
    this.#paused = true;
    waitersOf(this.#to).push(() => {
      this.#paused = false;
      this.#from.resume();
      if (this.#rest.length > 0) this.#waitForRest();
    });
  }
}

/** Who waits until a stream takes more. */
const waiting = new WeakMap<Sink, (() => void)[]>();

/** One pair of listeners for all processes, however many there are. */
function waitersOf(to: Sink): (() => void)[] {
  let waiters = waiting.get(to);
  if (waiters === undefined) {
    const list: (() => void)[] = waiters = [];
    waiting.set(to, list);
    const go = (): void => {
      for (const resume of list.splice(0)) resume();
    };
    // One that is closed takes everything, and drops it.
    for (const sign of ["drain", "close"] as const) to.on!(sign, go);
  }
  return waiters;
}
