import { AbortControllerOf, readerOf, uncurried } from "../wire/originals.ts";
import type { TaskContext } from "../wire/task_ref.ts";

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
}

export let slotOf: (context: Context) => number;
/** Whether its outcome is told: what it reports now would come too late. */
export let hasEnded: (context: Context) => boolean;
export let end: (context: Context) => void;
export let abort: (context: Context, reason: unknown) => void;

/** What a task sees: what is the program's own of it, no task can reach. */
export class Context implements TaskContext {
  readonly #owner: ContextOwner;
  readonly #slot: number;
  readonly #carrier: Readonly<Record<string, string>> | undefined;
  #ended = false;
  #controller: AbortController | undefined = undefined;

  static {
    slotOf = (context) => context.#slot;
    hasEnded = (context) => context.#ended;
    end = (context) => {
      context.#ended = true;
    };
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

  #control(): AbortController {
    return this.#controller ??= new AbortControllerOf();
  }
}
