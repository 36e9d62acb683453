import { append, apply, CALL } from "../wire/originals.ts";
import { slotOf } from "./context.ts";
import type { Context } from "./context.ts";
import { enter, isCurrent, runApart, taskScope } from "./current_task.ts";
import type { Outbox } from "./outbox.ts";
import type { Places } from "./places.ts";
import type { Pause, ProgramHost } from "./program_host.ts";
import type { AnyFunction } from "./task_table.ts";

/** Arguments one after the other, among other things or alone. */
export type Row = readonly unknown[] | Float64Array;

/** What all chunks and streams of a worker share. */
export interface RunTools {
  readonly outbox: Outbox;
  readonly caller: TaskCaller;
  readonly pause: Pause | undefined;
  /** Whether this thread may wait in a task, for a moment. */
  readonly sleeps: boolean;
}

/** Calls the functions of tasks, so that `currentTask()` knows which one runs. */
export class TaskCaller {
  readonly #runIn: ProgramHost["runIn"];
  readonly #places: Places;
  readonly #scope = taskScope();
  readonly #runApart = runApart(this.#scope);

  constructor(host: ProgramHost, places: Places) {
    this.#runIn = host.runIn;
    this.#places = places;
  }

  /** Whether nothing else waits on this thread than the task that runs. */
  get isAlone(): boolean {
    return this.#places.limit === 1 && !this.#places.hasLent;
  }

  /** Says which task runs. */
  enter(context: Context | undefined): void {
    enter(this.#scope, context);
  }

  /** It does not run now; where it is the only one, it is still the one that this thread waits for. */
  pause(): void {
    if (this.#places.limit > 1) this.enter(undefined);
  }

  /** It goes on after it has waited for others. Where tasks cannot be told apart, this is a guess. */
  resume(context: Context): void {
    if (this.#places.limit === 1) this.enter(context);
  }

  /** It has ended. */
  leave(context: Context): void {
    if (isCurrent(this.#scope, context)) this.enter(undefined);
  }

  call(call: AnyFunction, context: Context, args: Row, at: number, arity: number): unknown {
    const runIn = this.#runIn;
    if (runIn === undefined) return this.#callHere(call, context, args, at, arity);
    return runIn(slotOf(context), () => this.#callHere(call, context, args, at, arity));
  }

  #callHere(call: AnyFunction, context: Context, args: Row, at: number, arity: number): unknown {
    if (this.#runApart !== undefined && (this.#places.limit > 1 || this.#places.hasLent)) {
      return this.#runApart(context, () => apply(call, context, rowOf(args, at, arity)));
    }
    if (arity > 2 || call.call !== CALL) return apply(call, context, rowOf(args, at, arity));
    switch (arity) {
      case 0:
        return call.call(context);
      case 1:
        return call.call(context, args[at]);
      default:
        return call.call(context, args[at], args[at + 1]);
    }
  }
}

/** Some arguments, in an array of their own. */
function rowOf(args: Row, at: number, arity: number): unknown[] {
  const row: unknown[] = [];
  for (let i = at; i < at + arity; i++) append(row, args[i]);
  return row;
}
