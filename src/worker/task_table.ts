import type { WireTask } from "../wire/messages.ts";
import { append, hasOwn, SafeMap } from "../wire/originals.ts";
import type { SafeSet } from "../wire/originals.ts";

/** What is called when a task runs. */
export type AnyFunction = (...args: unknown[]) => unknown;

/** A task function as one worker knows it. */
export interface LocalTask {
  /** The function itself, once it is compiled or loaded. */
  call: AnyFunction | undefined;
  readonly wire: WireTask;
  /** Run time of one task; -1 while nothing is known. */
  nanoseconds: number;
}

/**
 * The task functions that one worker was told of, by number. The owner bounds how many there are: it
 * says which are to be forgotten, and defines one again before it is used again.
 */
export class TaskTable {
  readonly #tasks = new SafeMap<number, LocalTask>();
  /** To be forgotten when no task of theirs waits any more. */
  #forgotten: number[] = [];

  find(id: number): LocalTask | undefined {
    return this.#tasks.get(id);
  }

  /** How many are known. */
  get size(): number {
    return this.#tasks.size;
  }

  define(id: number, wire: WireTask): void {
    this.#tasks.set(id, localTask(wire));
    const forgotten: number[] = [];
    for (let i = 0; i < this.#forgotten.length; i++) {
      if (this.#forgotten[i] !== id) append(forgotten, this.#forgotten[i]!);
    }
    this.#forgotten = forgotten;
  }

  /**
   * Forgets functions, those of a list from `first` on, but for those whose tasks have arrived and have
   * not begun: they are forgotten the next time.
   */
  forget(ids: readonly number[], first: number, waiting: SafeSet<number>): void {
    const kept: number[] = [];
    const forget = (id: number): void => {
      if (waiting.has(id)) append(kept, id);
      else this.#tasks.delete(id);
    };
    for (let i = 0; i < this.#forgotten.length; i++) forget(this.#forgotten[i]!);
    for (let i = first; i < ids.length; i++) forget(ids[i]!);
    this.#forgotten = kept;
  }
}

function localTask(wire: WireTask): LocalTask {
  if (wire.kind !== "source" || !hasOwn(wire, "fn")) {
    return { call: undefined, wire, nanoseconds: -1 };
  }
  // On the owner's own thread: the function is kept by those who submitted it, not by this table.
  const fn = wire.fn!;
  return {
    get call() {
      return fn() as AnyFunction | undefined;
    },
    set call(_) {
      // It is not kept.
    },
    wire,
    nanoseconds: -1,
  };
}
