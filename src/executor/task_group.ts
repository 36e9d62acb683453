import { clock } from "../futures/clock.ts";
import { listenToAbort, reasonOf } from "../futures/deadline.ts";
import { provideAsyncDispose } from "../futures/dispose.ts";
import { CancelledError, InvalidStateError } from "../futures/errors.ts";
import { ArgumentWait, holdsFuture } from "../futures/argument_wait.ts";
import { hasFailed, outcome, settle } from "../futures/future.ts";
import { CANCELLED } from "../futures/future_state.ts";
import type { Future } from "../futures/future.ts";
import { describeAs } from "../futures/inspect.ts";
import { markLocal } from "../futures/local_object.ts";
import { show } from "../futures/show.ts";
import type { Task, TaskArguments } from "../wire/task_ref.ts";
import { DeferredTask, whenDone } from "./deferred_task.ts";
import { backendOf, Executor } from "./executor.ts";
import { checkCount, checkOptions } from "./options.ts";

/** Options of {@linkcode TaskGroup}. */
export interface TaskGroupOptions {
  /**
   * Tasks of the group that may be with the executor at once; the others wait in the group.
   *
   * @default {Infinity}
   */
  limit?: number | undefined;
}

/**
 * Tasks that end together: none outlives the block that the group belongs to.
 *
 * Mirrors `asyncio.TaskGroup`, and Go's errgroup. The end of the block waits for all tasks. The first
 * that fails aborts the others, as their own signal would, and its error is thrown: alone, or in an
 * `AggregateError` if several failed on their own. What the group aborted, and what was cancelled,
 * does not count as failed.
 *
 * `await using` cannot tell a group that its block was left by an exception: then the group waits for
 * its tasks, and JavaScript throws a `SuppressedError` if both have failed. {@linkcode TaskGroup.run}
 * can: it cancels the group, and the block's own error is thrown.
 *
 * @example Usage
 * ```ts
 * import { TaskGroup, ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor(2);
 * let future;
 * {
 *   await using group = new TaskGroup(executor);
 *   future = group.submit((x: number) => x + 1, 1);
 * }
 * assertEquals(future.done(), true);
 * ```
 */
export class TaskGroup implements AsyncDisposable {
  static {
    provideAsyncDispose(this.prototype);
    describeAs<TaskGroup>(
      this.prototype,
      "TaskGroup",
      (group) => `TaskGroup { ${group.#open} open, ${group.#failures.length} failed }`,
    );
    markLocal(this.prototype, "a TaskGroup; a task that needs one makes its own");
  }

  /** At most so many of its tasks are with the executor at once. */
  readonly limit: number;
  readonly #executor: Executor;
  readonly #controller = new AbortController();
  readonly #unlisten: (() => void) | undefined;
  /** Tasks that are not done, those that wait here included. */
  #open = 0;
  /** Tasks that are with the executor. */
  #submitted = 0;
  /** Tasks that wait here, in order, and what submits each. */
  readonly #waiting = new Map<Future<unknown>, DeferredTask>();
  /** Under a limit: tasks that wait for their arguments, which takes no place. */
  readonly #held = new Map<Future<unknown>, ArgumentWait>();
  readonly #failures: unknown[] = [];
  /** A signal from outside ended the group. */
  #aborted: { readonly reason: unknown } | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  #allDone: (() => void) | undefined = undefined;
  #ended = false;

  /**
   * An empty group.
   *
   * @param parent Where its tasks run: an executor, whose signal (see `Executor.with()`) aborts the
   * group; or another group, which aborts this one when it ends early itself.
   * @param options See {@linkcode TaskGroupOptions}.
   * @throws {TypeError} If an argument is of a wrong kind.
   * @throws {RangeError} If `limit` is no count.
   */
  constructor(parent: Executor | TaskGroup, options: TaskGroupOptions = {}) {
    const isGroup = typeof parent === "object" && parent !== null && #executor in parent;
    if (!isGroup && !(parent instanceof Executor)) {
      throw new TypeError(
        `Cannot make a TaskGroup: expected an executor or a group, got ${show(parent)}`,
      );
    }
    checkOptions("TaskGroup", options, ["limit"]);
    this.limit = options.limit === Infinity
      ? Infinity
      : checkCount("limit", options.limit) ?? Infinity;
    this.#executor = (isGroup ? (parent as TaskGroup).#executor : parent as Executor)
      .with({ signal: this.#controller.signal });
    const outer = isGroup ? (parent as TaskGroup).signal : backendOf(parent as Executor)[1]?.signal;
    if (outer === undefined) return;
    const stop = (reason: unknown): void => {
      // An outer group tells itself why it ended.
      if (!isGroup) this.#aborted = { reason };
      this.#abort(reason);
    };
    if (outer.aborted) stop(reasonOf(outer));
    else this.#unlisten = listenToAbort(outer, stop);
  }

  /**
   * Calls `body` with a new group, and waits for all tasks of it. An exception of `body` cancels the
   * group, and is thrown when all tasks have ended.
   *
   * @typeParam T What `body` gives.
   * @param parent See the constructor.
   * @param body The block.
   * @param options See {@linkcode TaskGroupOptions}.
   * @returns What `body` gives, once all tasks have ended well.
   * @throws What `body` throws; else what {@linkcode TaskGroup.close} throws.
   *
   * @example Usage
   * ```ts
   * import { TaskGroup, ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * await using executor = new ThreadPoolExecutor(2);
   * const sum = await TaskGroup.run(executor, async (group) => {
   *   const a = group.submit((x: number) => x + 1, 1);
   *   const b = group.submit((x: number) => x * 2, 20);
   *   return await a + await b;
   * });
   * assertEquals(sum, 42);
   * ```
   */
  static async run<T>(
    parent: Executor | TaskGroup,
    body: (group: TaskGroup) => T | PromiseLike<T>,
    options?: TaskGroupOptions,
  ): Promise<T> {
    const group = makeGroup(parent, options);
    let result: T;
    try {
      result = await body(group);
    } catch (error) {
      const isOwn = group.signal.aborted && error === reasonOf(group.signal);
      group.cancel();
      // An error that the group itself put into the block is told by the group.
      if (isOwn) await group.close();
      else await group.close().catch(() => {});
      throw error;
    }
    await group.close();
    return result;
  }

  /** Aborted when the group ends early: a task failed, or it was cancelled. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Runs `fn(...args)` as a task of the group.
   *
   * Mirrors `TaskGroup.create_task()`. In a group that ends early the future is cancelled at once.
   *
   * @typeParam A The task's parameters.
   * @typeParam R What the task returns.
   * @param fn The task, as for `Executor.submit`.
   * @param args Its arguments.
   * @returns The future of its result.
   * @throws {InvalidStateError} If all tasks of the group have ended and it is closed.
   * @throws What `Executor.submit` throws; under a `limit`, a task that has to wait fails with it.
   */
  submit<A extends unknown[], R>(
    fn: Task<A, R>,
    ...args: TaskArguments<A>
  ): Future<Awaited<R>> {
    if (this.#ended) {
      throw new InvalidStateError("Cannot submit a task to a TaskGroup: it is closed");
    }
    const submit = (): Future<unknown> => this.#executor.submit(fn, ...args) as Future<unknown>;
    let future: Future<unknown>;
    const { aborted } = this.signal; // then the executor cancels it, and nothing is to wait here
    if (!aborted && this.limit < Infinity && holdsFuture(args)) {
      const task = new DeferredTask(submit);
      future = task.future;
      this.#hold(task, args);
    } else if (aborted || this.#submitted < this.limit) {
      future = submit();
      this.#submitted++;
    } else {
      const task = new DeferredTask(submit);
      this.#waiting.set(task.future, task);
      future = task.future;
    }
    this.#open++;
    whenDone(future, () => this.#taskDone(future));
    return future as Future<Awaited<R>>;
  }

  /**
   * Runs a task of the group for each item.
   *
   * @typeParam A What an item is.
   * @typeParam R What the task returns.
   * @param fn The task.
   * @param items What it is called with; read to the end by the call.
   * @returns The futures, in order.
   * @throws What {@linkcode TaskGroup.submit} throws.
   */
  map<A, R>(fn: Task<[A], R>, items: Iterable<A | Future<A>>): Future<Awaited<R>>[] {
    return Array.from(items, (item) => this.submit(fn, item));
  }

  /**
   * Ends the group early: what has not begun is cancelled, what runs is aborted. That is no failure.
   *
   * @param reason What the futures reject with. @default a `CancelledError`
   */
  cancel(reason: unknown = new CancelledError("The task's group was cancelled")): void {
    this.#abort(reason);
  }

  /**
   * Waits for all tasks of the group. `await using` calls it; it may be called again.
   *
   * Mirrors `TaskGroup.__aexit__`. Tasks may be submitted while it waits.
   *
   * @returns Resolves when all tasks have ended, and none has failed on its own.
   * @throws The error of the task that failed; if several did, an `AggregateError`. If the signal of
   * the executor aborted the group, its reason.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** As {@linkcode TaskGroup.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // Until this goes on, whoever awaited one of the last tasks may have submitted another.
    while (this.#open > 0) await new Promise<void>((resolve) => this.#allDone = resolve);
    this.#ended = true;
    this.#unlisten?.();
    if (this.#failures.length === 1) throw this.#failures[0];
    if (this.#failures.length > 1) {
      throw new AggregateError(this.#failures, `${this.#failures.length} tasks of a group failed`);
    }
    if (this.#aborted !== undefined) throw this.#aborted.reason;
  }

  #abort(reason: unknown): void {
    if (this.signal.aborted) return;
    this.#controller.abort(reason);
    for (const task of [...this.#waiting.values()]) task.setCancelled(reasonOf(this.signal));
    for (const future of [...this.#held.keys()]) {
      settle(future, CANCELLED, reasonOf(this.signal));
    }
  }

  #hold(task: DeferredTask, args: readonly unknown[]): void {
    const { future } = task;
    const wait = new ArgumentWait(args, {
      argumentsReady: () => {
        this.#held.delete(future);
        this.#waiting.set(future, task);
        this.#submitWaiting();
      },
      // The executor gives it that failure at once.
      argumentFailed: () => {
        this.#held.delete(future);
        this.#submitted++;
        task.begin();
      },
    });
    this.#held.set(future, wait);
    wait.begin();
  }

  #taskDone(future: Future<unknown>): void {
    this.#note(future);
    const held = this.#held.get(future);
    if (held !== undefined) {
      this.#held.delete(future);
      held.stop();
    } else if (!this.#waiting.delete(future)) {
      this.#submitted--;
      this.#submitWaiting();
    }
    if (--this.#open === 0) this.#allDone?.();
  }

  #submitWaiting(): void {
    if (this.#failures.length > 0) return;
    for (const [future, task] of this.#waiting) {
      if (this.#submitted >= this.limit) return;
      this.#waiting.delete(future);
      this.#submitted++;
      task.begin();
    }
  }

  /** Aborts the others if a task has failed on its own. */
  #note(future: Future<unknown>): void {
    if (!hasFailed(future)) return;
    const { reason } = outcome(future) as { readonly reason: unknown };
    if (this.signal.aborted && reason === reasonOf(this.signal)) return;
    // A task that waited for one that failed has its error, and did not fail on its own.
    if (typeof reason === "object" && this.#failures.includes(reason)) return;
    // Not at once: what has failed in the same moment, failed on its own.
    if (this.#failures.push(reason) > 1) return;
    clock.queueMicrotask(() =>
      this.#abort(new CancelledError("Another task of the group failed", { cause: reason }))
    );
  }
}

/** Outside of the class: a bundler gives another name to one that calls itself by its own. */
function makeGroup(parent: Executor | TaskGroup, options: TaskGroupOptions | undefined): TaskGroup {
  return new TaskGroup(parent, options);
}
