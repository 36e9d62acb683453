/**
 * Processes of `node:child_process`, as Node, Deno and Bun have them.
 *
 * @module
 */

import { clock } from "../../futures/clock.ts";
import { CounterReader } from "./task_counter.ts";
import { FrameChannel } from "./frame_channel.ts";
import type { ByteStream } from "./frame_channel.ts";
import { checkStructured } from "../../wire/structured_codec.ts";
import { OutputPipe } from "./output.ts";
import type { OutputStream, Sink } from "./output.ts";
import { EventGate } from "../event_gate.ts";
import type { WorkerEvents, WorkerHandle } from "../runtime.ts";
import { backgroundTimer } from "../thread_handle.ts";

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
export class ProcessHandle implements WorkerHandle {
  readonly check: (value: unknown) => void = checkStructured;
  readonly #child: Child;
  readonly #gate: EventGate;
  /** `undefined` if it could not be started. */
  readonly #channel: FrameChannel | undefined;
  readonly pid: number | undefined;
  readonly #streams: readonly Referenced[];
  #open = 4;
  #referenced = false;
  /** Whether the streams keep the program alive: for a moment longer than the process. */
  #streamsReferenced = true;
  #terminating = false;
  #begun = 0;
  #reader: CounterReader | undefined = undefined;
  #exits = false;
  /** Whether its program has said anything. */
  #spoke = false;
  readonly #explain: (failure: unknown) => Error | undefined;
  #killTimer: ReturnType<typeof setTimeout> | undefined = undefined;
  /** How often output was heard. */
  #heard = 0;
  /** How it ended, until that is told. */
  #ended: (() => void) | undefined = undefined;

  /**
   * @param program The texts that it runs, which come by stdin.
   * @param explain Why it could not be started, in words: of an error, or of its exit code.
   */
  constructor(
    child: Child,
    program: string,
    events: WorkerEvents,
    explain: (failure: unknown) => Error | undefined,
  ) {
    this.#child = child;
    this.#explain = explain;
    const gate = this.#gate = new EventGate(events);
    child.on("error", (error) => {
      gate.error(explain(error) ?? error);
      if (child.pid === undefined) gate.exit(); // it never was
    });
    child.on("exit", (exitCode, signal) => this.#exited(exitCode, signal));
    const secret = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const stream = child.stdio?.[3] as (ByteStream & Referenced) | undefined;
    const counter = child.stdio?.[4] as (ByteStream & Referenced) | undefined;
    this.pid = child.pid;
    if (!stream || !counter || !child.stdin || !child.stdout || !child.stderr) {
      // It could not be started, which an event tells; nothing is sent to what is not there.
      this.#channel = undefined;
      this.#streams = [];
      return;
    }
    const streams = [stream, counter, child.stdout, child.stderr];
    this.#streams = streams;
    child.stdin.on("error", () => {}); // it has ended already, and that is told
    child.stdin.end(`const FRAME_SECRET = ${secret};\n${program}`);

    this.#channel = new FrameChannel(stream, secret, {
      message: (data) => {
        this.#spoke = true;
        for (const output of outputs) output.passOn();
        gate.message(data);
      },
      messageError: () => gate.messageError(),
      broken: (reason) => this.#breach(`its channel is broken: ${reason}`),
      // Who has no channel has to end; that one is stopped who does not.
      close: () => {
        if (this.#exits) return;
        this.#killTimer = backgroundTimer(() => child.kill("SIGKILL"), CLOSE_WITHIN);
      },
    });
    const { process } = globalThis as unknown as { process: Record<"stdout" | "stderr", Sink> };
    const outputs = (["stdout", "stderr"] as const).map((name) =>
      new OutputPipe(child[name], process[name], () => this.#heard++)
    );
    const reader = this.#reader = new CounterReader(secret, {
      begins: () => this.#begun++,
      ended: (slot, number, value) => gate.ended(slot, number, value),
      broken: () => {
        // Nobody knows any more what has begun: so that nothing runs twice, all of it has.
        this.#begun = Infinity;
        this.#breach("its count of begun tasks is not its own");
      },
    });
    counter.on("data", (bytes) => {
      gate.heard();
      reader.receive(bytes);
    });
    counter.on("error", () => {}); // its end is told by `close`
    for (const one of streams) one.on("close", () => this.#closed());
    child.unref?.();
    this.#setStreamsReferenced(false);
  }

  /** What stands in its streams is not of the program that was started there. */
  #breach(what: string): void {
    this.#gate.error(new Error(`Process ${this.#child.pid} was stopped: ${what}`));
    this.#child.kill("SIGKILL");
  }

  /** An entry of the counter's stream for each task, written before the task begins. */
  get begun(): number {
    return this.#begun;
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    this.#channel?.send(message, transfer);
  }

  ref(): void {
    this.#referenced = true;
    if (this.pid === undefined) return; // in Deno it has nothing to be ref'd
    this.#child.ref?.();
    this.#setStreamsReferenced(true);
  }

  unref(): void {
    this.#referenced = false;
    if (this.pid === undefined) return;
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
    clock.setTimeout(() => {
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
    clock.clearTimeout(this.#killTimer);
    const reason = this.#spoke ? undefined : this.#explain(exitCode);
    if (reason !== undefined) this.#gate.error(reason);
    if (signal !== null && !this.#terminating) {
      this.#gate.error(new Error(`Process ${this.#child.pid} was ended by ${signal}`));
    }
    this.#ended = () => {
      this.#ended = undefined;
      clock.clearTimeout(timer);
      if (this.#reader?.isTorn) this.#begun = Infinity; // what was to be told is not known
      this.#gate.exit(exitCode ?? undefined, signal ?? undefined);
    };
    // A process that it started may hold its streams open.
    const timer = clock.setTimeout(this.#ended, CLOSE_WITHIN);
    if (this.#open === 0) this.#ended();
  }

  #closed(): void {
    this.#open--;
    if (this.#open === 0) this.#ended?.();
  }
}
