import type { Future } from "../futures/future.ts";
import {
  AbortControllerOf,
  append,
  isArray,
  readerOf,
  SafeSet,
  uncurried,
} from "../wire/originals.ts";
import type { Task, TaskContext } from "../wire/task_ref.ts";

const signalOf = readerOf(AbortControllerOf.prototype, "signal") as (
  controller: AbortController,
) => AbortSignal;
const abortSignal = uncurried(AbortControllerOf.prototype.abort) as (
  controller: AbortController,
  reason: unknown,
) => void;

/** What contexts need of the worker that their tasks run in. */
export interface ContextOwner {
  readonly carriers: { readonly current: Readonly<Record<string, string>> | undefined };
  readonly workerName: string;
  /** `this.report(value)` of the task in a slot. */
  report(slot: number, value: unknown): void;
  /** `this.submit(task, ...args)`. */
  submit(parent: Context, task: unknown, args: readonly unknown[]): Future<unknown>;
  /** A task that has submitted others has ended. */
  orphaned(parent: Context): void;
}

export let slotOf: (context: Context) => number;
/** Whether its outcome is told: what it reports now would come too late. */
export let hasEnded: (context: Context) => boolean;
export let end: (context: Context) => void;
/** Calls it by another number from now on. */
export let renumber: (context: Context, slot: number) => void;
/** The tasks that it has submitted and that are not done. */
export let childrenOf: (context: Context) => SafeSet<object>;
export let abort: (context: Context, reason: unknown) => void;

/** What a task sees: what is the program's own of it, no task can reach. */
export class Context implements TaskContext {
  readonly #owner: ContextOwner;
  #slot: number;
  /** Made when it submits its first task. */
  #children: SafeSet<object> | undefined = undefined;
  readonly #carrier: Readonly<Record<string, string>> | undefined;
  #ended = false;
  #controller: AbortController | undefined = undefined;

  static {
    slotOf = (context) => context.#slot;
    hasEnded = (context) => context.#ended;
    end = (context) => {
      if (context.#ended) return;
      context.#ended = true;
      if (context.#children !== undefined) context.#owner.orphaned(context);
    };
    renumber = (context, slot) => {
      context.#slot = slot;
    };
    childrenOf = (context) => context.#children ??= new SafeSet();
    abort = (context, reason) => abortSignal(context.#control(), reason);
  }

  constructor(owner: ContextOwner, slot: number) {
    this.#owner = owner;
    this.#slot = slot;
    this.#carrier = owner.carriers.current;
  }

  get signal(): AbortSignal {
    return signalOf(this.#control());
  }

  get workerName(): string {
    return this.#owner.workerName;
  }

  get traceContext(): Readonly<Record<string, string>> | undefined {
    return this.#carrier;
  }

  report(progress: unknown): void {
    if (!this.#ended) this.#owner.report(this.#slot, progress);
  }

  submit<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Future<Awaited<R>> {
    return this.#owner.submit(this, fn, args) as Future<Awaited<R>>;
  }

  map<A, R>(fn: Task<[A], R>, items: Iterable<A>): Future<Awaited<R>>[] {
    const futures: Future<Awaited<R>>[] = [];
    if (isArray(items)) {
      for (let i = 0; i < items.length; i++) append(futures, this.submit(fn, items[i] as A));
    } else for (const item of items) append(futures, this.submit(fn, item));
    return futures;
  }

  #control(): AbortController {
    return this.#controller ??= new AbortControllerOf();
  }
}
