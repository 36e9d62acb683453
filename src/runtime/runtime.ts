/**
 * The port between the library and a JavaScript runtime: what the engine asks of
 * whoever can start workers. One adapter per runtime implements it; tests implement
 * it with a fake; people may bring their own.
 *
 * @module
 */

/** What a runtime's workers can and cannot do. Tests and users read it; nothing is faked. */
export interface Capabilities {
  /** Tasks run on other cores, beside the caller. */
  readonly parallel: boolean;
  /** A task in a busy loop can be stopped without ending the program. */
  readonly stopsBusyTasks: boolean;
  /** Caller and workers can share memory (`SharedArrayBuffer`). */
  readonly sharedMemory: boolean;
  /** Workers can be given fewer permissions than the program has. */
  readonly sandbox: boolean;
}

/**
 * What a worker tells its owner. The handle calls each in the order things happened;
 * `exit` comes last, exactly once, after the last message that the worker had sent.
 */
export interface WorkerEvents {
  /** A message from the worker's program. */
  message(data: unknown): void;
  /** The worker threw outside of a task, or could not start. An `exit` follows. */
  error(error: unknown): void;
  /** A message could not be read on this side. The worker is not to be trusted any more. */
  messageError(): void;
  /**
   * A worker that counts what it begins tells that a task has ended, before it begins another. A message
   * tells the same, but maybe later.
   *
   * @param number The how manieth it was of those that were sent.
   * @param told Gives what it returned, unless only the message tells that.
   */
  ended?(slot: number, number: number, told: (() => EndedTask) | undefined): void;
  /** In which async context a worker on the caller's own thread runs the task in a slot. */
  contextOf?(slot: number): AsyncContext | undefined;
  /** The worker is gone. `exitCode` where the runtime tells one, `signal` if a signal ended a process. */
  exit(exitCode?: number, signal?: string): void;
}

/** What a worker is started with. */
export interface WorkerOptions {
  /** The worker's name, `<threadNamePrefix>_<index>`. */
  readonly name: string;
  /** The self-contained program text that every worker starts from: a script, that is a module as well. */
  readonly program: string;
  /** The user's own worker, made with `serve()`, instead of `program`. */
  readonly factory?: (() => unknown) | undefined;
  /**
   * Environment variables (Node, Deno).
   *
   * @default {the program's own}
   */
  readonly env?: Record<string, string> | undefined;
  /** Memory limits of the worker (Node, Deno). */
  readonly resourceLimits?: WorkerResourceLimits | undefined;
  /**
   * What the worker may do (Deno).
   *
   * @default {"inherit"}
   */
  readonly permissions?: WorkerPermissions | undefined;
}

/** Memory limits of one worker, in mebibytes, as Node's `resourceLimits`. */
export interface WorkerResourceLimits {
  /** Size of the main heap. */
  maxOldGenerationSizeMb?: number | undefined;
  /** Size of the heap for young objects. */
  maxYoungGenerationSizeMb?: number | undefined;
  /** Size of the memory for generated code. */
  codeRangeSizeMb?: number | undefined;
  /** Size of the stack. */
  stackSizeMb?: number | undefined;
}

/** `Deno.PermissionOptions`, spelled out so that the library needs no types of Deno. */
export type WorkerPermissions =
  | "none"
  | "inherit"
  | {
    env?: "inherit" | boolean | string[] | undefined;
    ffi?: "inherit" | boolean | (string | URL)[] | undefined;
    import?: "inherit" | boolean | string[] | undefined;
    net?: "inherit" | boolean | string[] | undefined;
    read?: "inherit" | boolean | (string | URL)[] | undefined;
    run?: "inherit" | boolean | (string | URL)[] | undefined;
    sys?: "inherit" | boolean | string[] | undefined;
    write?: "inherit" | boolean | (string | URL)[] | undefined;
  };

/** An async context that was captured, as Node's `AsyncResource`. */
export interface AsyncContext {
  /** Calls a function in it. */
  runInAsyncScope<R>(fn: () => R): R;
}

/** A task that has ended, of which its worker has sent no message yet. */
export interface EndedTask {
  /** What it returned. */
  readonly value: unknown;
  /** When it began and how many milliseconds it ran, by its worker's clock, if it was to be timed. */
  readonly time?: { readonly startedAt: number; readonly ran: number } | undefined;
}

/** One started worker, as its owner holds it. */
export interface WorkerHandle {
  /**
   * Sends a message. Throws what the runtime throws (`DataCloneError`, `TypeError`, an
   * error of a getter) when the message cannot be cloned; then nothing was sent. The program gets
   * the message as it is, or in a map, at 0, where that is faster.
   */
  post(message: unknown, transfer?: readonly Transferable[]): void;
  /**
   * Throws if `post` would throw for a value.
   *
   * @default {structuredClone}
   */
  readonly check?: ((value: unknown) => void) | undefined;
  /** Whether objects arrive as they are, not as clones. */
  readonly passesObjects?: boolean;
  /**
   * How many of the tasks that were sent to it the worker has begun, in the order in which they were
   * sent; complete when `exit` is told. Only where workers count them, for `Runtime.claims`.
   */
  readonly begun?: number | undefined;
  /** The number of the process, where a worker is one. */
  readonly pid?: number | undefined;
  /** Keeps the program alive while this worker works. Called only on the edge idle -> busy. */
  ref(): void;
  /** Lets the program end although this worker lives. Called only on the edge busy -> idle. */
  unref(): void;
  /** Stops the worker, busy or not. `WorkerEvents.exit` follows, also where the thread cannot be stopped. */
  terminate(): void;
}

/** Who may run what was sent to one worker, and what is known of it without a message. */
export interface TaskClaims {
  /** Whether tasks may be sent ahead: it can always be told which of them have begun. */
  readonly sendsAhead: boolean;
  /** Whether the worker is to be asked for what it has not begun: the owner alone cannot take it back. */
  readonly asksBack: boolean;
  /** How many of the tasks that the worker has are taken to run although nothing says so. */
  readonly presumed: number;
  /** How many messages the worker has sent, as it says; 0 where it cannot. */
  readonly messages: number;

  /** A task gets the slot, and is about to be sent. */
  open(slot: number): void;
  /** Tasks were sent, in this order. */
  posted(items: readonly { readonly slot: number }[]): void;
  /** A message was posted: the worker may wait for it with nothing else than its thread. */
  ring?(): void;
  /** The task has left its slot. */
  close(slot: number): void;
  /** Takes a task back that was sent ahead. True if its worker has not begun it, and now never will. */
  revoke(slot: number): boolean;

  /** The how manieth the task was of those that were sent, where they are counted; else 0. */
  numberOf(slot: number): number;
  /** Whether what the worker says of the task may be true: false if it is certain that it has not begun. */
  mayHaveBegun(slot: number): boolean;
  /** Whether the worker has begun the task, as far as is known; it may have ended. Where nothing is known, true. */
  hasBegun(slot: number): boolean;
  /** Whether the worker executes the task, as far as is known; where nothing is, whether it was sent. */
  isRunning(slot: number): boolean;
  /** Whether the worker is known to have ended the task. */
  hasEnded(slot: number): boolean;
  /** What the task returned, if it has ended and that can be seen. */
  outcome(slot: number): EndedTask | undefined;
  /**
   * The worker tells beside its messages that the task with this number has ended.
   *
   * @param told Gives what it returned, unless only the message tells that.
   */
  ended(slot: number, number: number, told: (() => EndedTask) | undefined): void;
}

/** A runtime that can start workers. */
export interface Runtime {
  /** The runtime's name, as in error messages: "Deno", "Bun", "Node.js". */
  readonly name: string;
  /** What its workers can do. */
  readonly capabilities: Capabilities;
  /** What workers with these options can do, where that is something else. */
  capabilitiesOf?(options: Omit<WorkerOptions, "name" | "program">): Capabilities;
  /**
   * Whether a worker is told how much memory it has, for `maxWorkerMemory`.
   *
   * @default {false}
   */
  readonly measuresMemory?: boolean;
  /**
   * Makes the claims of one worker, where they are neither in shared memory nor exclusive.
   *
   * @param slots How many tasks it can have.
   * @param places How many it runs at once.
   * @param begun Tells how many tasks it has begun: `WorkerHandle.begun`.
   * @default {a table, where memory is shared; else what was sent counts as running}
   */
  claims?(slots: number, places: number, begun: () => number): TaskClaims;
  /** How many workers make sense here, at least 1. */
  availableParallelism(): number;
  /**
   * What speaks against starting workers with these options here, or `undefined`.
   * The executor's constructor throws it, so that an option is never ignored.
   */
  unsupported(options: Omit<WorkerOptions, "name" | "program">): Error | undefined;
  /** `setTimeout` that does not keep the program alive; `clearTimeout` stops it. */
  timer(callback: () => void, milliseconds: number): ReturnType<typeof setTimeout>;
  /**
   * Where one program serves several requests that may share nothing: a function that tells whether it
   * is called for the same request as this one.
   *
   * @default {there are no requests}
   */
  requestMark?(): () => boolean;
  /** Starts a worker. It is unref'd until `ref()` is called. May throw. */
  spawn(options: WorkerOptions, events: WorkerEvents): WorkerHandle;
}

/** What a `TracingChannel` is told of a task: one object, which is filled when the task is settled. */
export interface TaskTrace {
  readonly executor: string;
  readonly id: number;
  readonly name: string;
  worker?: string | undefined;
  waited?: number;
  ran?: number;
  outcome?: string;
  error?: unknown;
  /** The engine that a distributed executor hands the task to, as `Transport.name`, and its id there. */
  readonly engine?: string | undefined;
  readonly messageId?: string | undefined;
  /** What travels with the task, to be its `traceContext`; to be set when it is submitted, or sent. */
  carrier?: Readonly<Record<string, string>> | undefined;
  /** For a chunk of a `map`: what each tool's `capture` gave when the `map` was called. */
  readonly parent?: ReadonlyMap<TaskChannel, unknown> | undefined;
}

/** A tool that is told of tasks; the channel by which tools listen to those of all executors is one. */
export interface TaskChannel {
  /** Whether anybody listens. */
  readonly hasSubscribers: boolean;
  /** A task is submitted by a callback, which runs in the stores that are bound to the channel. */
  submit<R>(context: TaskTrace, callback: () => R): R;
  /** The moment of a `map`, for its chunks, which are submitted later. */
  capture?(): unknown;
  /** A task is about to be sent. */
  sending?(context: TaskTrace): void;
  /** A task is settled; `context` has its outcome. */
  settled(context: TaskTrace): void;
}
