import { observe, outcome } from "../futures/future.ts";
import { FutureSource } from "../futures/future_source.ts";
import type { Future } from "../futures/future.ts";

/**
 * A task that is not submitted yet, and its future: it is pending until then, and afterwards whatever
 * the task is.
 */
export class DeferredTask extends FutureSource<unknown> {
  #submit: (() => Future<unknown>) | undefined;
  #task: Future<unknown> | undefined = undefined;

  constructor(submit: () => Future<unknown>) {
    super();
    this.#submit = submit;
  }

  /** Submits it, unless it is done. What `submit` throws is its failure. */
  begin(): void {
    const submit = this.#submit;
    this.#submit = undefined;
    if (this.future.done() || submit === undefined) return;
    let task: Future<unknown>;
    try {
      task = submit();
    } catch (error) {
      return this.setException(error);
    }
    this.#task = task;
    whenDone(task, () => this.#finish(task));
  }

  override revoke(): boolean {
    this.#submit = undefined;
    return this.#task?.cancel() ?? true;
  }

  override started(): boolean {
    return this.#task !== undefined && this.#task.running();
  }

  #finish(task: Future<unknown>): void {
    if (this.future.done()) return;
    const came = outcome(task);
    if (came.status === "fulfilled") this.setResult(came.value);
    else if (task.cancelled()) this.setCancelled(came.reason);
    else this.setException(came.reason);
  }
}

/** Calls back when a future is done; at once if it is. */
export function whenDone(future: Future<unknown>, callback: () => void): void {
  if (future.done()) callback();
  else observe(future, { futureDone: callback });
}
