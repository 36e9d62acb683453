import { InvalidStateError } from "./errors.ts";
import { makeFuture, setRunning, settle, stateOf } from "./future.ts";
import type { Future } from "./future.ts";
import { CANCELLED, FAILED, PENDING, RUNNING, SUCCEEDED } from "./future_state.ts";

/** Cancelled futures whose producer was told. */
const notified = new WeakSet<Future<unknown>>();

/**
 * The producer's side of a {@linkcode Future}: for those who write executors, and for tests.
 *
 * In Python these methods are on the future itself, where anybody can settle what an executor owns.
 *
 * @typeParam T What the future gives.
 *
 * @example Usage
 * ```ts
 * import { FutureSource } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const source = new FutureSource<string>();
 * if (source.setRunningOrNotifyCancel()) source.setResult("done");
 * assertEquals(await source.future.result(), "done");
 * ```
 */
export class FutureSource<T> {
  /** The consumer's side. */
  readonly future: Future<T> = makeFuture<T>(this);

  /**
   * Says that the task begins, unless it was cancelled.
   *
   * @returns True if it shall run, false if it was cancelled.
   * @throws {InvalidStateError} If it was called before, or the future is finished.
   */
  setRunningOrNotifyCancel(): boolean {
    const future = this.future as Future<unknown>;
    if (future.cancelled() && !notified.has(future)) {
      notified.add(future);
      return false;
    }
    if (!setRunning(future)) {
      throw new InvalidStateError(`Cannot start the task: its future is ${future.state}`);
    }
    return true;
  }

  /**
   * Finishes the future with a result.
   *
   * @param value The result. A promise is not awaited.
   * @throws {InvalidStateError} If the future is done.
   */
  setResult(value: T): void {
    this.#settle(SUCCEEDED, value, "result");
  }

  /**
   * Finishes the future with an error.
   *
   * @param error What was thrown: any value, `undefined` too.
   * @throws {InvalidStateError} If the future is done.
   */
  setException(error: unknown): void {
    this.#settle(FAILED, error, "exception");
  }

  /**
   * Cancels the future from this side, asking nobody.
   *
   * @param reason What `result()` rejects with. By default a `CancelledError`.
   * @returns False if the future was done.
   */
  setCancelled(reason?: unknown): boolean {
    return settle(this.future as Future<unknown>, CANCELLED, reason);
  }

  /**
   * For authors of executors, to override: whether the task may still be cancelled. Asked by
   * `future.cancel()` while the future is not done; after `true` the task must never run.
   */
  revoke(): boolean {
    return stateOf(this.future as Future<unknown>) === PENDING;
  }

  /**
   * For authors of executors, to override: whether the task runs. Asked by `future.running()` and
   * `future.state` while the future is not done.
   */
  started(): boolean {
    return stateOf(this.future as Future<unknown>) === RUNNING;
  }

  /**
   * For authors of executors, to override: whether the task has ended, although its outcome has not
   * arrived. Then `future.state` is `"finished"`, and `future.done()` follows.
   */
  ended(): boolean {
    return false;
  }

  #settle(state: number, value: unknown, what: string): void {
    if (!settle(this.future as Future<unknown>, state, value)) {
      throw new InvalidStateError(`Cannot set the ${what}: the future is ${this.future.state}`);
    }
  }
}
