/**
 * Processes of `node:child_process`, as Node, Deno and Bun have them.
 *
 * @module
 */

import { FrameChannel } from "../wire/frame_channel.ts";
import type { ByteStream } from "../wire/frame_channel.ts";
import { checkStructured } from "../wire/structured_codec.ts";
import { passLines } from "./child_output.ts";
import type { OutputStream } from "./child_output.ts";
import { EventGate } from "./event_gate.ts";
import type { WorkerEvents, WorkerHandle } from "./runtime.ts";
import { backgroundTimer } from "./thread_handle.ts";

/** Milliseconds that a process has to end when its channel is closed, or a channel when its process has ended. */
const CLOSE_WITHIN = 500;

interface Referenced {
  ref?(): void;
  unref?(): void;
}

/** What is used of a `ChildProcess`. */
export interface Child extends Referenced {
  readonly pid?: number;
  readonly stdin: { end(text: string): void; on(event: "error", listener: () => void): void };
  readonly stdout: OutputStream & Referenced;
  readonly stderr: OutputStream & Referenced;
  readonly stdio: readonly unknown[];
  on(event: "error", listener: (error: unknown) => void): void;
  on(event: "exit", listener: (exitCode: number | null, signal: string | null) => void): void;
  kill(signal: "SIGKILL"): boolean;
}

/** A process as the engine holds it. */
export class ChildHandle implements WorkerHandle {
  readonly check: (value: unknown) => void = checkStructured;
  readonly #child: Child;
  readonly #gate: EventGate;
  readonly #channel: FrameChannel;
  readonly #streams: readonly Referenced[];
  #open = 4;
  #referenced = false;
  /** Whether the streams keep the program alive: for a moment longer than the process. */
  #streamsReferenced = true;
  #terminating = false;
  #begun = 0;
  #exits = false;
  #killTimer: ReturnType<typeof setTimeout> | undefined = undefined;
  /** How often output was heard. */
  #heard = 0;
  /** How it ended, until that is told. */
  #ended: (() => void) | undefined = undefined;

  constructor(child: Child, program: string, events: WorkerEvents) {
    this.#child = child;
    const gate = this.#gate = new EventGate(events);
    const stream = child.stdio[3] as ByteStream & Referenced;
    const counter = child.stdio[4] as ByteStream & Referenced;
    const streams = [stream, counter, child.stdout, child.stderr];
    this.#streams = streams;
    child.on("error", (error) => {
      gate.error(error);
      if (child.pid === undefined) gate.exit(); // it never was
    });
    child.on("exit", (exitCode, signal) => this.#exited(exitCode, signal));
    child.stdin.on("error", () => {}); // it has ended already, and that is told
    child.stdin.end(program);

    this.#channel = new FrameChannel(stream, {
      message: (data) => gate.message(data),
      messageError: () => gate.messageError(),
      // Who has no channel has to end; that one is stopped who does not.
      close: () => {
        if (this.#exits) return;
        this.#killTimer = backgroundTimer(() => child.kill("SIGKILL"), CLOSE_WITHIN);
      },
    });
    const { process } = globalThis as unknown as {
      process: Record<"stdout" | "stderr", { write(text: string): unknown }>;
    };
    for (const name of ["stdout", "stderr"] as const) {
      passLines(child[name], process[name], () => this.#heard++);
    }
    counter.on("data", (bytes) => {
      this.#begun += bytes.length;
      gate.heard();
    });
    counter.on("error", () => {}); // its end is told by `close`
    for (const one of streams) one.on("close", () => this.#closed());
    child.unref?.();
    this.#setStreamsReferenced(false);
  }

  /** One byte of the counter's stream for each task, written before the task begins. */
  get begun(): number {
    return this.#begun;
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    this.#channel.send(message, transfer);
  }

  ref(): void {
    this.#referenced = true;
    this.#child.ref?.();
    this.#setStreamsReferenced(true);
  }

  unref(): void {
    this.#referenced = false;
    this.#child.unref?.();
    this.#unrefWhenQuiet();
  }

  terminate(): void {
    if (this.#terminating) return;
    this.#terminating = true;
    this.#child.kill("SIGKILL");
    this.#gate.exitSoon(() => this.unref());
  }

  /** What a task has printed lies ready when its result comes: the program does not end before it is read. */
  #unrefWhenQuiet(): void {
    const heard = this.#heard;
    setTimeout(() => {
      if (this.#referenced) return;
      if (heard !== this.#heard) this.#unrefWhenQuiet();
      else this.#setStreamsReferenced(false);
    }, 0);
  }

  /** Only a change reaches the streams: in Bun 1.4, what is ref'd twice has to be unref'd twice. */
  #setStreamsReferenced(referenced: boolean): void {
    if (referenced === this.#streamsReferenced) return;
    this.#streamsReferenced = referenced;
    for (const stream of this.#streams) {
      if (referenced) stream.ref?.();
      else stream.unref?.();
    }
  }

  #exited(exitCode: number | null, signal: string | null): void {
    this.#exits = true;
    clearTimeout(this.#killTimer);
    if (signal !== null && !this.#terminating) {
      this.#gate.error(new Error(`Process ${this.#child.pid} was ended by ${signal}`));
    }
    this.#ended = () => {
      this.#ended = undefined;
      clearTimeout(timer);
      this.#gate.exit(exitCode ?? undefined, signal ?? undefined);
    };
    // A process that it started may hold its streams open.
    const timer = setTimeout(this.#ended, CLOSE_WITHIN);
    if (this.#open === 0) this.#ended();
  }

  #closed(): void {
    this.#open--;
    if (this.#open === 0) this.#ended?.();
  }
}
