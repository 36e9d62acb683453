import { SafeMap } from "../wire/originals.ts";
import { end, hasEnded, slotOf } from "./context.ts";
import type { Context } from "./context.ts";

/** Tasks that do not end at once: each takes one of `tasksPerWorker` places until it has ended. */
export class Places {
  /** `tasksPerWorker`. */
  limit = 1;
  #taken = 0;
  /** One whose function is being loaded: nothing younger begins before it. */
  #loading: Context | undefined = undefined;
  /** Their contexts, by slot. */
  #contexts = new SafeMap<number, Context>();

  /** Whether a task may begin now. */
  get hasRoom(): boolean {
    return this.#taken < this.limit && this.#loading === undefined;
  }

  take(context: Context): void {
    this.#taken++;
    this.#contexts.set(slotOf(context), context);
  }

  /** Its place is free. False if it is already: the task was forgotten. */
  leave(context: Context): boolean {
    if (hasEnded(context)) return false;
    end(context);
    if (this.#loading === context) this.#loading = undefined;
    this.#taken--;
    this.#contexts.delete(slotOf(context));
    return true;
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
