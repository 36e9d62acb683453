/**
 * Workers of the web's kind, as browsers, Bun and Deno have them.
 *
 * @module
 */

import { contain } from "./contain.ts";
import { EventGate } from "./event_gate.ts";
import type { WorkerEvents, WorkerHandle, WorkerOptions } from "./runtime.ts";

/** What is used of the global `Worker`; `ref` and `unref` are Bun's. */
export interface WebWorker {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  terminate(): void;
  addEventListener(
    type: string,
    listener: (event: never) => void,
    options?: { once?: boolean },
  ): void;
  ref?(): void;
  unref?(): void;
}

/** What differs between the runtimes that have such workers. */
export interface WebWorkerTraits {
  /** The runtime tells the end of a worker by a `close` event, as Bun does. */
  readonly tellsClose: boolean;
  /** What there is to say of a worker that is not loaded, where the runtime says nothing. */
  readonly notLoaded?: () => Error;
  /** Finds out about the end of a worker where the runtime does not tell it. */
  watch?(worker: WebWorker, ended: () => void): void;
  /** Keeps the program alive while the worker lives, or not. */
  setReferenced(worker: WebWorker, referenced: boolean): void;
}

/** Starts a worker from the program text, by a `blob:` URL. */
export function startWebWorker(
  { name, program }: Pick<WorkerOptions, "name" | "program">,
  more: Record<string, unknown>,
): WebWorker {
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const { Worker } = globalThis as unknown as {
    Worker: new (url: string, options: Record<string, unknown>) => WebWorker;
  };
  // It must live until the worker has loaded; its first event says that it has, or never will.
  const revoke = (): void => URL.revokeObjectURL(url);
  try {
    const worker = new Worker(url, { type: "module", name, ...more });
    for (const sign of ["message", "error", "close"]) {
      worker.addEventListener(sign, revoke, { once: true });
    }
    const { terminate } = worker;
    worker.terminate = () => { // before that it gives no sign any more
      revoke();
      terminate.call(worker);
    };
    return worker;
  } catch (error) {
    revoke();
    throw error;
  }
}

/** A worker of the web's kind as the engine holds it. */
export class WebHandle implements WorkerHandle {
  readonly #worker: WebWorker;
  readonly #gate: EventGate;
  readonly #traits: WebWorkerTraits;
  #lives = false;
  #terminating = false;

  constructor(worker: WebWorker, events: WorkerEvents, traits: WebWorkerTraits) {
    this.#worker = worker;
    this.#traits = traits;
    const gate = this.#gate = new EventGate(events);
    traits.watch?.(worker, () => gate.exit());
    worker.addEventListener("open", () => this.#loaded()); // Bun: its code begins to run
    worker.addEventListener("message", (event: { data: unknown }) => {
      if (!this.#lives) this.#loaded();
      gate.message(event.data);
    });
    worker.addEventListener("messageerror", () => gate.messageError());
    worker.addEventListener("error", (event: ErrorEvent) => {
      event.preventDefault?.(); // or Deno throws it in this program, and browsers print it
      gate.error(
        event.error ??
          (event.message || traits.notLoaded === undefined
            ? new Error(event.message)
            : traits.notLoaded()),
      );
      // Where nothing tells the end, a worker that throws outside of tasks is as good as ended.
      if (!traits.tellsClose) this.terminate();
    });
    worker.addEventListener("close", (event: { code?: number }) => {
      gate.exit(this.#terminating ? undefined : event.code);
    });
    this.unref();
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    try {
      if (transfer === undefined) this.#worker.postMessage(message);
      else this.#worker.postMessage(message, transfer);
    } catch (error) {
      if (!this.#isDead(error)) throw error;
    }
  }

  ref(): void {
    contain(() => this.#traits.setReferenced(this.#worker, true));
  }

  unref(): void {
    contain(() => this.#traits.setReferenced(this.#worker, false));
  }

  terminate(): void {
    if (this.#terminating) return;
    this.#terminating = true;
    // Bun 1.3 may crash if a worker is terminated while it loads (oven-sh/bun#41022).
    if (this.#lives || !this.#traits.tellsClose) this.#stop();
    if (!this.#traits.tellsClose) return this.#gate.exit();
    this.#gate.exitSoon(() => {
      this.#stop();
      this.unref();
    });
  }

  /** A worker of a user's own making may throw at that: then its end is told all the same. */
  #stop(): void {
    try {
      this.#worker.terminate();
    } catch (error) {
      this.#gate.error(error);
    }
  }

  #loaded(): void {
    this.#lives = true;
    if (this.#terminating) this.#stop();
  }

  /** Whether a message could not be posted because of the worker's death, as in Bun 1.3: that is told by its end. */
  #isDead(error: unknown): boolean {
    if ((error as { name?: unknown } | null | undefined)?.name !== "InvalidStateError") {
      return false;
    }
    try {
      this.#worker.postMessage(undefined); // it may have been an error of a getter
      return false;
    } catch {
      return true;
    }
  }
}
