import type { WireTask } from "../wire/messages.ts";

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
  readonly #tasks = new Map<number, LocalTask>();
  /** To be forgotten when no task of theirs waits any more. */
  #forgotten: number[] = [];

  get(id: number): LocalTask | undefined {
    return this.#tasks.get(id);
  }

  /** How many are known. */
  get size(): number {
    return this.#tasks.size;
  }

  define(id: number, wire: WireTask): void {
    this.#tasks.set(id, localTask(wire));
    const at = this.#forgotten.indexOf(id);
    if (at >= 0) this.#forgotten.splice(at, 1);
  }

  /**
   * Forgets functions, but those whose tasks have arrived and have not begun: they are forgotten the
   * next time.
   */
  forget(ids: readonly number[], waiting: ReadonlySet<number>): void {
    const kept: number[] = [];
    for (const some of [this.#forgotten, ids]) {
      for (let i = 0; i < some.length; i++) {
        const id = some[i]!;
        if (waiting.has(id)) kept[kept.length] = id;
        else this.#tasks.delete(id);
      }
    }
    this.#forgotten = kept;
  }
}

function localTask(wire: WireTask): LocalTask {
  if (wire.kind !== "source" || wire.fn === undefined) {
    return { call: undefined, wire, nanoseconds: -1 };
  }
  // On the owner's own thread: the function is kept by those who submitted it, not by this table.
  const { fn } = wire;
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
