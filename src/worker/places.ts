import { SafeMap, SafeSet } from "../wire/originals.ts";
import { end, hasEnded, renumber, slotOf } from "./context.ts";
import type { Context } from "./context.ts";

/** Tasks that do not end at once: each takes one of `tasksPerWorker` places until it has ended. */
export class Places {
  /** `tasksPerWorker`. */
  limit = 1;
  /** Whether a task has ever lent its place: then several wait side by side. */
  hasLent = false;
  #taken = 0;
  /** Tasks that wait for others. */
  readonly #lending = new SafeSet<Context>();
  /** By which slot those are known that have another number now. */
  readonly #firstSlots = new SafeMap<Context, number>();
  /** One whose function is being loaded: nothing younger begins before it. */
  #loading: Context | undefined = undefined;
  /** Their contexts, by slot. */
  #contexts = new SafeMap<number, Context>();

  /** Whether a task may begin now. */
  get hasRoom(): boolean {
    return this.#taken < this.limit && this.#loading === undefined;
  }

  /** Whether any task has begun and not ended. */
  get isUsed(): boolean {
    return this.#contexts.size > 0;
  }

  take(context: Context): void {
    if (!this.#lending.has(context)) this.#taken++;
    this.#contexts.set(slotOf(context), context);
  }

  /** Its place is free. False if it is already: the task was forgotten. */
  leave(context: Context): boolean {
    if (hasEnded(context)) return false;
    if (!this.#lending.delete(context)) this.#taken--;
    end(context);
    if (this.#loading === context) this.#loading = undefined;
    this.#contexts.delete(slotOf(context));
    return true;
  }

  /** Nothing is kept of a task that has submitted others. */
  forget(context: Context): void {
    this.#lending.delete(context);
    const first = this.#firstSlots.get(context);
    this.#firstSlots.delete(context);
    if (first === undefined) return;
    this.#contexts.delete(slotOf(context));
    if (this.#contexts.get(first) === context) this.#contexts.delete(first);
  }

  /** It waits for others, and others may run in its place. */
  lend(context: Context): void {
    this.hasLent = true;
    this.#lending.add(context);
    if (this.#contexts.get(slotOf(context)) === context) this.#taken--;
  }

  /** It waits no more. */
  unlend(context: Context): void {
    if (!this.#lending.delete(context)) return;
    if (this.#contexts.get(slotOf(context)) === context) this.#taken++;
  }

  /** From now on it is called by another number, that takes no slot. What is on its way calls it by the old one. */
  park(context: Context, slot: number): void {
    const first = slotOf(context);
    if (first === slot) return;
    this.#firstSlots.set(context, first);
    this.#contexts.set(slot, context);
    renumber(context, slot);
  }

  load(context: Context): void {
    this.#loading = context;
  }

  /** Whether it is the one that was loading, and has not ended, or was forgotten. */
  loaded(context: Context): boolean {
    if (this.#loading !== context) return false;
    this.#loading = undefined;
    return true;
  }

  find(slot: number): Context | undefined {
    return this.#contexts.get(slot);
  }

  forEach(callback: (context: Context, slot: number) => void): void {
    this.#contexts.forEach(callback);
  }
}
