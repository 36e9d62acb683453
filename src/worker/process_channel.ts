/**
 * What stands before the program in a process: makes the stream that the owner opened as file 3 the
 * program's port, and ends the process with it. `tools/generate_program.ts` bundles it into
 * `process_channel_source.ts`.
 *
 * @module
 */

import { useClone } from "../wire/clone_error.ts";
import { FrameChannel } from "../wire/frame_channel.ts";
import type { ByteStream } from "../wire/frame_channel.ts";
import { PROCESS_PORT } from "../wire/process_port.ts";
import type { ProcessPort } from "../wire/process_port.ts";
import { checkStructured } from "../wire/structured_codec.ts";

/** The stream's number among the files of the process, after stdin, stdout and stderr. */
const FILE = 3;

interface NetModule {
  connect(options: { fd: number }): ByteStream;
  Socket: new (options: { fd: number; readable: boolean; writable: boolean }) => ByteStream;
}

const { process, Bun } = globalThis as unknown as {
  process: Record<"stdout" | "stderr", { _handle?: { setBlocking?(blocking: boolean): void } }> & {
    getBuiltinModule(name: string): unknown;
    exit(exitCode: number): void;
  };
  Bun?: unknown;
};
const net = process.getBuiltinModule("node:net") as NetModule;
const exit = process.exit.bind(process); // as it was before any task could change it

useClone(checkStructured);

// What a task prints is to be on its way before its result: Node 24 would keep back what does not fit.
if (Bun === undefined) {
  for (const name of ["stdout", "stderr"] as const) process[name]._handle?.setBlocking?.(true);
}

const stream = Bun === undefined
  ? new net.Socket({ fd: FILE, readable: true, writable: true })
  : net.connect({ fd: FILE }); // in Bun 1.4 the constructor opens nothing

let listener: ((data: unknown) => void) | undefined;
const channel = new FrameChannel(stream, {
  message: (data) => listener?.(data),
  // Nobody would hear what it does.
  messageError: () => exit(1),
  close: () => exit(1),
});

const port: ProcessPort = {
  on(event, callback) {
    if (event === "message") listener = callback;
  },
  postMessage: (message, transfer) => channel.send(message, transfer),
  check: checkStructured,
};
Object.defineProperty(globalThis, PROCESS_PORT, { value: port });
