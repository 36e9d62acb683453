/**
 * What stands before the program in a process: makes the stream that the owner opened as file 3 the
 * program's port, and ends the process with it. `tools/generate_program.ts` bundles it into
 * `main_source.ts`.
 *
 * @module
 */

import { useClone } from "../../wire/clone_error.ts";
import { CounterWriter } from "./task_counter.ts";
import { FrameChannel } from "./frame_channel.ts";
import type { ByteStream } from "./frame_channel.ts";
import {
  apply,
  bytesIn,
  define,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  lengthOf,
  OBJECT_PROTOTYPE,
  ownKeys,
} from "../../wire/originals.ts";
import { PROCESS_PORT } from "../../wire/process_port.ts";
import type { ProcessPort } from "../../wire/process_port.ts";
import { checkStructured } from "../../wire/structured_codec.ts";
import { useRuntimeErrors } from "../../worker/runtime_errors.ts";

/** What the frames are marked with: the owner puts it in front of this text, where no task sees it. */
declare const FRAME_SECRET: number;

/** The stream's number among the files of the process, after stdin, stdout and stderr. */
const FILE = 3;

/** The number of the stream that counts the tasks which have begun. */
const COUNTER = 4;

interface FileModule {
  writeSync(file: number, bytes: Uint8Array): number;
}

interface NetModule {
  connect(options: { fd: number }): ByteStream;
  Socket: new (options: { fd: number; readable: boolean; writable: boolean }) => ByteStream;
}

interface Output {
  readonly _handle?: { setBlocking?(blocking: boolean): void };
  end(ended: () => void): void;
}

const { process, Bun } = globalThis as unknown as {
  process: Record<"stdout" | "stderr", Output> & {
    getBuiltinModule(name: string): unknown;
    exit(exitCode: number): void;
    on(event: "SIGINT", listener: () => void): void;
  };
  Bun?: unknown;
};
const net = process.getBuiltinModule("node:net") as NetModule;
const { writeSync } = process.getBuiltinModule("node:fs") as FileModule;
// As they were before any task could change them.
const exit = process.exit.bind(process);
const { stdout, stderr } = process;
const ends = [stdout.end, stderr.end] as const;

useClone(checkStructured);

/**
 * Gives a stream all methods that it inherits as its own: its classes are everybody's, who may replace
 * what is there.
 */
function pin(stream: object): void {
  let from: object | null = stream;
  while (from !== null && from !== OBJECT_PROTOTYPE) {
    const keys = ownKeys(from);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const property = getOwnPropertyDescriptor(from, key)!;
      if (key === "constructor" || hasOwn(stream, key)) continue;
      if (typeof property.value === "function") define(stream, key, property.value, false);
    }
    from = getPrototypeOf(from) as object | null;
  }
}

// Ctrl-C reaches every process of the terminal: what shall come of the tasks is the program's to say.
// It may finish, or shut down; the second one is meant. Without its owner a process ends anyway.
let interrupts = 0;
process.on("SIGINT", () => {
  if (++interrupts > 1) exit(130);
});
useRuntimeErrors();

// What a task prints is to be on its way before its result: Node 24 would keep back what does not fit.
if (Bun === undefined) {
  for (const name of ["stdout", "stderr"] as const) process[name]._handle?.setBlocking?.(true);
}

const stream = Bun === undefined
  ? new net.Socket({ fd: FILE, readable: true, writable: true })
  : net.connect({ fd: FILE }); // in Bun 1.4 the constructor opens nothing

pin(stream);

const listeners: Record<"message" | "messageerror", ((data: unknown) => void) | undefined> = {
  message: undefined,
  messageerror: undefined,
};
const channel = new FrameChannel(stream, FRAME_SECRET, {
  message: (data) => listeners.message?.(data),
  messageError: () => listeners.messageerror?.(undefined),
  // Nobody would hear what it does, or tell it what to do.
  broken: () => exit(1),
  close: () => exit(1),
});

const port: ProcessPort = {
  on(event, callback) {
    listeners[event] = callback;
  },
  postMessage: (message, transfer) => channel.send(message, transfer),
  counter: new CounterWriter(FRAME_SECRET, (bytes) => {
    const length = lengthOf(bytes);
    for (let at = 0; at < length;) {
      try {
        at += writeSync(COUNTER, bytesIn(bytes, at, length));
      } catch (error) {
        // Full, where the stream does not block: the owner reads it soon. Otherwise the owner is gone,
        // or a task has closed the stream, and nobody would know of what begins now.
        if ((error as { code?: unknown }).code !== "EAGAIN") exit(1);
      }
    }
  }),
  isFull: () => channel.isFull,
  leave() {
    if (Bun === undefined) return exit(0);
    // Bun keeps back what does not fit, and drops it at the exit.
    let open = 2;
    const ended = (): void => {
      if (--open === 0) exit(0);
    };
    apply(ends[0], stdout, [ended]);
    apply(ends[1], stderr, [ended]);
  },
  check: checkStructured,
};
Object.defineProperty(globalThis, PROCESS_PORT, { value: port, configurable: true });
