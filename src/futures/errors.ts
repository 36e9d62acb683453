import { defineProperty } from "./originals.ts";

/** Not enumerable and not an own property, as the names of the built-in errors. */
function setName(errorClass: { readonly prototype: Error }, name: string): void {
  defineProperty(errorClass.prototype, "name", {
    value: name,
    configurable: true,
    writable: true,
  });
}

/**
 * A future was cancelled before its task began; its `result()` rejects with this.
 *
 * Mirrors Python's `concurrent.futures.CancelledError`.
 *
 * @example Usage
 * ```ts
 * import { CancelledError, FutureSource } from "@concurrent/futures";
 * import { assertRejects } from "@std/assert";
 *
 * const { future } = new FutureSource();
 * future.cancel();
 * await assertRejects(() => future.result(), CancelledError);
 * ```
 */
export class CancelledError extends Error {
  static {
    setName(this, "CancelledError");
  }

  /** `"ERR_CANCELLED"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_CANCELLED";

  /** An error with a default message. */
  constructor(message = "Future was cancelled", options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * A wait was longer than its `timeout`, or a task ran longer than its own.
 *
 * Mirrors Python's `TimeoutError`. A `TimeoutError` that a task threw itself is no instance of this
 * class: this one is made here, on the caller's side.
 *
 * @example Usage
 * ```ts
 * import { FutureSource, TimeoutError } from "@concurrent/futures";
 * import { assertRejects } from "@std/assert";
 *
 * const { future } = new FutureSource();
 * await assertRejects(() => future.result({ timeout: 1 }), TimeoutError);
 * ```
 */
export class TimeoutError extends Error {
  static {
    setName(this, "TimeoutError");
  }

  /** `"ERR_TIMEOUT"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_TIMEOUT";
}

/**
 * A call that this state does not allow: a result for a future that is done.
 *
 * Mirrors Python's `concurrent.futures.InvalidStateError`.
 *
 * @example Usage
 * ```ts
 * import { FutureSource, InvalidStateError } from "@concurrent/futures";
 * import { assertThrows } from "@std/assert";
 *
 * const source = new FutureSource<number>();
 * source.setResult(1);
 * assertThrows(() => source.setResult(2), InvalidStateError);
 * ```
 */
export class InvalidStateError extends Error {
  static {
    setName(this, "InvalidStateError");
  }

  /** `"ERR_INVALID_STATE"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_INVALID_STATE";
}

/**
 * A task was submitted to an executor that is shut down.
 *
 * Python throws `RuntimeError("cannot schedule new futures after shutdown")`.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor, ShutdownError } from "@concurrent/futures";
 * import { assertThrows } from "@std/assert";
 *
 * const executor = new InlineExecutor();
 * await executor.shutdown();
 * assertThrows(() => executor.submit(() => 1), ShutdownError);
 * ```
 */
export class ShutdownError extends Error {
  static {
    setName(this, "ShutdownError");
  }

  /** `"ERR_SHUTDOWN"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_SHUTDOWN";
}

/**
 * A task was submitted to an executor that has `maxPending` tasks pending.
 *
 * Python's executors have no such limit; its `queue.Queue` throws `queue.Full`.
 *
 * @example Usage
 * ```ts
 * import { QueueFullError, ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertThrows } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor({ maxWorkers: 1, maxPending: 1 });
 * executor.submit(() => 1);
 * assertThrows(() => executor.submit(() => 2), QueueFullError);
 * ```
 */
export class QueueFullError extends Error {
  static {
    setName(this, "QueueFullError");
  }

  /** `"ERR_QUEUE_FULL"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_QUEUE_FULL";
}

/**
 * An argument or a result cannot be cloned; `cause` says why.
 *
 * Python's counterpart is `PicklingError`.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor, SerializationError } from "@concurrent/futures";
 * import { assertRejects } from "@std/assert";
 *
 * await using executor = new InlineExecutor();
 * const future = executor.submit((x: unknown) => typeof x, () => "a function");
 * await assertRejects(() => future.result(), SerializationError);
 * ```
 */
export class SerializationError extends Error {
  static {
    setName(this, "SerializationError");
  }

  /** `"ERR_SERIALIZATION"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_SERIALIZATION";
}

/**
 * This runtime cannot do what was asked.
 *
 * Python's counterpart is `NotImplementedError`.
 *
 * @example Usage
 * ```ts
 * import { UnsupportedError } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new UnsupportedError("Cannot start workers here").name, "UnsupportedError");
 * ```
 */
export class UnsupportedError extends Error {
  static {
    setName(this, "UnsupportedError");
  }

  /** `"ERR_UNSUPPORTED"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_UNSUPPORTED";
}

/**
 * An executor cannot be used any more, or was ended while this task ran.
 *
 * Mirrors Python's `concurrent.futures.BrokenExecutor`.
 *
 * @example Usage
 * ```ts
 * import { BrokenExecutorError, ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertRejects } from "@std/assert";
 *
 * const executor = new ThreadPoolExecutor({ initializer: () => { throw new Error("no") } });
 * await assertRejects(() => executor.submit(() => 1).result(), BrokenExecutorError);
 * await executor.shutdown();
 * ```
 */
export class BrokenExecutorError extends Error {
  static {
    setName(this, "BrokenExecutorError");
  }

  /** `"ERR_BROKEN_EXECUTOR"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_BROKEN_EXECUTOR";
}

/**
 * A thread pool cannot be used any more; `cause` says why.
 *
 * Mirrors Python's `concurrent.futures.thread.BrokenThreadPool`.
 *
 * @example Usage
 * ```ts
 * import { BrokenExecutorError, BrokenThreadPoolError } from "@concurrent/futures";
 * import { assert } from "@std/assert";
 *
 * assert(new BrokenThreadPoolError("…") instanceof BrokenExecutorError);
 * ```
 */
export class BrokenThreadPoolError extends BrokenExecutorError {
  static {
    setName(this, "BrokenThreadPoolError");
  }

  /** `"ERR_BROKEN_THREAD_POOL"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  override readonly code: string = "ERR_BROKEN_THREAD_POOL";
}

/**
 * A process pool cannot be used any more; `cause` says why.
 *
 * Mirrors Python's `concurrent.futures.process.BrokenProcessPool`.
 *
 * @example Usage
 * ```ts
 * import { BrokenExecutorError, BrokenProcessPoolError } from "@concurrent/futures";
 * import { assert } from "@std/assert";
 *
 * assert(new BrokenProcessPoolError("…") instanceof BrokenExecutorError);
 * ```
 */
export class BrokenProcessPoolError extends BrokenExecutorError {
  static {
    setName(this, "BrokenProcessPoolError");
  }

  /** `"ERR_BROKEN_PROCESS_POOL"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  override readonly code: string = "ERR_BROKEN_PROCESS_POOL";
}

/** Options of {@linkcode WorkerCrashError}. */
export interface WorkerCrashErrorOptions extends ErrorOptions {
  /**
   * The exit code of the worker.
   *
   * @default {undefined}
   */
  exitCode?: number | undefined;
  /**
   * The signal that ended it, if it was a process.
   *
   * @default {undefined}
   */
  signal?: string | undefined;
  /**
   * The number of the process, if it was one.
   *
   * @default {undefined}
   */
  pid?: number | undefined;
}

/**
 * The worker that ran this task died; `exitCode`, `signal` and `cause` say of what, where the runtime tells.
 *
 * In Python a dead worker breaks the whole pool (`BrokenProcessPool`), or hangs it (`Pool`). Here only
 * the tasks that it was running fail.
 *
 * @example Usage
 * ```ts
 * import { ThreadPoolExecutor, WorkerCrashError } from "@concurrent/futures";
 * import { assertRejects } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor(1);
 * const future = executor.submit(() => {
 *   setTimeout(() => { throw new Error("outside of the task"); });
 *   return new Promise(() => {});
 * });
 * await assertRejects(() => future.result(), WorkerCrashError);
 * ```
 */
export class WorkerCrashError extends BrokenExecutorError {
  static {
    setName(this, "WorkerCrashError");
  }

  /** `"ERR_WORKER_CRASH"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  override readonly code: string = "ERR_WORKER_CRASH";
  /** The exit code of the worker, if it is known. */
  readonly exitCode: number | undefined;
  /** The signal that ended the worker, if it was a process: `"SIGKILL"`. */
  readonly signal: string | undefined;
  /** The number of the process, if the worker was one: as in the system's logs. */
  readonly pid: number | undefined;

  /** An error that carries how a worker ended. */
  constructor(message?: string, options?: WorkerCrashErrorOptions) {
    super(message, options);
    this.exitCode = options?.exitCode;
    this.signal = options?.signal;
    this.pid = options?.pid;
  }
}
