import { SafeMap } from "../wire/originals.ts";
import type { ValueRing } from "../wire/value_ring.ts";
import type { Context } from "./context.ts";
import { StreamRun } from "./stream_run.ts";
import type { StreamEnds } from "./stream_run.ts";
import type { RunTools } from "./task_call.ts";
import type { TaskFunctions } from "./task_functions.ts";
import type { AnyFunction, LocalTask } from "./task_table.ts";
import { isThenable, whenSettled } from "./thenable.ts";

/** The streams of a worker that have begun. */
export class Streams {
  readonly #runs = new SafeMap<Context, StreamRun>();
  readonly #tools: RunTools;
  readonly #functions: TaskFunctions;
  readonly #wait: (task: LocalTask, context: Context) => StreamEnds;
  readonly #load: (
    task: LocalTask,
    context: Context,
    loaded: (call: AnyFunction) => void,
    failed: (error: unknown) => void,
  ) => void;

  /**
   * @param wait Gives a task its place, and what frees it.
   * @param load Loads the function of a task that has its place.
   */
  constructor(
    tools: RunTools,
    functions: TaskFunctions,
    wait: (task: LocalTask, context: Context) => StreamEnds,
    load: (
      task: LocalTask,
      context: Context,
      loaded: (call: AnyFunction) => void,
      failed: (error: unknown) => void,
    ) => void,
  ) {
    this.#tools = tools;
    this.#functions = functions;
    this.#wait = wait;
    this.#load = load;
  }

  /** How many run. */
  get size(): number {
    return this.#runs.size;
  }

  /** So many values more are wanted of a stream. */
  grant(context: Context, count: number): void {
    this.#runs.get(context)?.grant(count);
  }

  /** A task was aborted. */
  end(context: Context): void {
    this.#runs.get(context)?.end();
  }

  /** Runs a task as a stream. Behind its arguments stands for how many values there is credit. */
  run(
    task: LocalTask,
    context: Context,
    args: readonly unknown[],
    at: number,
    arity: number,
  ): void {
    const { caller } = this.#tools;
    const runs = this.#runs;
    const { succeed, fail } = this.#wait(task, context);
    const left = (end: (value: unknown) => void) => (value: unknown): void => {
      runs.delete(context);
      end(value);
    };
    const ends = { succeed: left(succeed), fail: left(fail) };
    const run = new StreamRun(this.#tools, context, ends, args[at + arity] as number | ValueRing);
    runs.set(context, run);
    const begin = (call: AnyFunction): void => {
      let result: unknown;
      caller.enter(context);
      try {
        result = caller.call(call, context, args, at, arity);
        caller.pause();
        if (isThenable(result)) {
          return whenSettled(result, (iterable) => run.begin(iterable), ends.fail);
        }
      } catch (error) {
        return ends.fail(error);
      }
      run.begin(result);
    };
    let call: AnyFunction | undefined;
    try {
      call = task.call ?? this.#functions.findNow(task.wire);
    } catch (error) {
      return ends.fail(error);
    }
    if (call === undefined) return this.#load(task, context, begin, ends.fail);
    begin(task.call = call);
  }
}
