import { clock } from "../futures/clock.ts";

/** What a process may say without ending the line, in bytes, until it is passed on. */
const MAX_LINE = 64 * 1024;

/** Milliseconds after which it is passed on all the same. */
const PASS_AFTER = 20;

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
 * not mix; what does not end a line follows after some milliseconds, before the process's next message,
 * or when it is too long to wait. A process that says more than this program's own reader takes has to
 * wait.
 */
export class OutputPipe {
  readonly #from: OutputStream;
  readonly #to: Sink;
  #rest: Uint8Array[] = [];
  #size = 0;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;

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

  /** Passes on what does not end a line. */
  flush(): void {
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const rest = this.#rest;
    if (rest.length === 0) return;
    this.#rest = [];
    this.#size = 0;
    for (const bytes of rest) this.#write(bytes);
  }

  #take(bytes: Uint8Array): void {
    const lines = bytes.lastIndexOf(NEWLINE) + 1;
    if (lines > 0) {
      this.flush();
      this.#write(bytes.subarray(0, lines));
    }
    if (lines === bytes.length) return;
    this.#rest.push(lines === 0 ? bytes : bytes.subarray(lines));
    this.#size += bytes.length - lines;
    if (this.#size > MAX_LINE) this.flush();
    else this.#timer ??= clock.setTimeout(() => this.flush(), PASS_AFTER);
  }

  #write(bytes: Uint8Array): void {
    if (this.#to.write(bytes) !== false || this.#to.on === undefined) return;
    this.#from.pause();
    waitersOf(this.#to).push(() => this.#from.resume());
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
