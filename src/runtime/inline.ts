import { encodeError } from "../wire/error_codec.ts";
import { DEFINE, SETUP, UnclonedError } from "../wire/messages.ts";
import { Program } from "../worker/program.ts";
import type { Capabilities, Runtime, WorkerEvents, WorkerHandle } from "./runtime.ts";

/** How long tasks may run, in milliseconds, before the thread's other work has its turn. */
const PAUSE_AFTER = 8;

const CAPABILITIES: Capabilities = {
  parallel: false,
  stopsBusyTasks: false,
  sharedMemory: false,
  sandbox: false,
};

/**
 * The runtime of `InlineExecutor`: its worker is the same program as every worker's, on the caller's
 * own thread. Messages are cloned as a channel would, but for functions, which are called as they are.
 */
export function inlineRuntime(host: Runtime, clone: boolean): Runtime {
  return {
    name: host.name,
    capabilities: CAPABILITIES,
    availableParallelism: () => 1,
    unsupported: () => undefined,
    timer: host.timer,
    spawn: (_options, events) => new InlineHandle(events, clone),
  };
}

class InlineHandle implements WorkerHandle {
  readonly #events: WorkerEvents;
  readonly #clone: boolean;
  readonly #program: Program;
  #ended = false;

  constructor(events: WorkerEvents, clone: boolean) {
    this.#events = events;
    this.#clone = clone;
    this.#program = new Program({
      post: (message, transfer) => this.#deliver(this.#copy(message, transfer)),
      named: undefined,
      exit: () => this.terminate(),
      encodeError: clone ? encodeError : (error) => new UnclonedError(error),
      compile: () => undefined, // never asked for: functions come as they are
      load: (url) => import(/* webpackIgnore: true */ /* @vite-ignore */ url),
      pause: {
        after: PAUSE_AFTER,
        wait: () => new Promise((resolve) => setTimeout(resolve, 0)),
      },
    });
    queueMicrotask(() => {
      if (!this.#ended) this.#program.start();
    });
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    const kind = (message as unknown[])[0];
    const own = kind === DEFINE || kind === SETUP ? message : this.#copy(message, transfer);
    queueMicrotask(() => {
      if (!this.#ended) this.#program.receive(own);
    });
  }

  // Nothing to hold: what a task waits for keeps the program alive, or nothing does.
  ref(): void {}
  unref(): void {}

  terminate(): void {
    if (this.#ended) return;
    this.#ended = true;
    queueMicrotask(() => this.#events.exit());
  }

  #deliver(message: unknown): void {
    queueMicrotask(() => {
      if (!this.#ended) this.#events.message(message);
    });
  }

  #copy(message: unknown, transfer: readonly Transferable[] | undefined): unknown {
    if (!this.#clone) return message;
    return structuredClone(
      message,
      transfer === undefined ? undefined : { transfer: [...transfer] },
    );
  }
}
