import { BrokenExecutorError } from "../futures/errors.ts";

/** Not enumerable and not an own property, as the names of the built-in errors. */
function setName(errorClass: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(errorClass.prototype, "name", {
    value: name,
    configurable: true,
    writable: true,
  });
}

/**
 * No worker that took the task knows it: its module or export is not there, or is not allowed. It has not run.
 *
 * Python's pickle has an `AttributeError` here.
 *
 * @example Usage
 * ```ts
 * import { UnknownTaskError } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new UnknownTaskError("…").code, "ERR_UNKNOWN_TASK");
 * ```
 */
export class UnknownTaskError extends Error {
  static {
    setName(this, "UnknownTaskError");
  }

  /** `"ERR_UNKNOWN_TASK"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_UNKNOWN_TASK";
}

/**
 * The workers of this task were lost, one after the other, `maxRedeliveries` times. The task may have run.
 *
 * In Python a lost worker is a `BrokenProcessPool`, and breaks the whole pool; here it is this future's alone.
 *
 * @example Usage
 * ```ts
 * import { BrokenExecutorError } from "@concurrent/futures";
 * import { WorkerLostError } from "@concurrent/futures/remote";
 * import { assert } from "@std/assert";
 *
 * assert(new WorkerLostError("…") instanceof BrokenExecutorError);
 * ```
 */
export class WorkerLostError extends BrokenExecutorError {
  static {
    setName(this, "WorkerLostError");
  }

  /** `"ERR_WORKER_LOST"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  override readonly code: string = "ERR_WORKER_LOST";
}

/**
 * The task waited in the queue for longer than its `expires`. This time it has not run.
 *
 * @example Usage
 * ```ts
 * import { ExpiredError } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new ExpiredError("…").code, "ERR_EXPIRED");
 * ```
 */
export class ExpiredError extends Error {
  static {
    setName(this, "ExpiredError");
  }

  /** `"ERR_EXPIRED"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_EXPIRED";
}

/**
 * The engine knows nothing of the task any more: it lost it, or its outcome is older than `resultTtl`. It may have run.
 *
 * @example Usage
 * ```ts
 * import { ResultLostError } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new ResultLostError("…").code, "ERR_RESULT_LOST");
 * ```
 */
export class ResultLostError extends Error {
  static {
    setName(this, "ResultLostError");
  }

  /** `"ERR_RESULT_LOST"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_RESULT_LOST";
}

/**
 * The engine had no room for the task, which has not run. Submit it again when others are done.
 *
 * Python's nearest is `queue.Full`.
 *
 * @example Usage
 * ```ts
 * import { EngineFullError } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new EngineFullError("…").code, "ERR_ENGINE_FULL");
 * ```
 */
export class EngineFullError extends Error {
  static {
    setName(this, "EngineFullError");
  }

  /** `"ERR_ENGINE_FULL"`, to tell it by: an own property, so that it survives every clone and `JSON`. */
  readonly code: string = "ERR_ENGINE_FULL";
}
