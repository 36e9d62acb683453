import { clock } from "../futures/clock.ts";
import { encodeError } from "../wire/error_codec.ts";
import { CHILD_TASK, DEFINE, FORGET, KINDS, SETUP, UnclonedError } from "../wire/messages.ts";
import { checkDepth } from "../wire/value_depth.ts";
import { loadModule } from "../worker/load_module.ts";
import { Program } from "../worker/program.ts";
import type { Pause } from "../worker/program_host.ts";
import { runInContext } from "./async_context.ts";
import type { Capabilities, Runtime, WorkerEvents, WorkerHandle } from "./runtime.ts";

/** How long tasks may run, in milliseconds, before the thread's other work has its turn. */
const TURN_MILLISECONDS = 8;

/** Tasks of the first turn where the clock stands still: how many fill one is learned. */
const FIRST_TURN = 16;

const CAPABILITIES: Capabilities = {
  parallel: false,
  stopsBusyTasks: false,
  get sharedMemory() {
    return clonesSharedMemory();
  },
  sandbox: false,
};

/**
 * Whether a clone of a `SharedArrayBuffer` is of the same memory: some pages and edge runtimes have none,
 * and `structuredClone` of WebKit copies it.
 */
function clonesSharedMemory(): boolean {
  try {
    const memory = new Uint8Array(new SharedArrayBuffer(1));
    const clone = structuredClone(memory);
    memory[0] = 1;
    return clone[0] === 1;
  } catch {
    return false;
  }
}

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
  readonly passesObjects: boolean;
  readonly #events: WorkerEvents;
  readonly #clone: boolean;
  readonly #program: Program;
  readonly #turn = new Turn();
  #ended = false;

  constructor(events: WorkerEvents, clone: boolean) {
    this.#events = events;
    this.#clone = clone;
    this.passesObjects = !clone;
    this.#program = new Program({
      post: (message, transfer) => {
        const isFunction = (message as number[])[0] === CHILD_TASK;
        this.#deliver(isFunction ? message : this.#copy(message, transfer));
      },
      passesFunctions: true,
      named: undefined,
      exit: () => this.terminate(),
      encodeError: clone ? encodeError : (error) => new UnclonedError(error),
      compile: () => undefined, // never asked for: functions come as they are
      load: (address) => loadModule((url) => import(url), address),
      counter: undefined,
      pause: this.#turn,
      runIn: (slot, callback) => runInContext(events.contextOf?.(slot), callback),
    });
    clock.queueMicrotask(() => {
      if (!this.#ended) this.#program.start();
    });
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    const kind = (message as number[])[0]! % KINDS;
    const own = kind === DEFINE || kind === SETUP || kind === FORGET
      ? message
      : this.#copy(message, transfer);
    clock.queueMicrotask(() => {
      if (!this.#ended) this.#program.receive(own);
    });
  }

  // Nothing to hold: what a task waits for keeps the program alive, or nothing does.
  ref(): void {}

  unref(): void {
    this.#turn.end();
  }

  terminate(): void {
    if (this.#ended) return;
    this.#ended = true;
    clock.queueMicrotask(() => this.#events.exit());
  }

  #deliver(message: unknown): void {
    clock.queueMicrotask(() => {
      if (!this.#ended) this.#events.message(message);
    });
  }

  #copy(message: unknown, transfer: readonly Transferable[] | undefined): unknown {
    if (!this.#clone) return message;
    checkDepth(message);
    return structuredClone(
      message,
      transfer === undefined ? undefined : { transfer: [...transfer] },
    );
  }
}

/**
 * Ends a turn of tasks after some milliseconds. Cloudflare's clock stands still while code runs, and
 * is right after a pause: there tasks are counted, and how many fill a turn is learned.
 */
class Turn implements Pause {
  readonly after = Infinity;
  /** When it began; -1 between turns. */
  #since = -1;
  #tasks = 0;
  #most = FIRST_TURN;

  isDue(): boolean {
    const now = clock.now();
    if (this.#since < 0) this.#since = now;
    if (now !== this.#since) return now - this.#since >= TURN_MILLISECONDS;
    return ++this.#tasks > this.#most;
  }

  wait(goOn: () => void): void {
    clock.setTimeout(() => {
      const elapsed = clock.now() - this.#since;
      if (this.#tasks > this.#most) {
        this.#most = elapsed < TURN_MILLISECONDS ? 2 * this.#most : Math.ceil(this.#most / 2);
      }
      this.end();
      goOn();
    }, 0);
  }

  /** What comes next begins a new turn. */
  end(): void {
    this.#since = -1;
    this.#tasks = 0;
  }
}
