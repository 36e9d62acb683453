/**
 * Workers of `node:worker_threads`, as Node and Deno have them.
 *
 * @module
 */

import { PROGRAM_URL } from "../wire/program_text.ts";
import { contain } from "./contain.ts";
import { EventGate } from "./event_gate.ts";
import type { WorkerEvents, WorkerHandle, WorkerOptions } from "./runtime.ts";

/** What is used of `node:worker_threads`' `Worker`. */
export interface ThreadWorker {
  on(event: "message" | "error" | "messageerror", listener: (value: unknown) => void): void;
  on(event: "exit", listener: (exitCode: number) => void): void;
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  ref(): void;
  unref(): void;
  terminate(): unknown;
}

/** What is used of `node:worker_threads`. */
export interface ThreadModule {
  Worker: new (url: URL, options: Record<string, unknown>) => ThreadWorker;
}

/** What is used of the global `process`. */
export interface ProcessLike {
  getBuiltinModule?(name: string): unknown;
  readonly versions?: {
    readonly bun?: string | undefined;
    readonly node?: string | undefined;
  };
  readonly permission?: { has(scope: string, reference?: string): boolean };
}

/** A built-in module, without an import that a bundler or a permission could stumble over. */
export function builtin<T>(name: string): T | undefined {
  const { process } = globalThis as { process?: ProcessLike };
  return process?.getBuiltinModule?.(`node:${name}`) as T | undefined;
}

/** That of Node, whose timers can be unref'd, as it was before a test runner could replace it. */
const setNodeTimeout: typeof setTimeout =
  builtin<{ setTimeout: typeof setTimeout }>("timers")?.setTimeout ?? globalThis.setTimeout;

/** `setTimeout` that does not keep the program alive. */
export function backgroundTimer(
  callback: () => void,
  milliseconds: number,
): ReturnType<typeof setTimeout> {
  const timer = setNodeTimeout(callback, milliseconds);
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/**
 * What a worker starts from: a `data:` URL, which needs no file, and in Deno no permission. The program
 * comes beside it, since to decode and to look up a URL of that length takes longer than to read the
 * program. What it evaluates imports modules as the URL would. Where nothing may be made of text
 * (`--disallow-code-generation-from-strings`), it is a module after all.
 */
const START = `{
const threads = process.getBuiltinModule("node:worker_threads");
const program = threads.workerData;
threads.workerData = null;
try {
  (0, eval)(program);
} catch (error) {
  if (!(error instanceof EvalError)) throw error;
  const module = "${PROGRAM_URL}" + encodeURIComponent(program).replaceAll("'", "%27");
  import(module);
}
}`;

/** Starts a worker from the program text. */
export function startThread(options: WorkerOptions): ThreadWorker {
  const threads = builtin<ThreadModule>("worker_threads")!;
  const { name, program, env, resourceLimits } = options;
  // Without quotes: `withoutProgram` takes them for the URL's end.
  const start = encodeURIComponent(START).replaceAll("'", "%27");
  return new threads.Worker(new URL(PROGRAM_URL + start), {
    name,
    workerData: program,
    ...(env === undefined ? {} : { env }),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  });
}

/** A worker of `node:worker_threads` as the engine holds it. */
export class ThreadHandle implements WorkerHandle {
  readonly #worker: ThreadWorker;
  readonly #gate: EventGate;
  readonly #envelope: (message: unknown) => unknown;

  /** @param envelope What a message is put into that transfers nothing, or buffers alone. */
  constructor(
    worker: ThreadWorker,
    events: WorkerEvents,
    envelope: (message: unknown) => unknown = (message) => message,
  ) {
    this.#worker = worker;
    this.#envelope = envelope;
    const gate = this.#gate = new EventGate(events);
    worker.on("message", (data) => gate.message(data));
    worker.on("messageerror", () => gate.messageError());
    worker.on("error", (error) => gate.error(error));
    worker.on("exit", (exitCode) => gate.exit(exitCode));
    // After the listeners: in Node, adding one for messages refs the worker again.
    this.unref();
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    const plain = transfer === undefined || transfer.every((one) => one instanceof ArrayBuffer);
    this.#worker.postMessage(plain ? this.#envelope(message) : message, transfer);
  }

  ref(): void {
    contain(() => this.#worker.ref());
  }

  unref(): void {
    contain(() => this.#worker.unref());
  }

  terminate(): void {
    // The exit event tells how it went, the promise tells nothing more. One of a user's own making may
    // give none, or throw: then its end is told when it has not come in time.
    try {
      Promise.resolve(this.#worker.terminate()).catch(() => {});
    } catch (error) {
      this.#gate.error(error);
    }
    this.#gate.exitSoon(() => this.unref());
  }
}
