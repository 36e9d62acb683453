/**
 * Workers of the web's kind, as browsers, Bun and Deno have them.
 *
 * @module
 */

import type { WorkerEvents, WorkerHandle, WorkerOptions } from "./runtime.ts";

/** What is used of the global `Worker`; `ref` and `unref` are Bun's. */
export interface WebWorker {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  terminate(): void;
  addEventListener(type: string, listener: (event: never) => void): void;
  ref?(): void;
  unref?(): void;
}

/** What differs between the runtimes that have such workers. */
export interface WebWorkerTraits {
  /** The runtime tells the end of a worker by a `close` event. */
  readonly tellsClose: boolean;
  /** A worker must not be terminated before it said something. */
  readonly terminateAfterReady: boolean;
  /** Keeps the program alive while the worker lives, or not. */
  setReferenced(worker: WebWorker, referenced: boolean): void;
}

/** Starts a worker from the program text, by a `blob:` URL. */
export function startWebWorker(options: WorkerOptions, more: Record<string, unknown>): WebWorker {
  const url = URL.createObjectURL(new Blob([options.program], { type: "text/javascript" }));
  const { Worker } = globalThis as unknown as {
    Worker: new (url: string, options: Record<string, unknown>) => WebWorker;
  };
  const worker = new Worker(url, { type: "module", name: options.name, ...more });
  // It must live until the worker has loaded; its first event says that it has, or never will.
  const revoke = (): void => URL.revokeObjectURL(url);
  worker.addEventListener("message", once(revoke));
  worker.addEventListener("error", once(revoke));
  return worker;
}

/** A worker of the web's kind as the engine holds it. */
export class WebHandle implements WorkerHandle {
  readonly #worker: WebWorker;
  readonly #events: WorkerEvents;
  readonly #traits: WebWorkerTraits;
  #heard = false;
  #terminating = false;
  #exited = false;

  constructor(worker: WebWorker, events: WorkerEvents, traits: WebWorkerTraits) {
    this.#worker = worker;
    this.#events = events;
    this.#traits = traits;
    worker.addEventListener("message", (event: { data: unknown }) => {
      this.#heard = true;
      if (this.#exited) return;
      events.message(event.data);
      if (this.#terminating && traits.terminateAfterReady) worker.terminate();
    });
    worker.addEventListener("messageerror", () => events.messageError());
    worker.addEventListener("error", (event: ErrorEvent) => {
      event.preventDefault?.(); // or Deno throws it in this program, and browsers print it
      events.error(event.error ?? new Error(event.message ?? "worker could not be started"));
      // Where nothing tells the end, a worker that throws outside of tasks is as good as ended.
      if (!traits.tellsClose) this.terminate();
    });
    worker.addEventListener("close", (event: { code?: number }) => {
      this.exited(this.#terminating ? undefined : event.code);
    });
    traits.setReferenced(worker, false);
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    if (this.#exited) return;
    try {
      this.#worker.postMessage(message, transfer ?? []);
    } catch (error) {
      // Bun throws for a worker that has died: its close event settles that.
      if ((error as { name?: unknown } | undefined)?.name !== "InvalidStateError") throw error;
    }
  }

  ref(): void {
    this.#traits.setReferenced(this.#worker, true);
  }

  unref(): void {
    this.#traits.setReferenced(this.#worker, false);
  }

  terminate(): void {
    if (this.#terminating) return;
    this.#terminating = true;
    if (this.#heard || !this.#traits.terminateAfterReady) this.#worker.terminate();
    if (!this.#traits.tellsClose) setTimeout(() => this.exited(undefined), 0);
  }

  /** Tells the end, once. */
  exited(exitCode: number | undefined): void {
    if (this.#exited) return;
    this.#exited = true;
    setTimeout(() => this.#events.exit(exitCode), 0);
  }
}

function once(callback: () => void): () => void {
  let called = false;
  return () => {
    if (!called) callback();
    called = true;
  };
}
