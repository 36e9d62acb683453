import { clock } from "../futures/clock.ts";
import { append, DoublesOf, PromiseOf } from "../wire/originals.ts";
import { MIN_PACKED } from "../wire/packed_numbers.ts";
import { end, hasEnded, slotOf } from "./context.ts";
import type { Context } from "./context.ts";
import { toNanoseconds } from "./nanoseconds.ts";
import type { Pause } from "./program_host.ts";
import type { Row, RunTools } from "./task_call.ts";
import type { AnyFunction, LocalTask } from "./task_table.ts";
import { isThenable, whenSettled } from "./thenable.ts";

/** One chunk of `map`: a task whose items have an outcome each. */
export class ChunkRun {
  readonly #tools: RunTools;
  readonly #task: LocalTask;
  readonly #context: Context;
  readonly #args: Row;
  /** Where the arguments of the first item stand, how many each has, and how many items there are. */
  readonly #first: number;
  readonly #arity: number;
  readonly #count: number;
  readonly #values: unknown[];
  /** The results themselves, as long as all of them are numbers: they travel as one block. */
  #numbers: Float64Array | undefined = undefined;
  readonly #failures: unknown[] = [];
  readonly #startedAt = clock.now();
  #index = 0;

  constructor(
    tools: RunTools,
    task: LocalTask,
    context: Context,
    slot: number,
    args: Row,
    first: number,
    arity: number,
    count: number,
  ) {
    this.#tools = tools;
    this.#task = task;
    this.#context = context;
    this.#args = args;
    this.#first = first;
    this.#arity = arity;
    this.#count = count;
    this.#values = tools.outbox.chunkValues(slot, count);
  }

  /** Runs items until one has to be waited for: the promise of it. */
  run(call: AnyFunction): PromiseLike<unknown> | undefined {
    const { pause } = this.#tools;
    while (this.#index < this.#count && !hasEnded(this.#context)) {
      const at = this.#first + this.#index * this.#arity;
      try {
        const result = pause?.isDue?.() ? this.#callLater(pause, call, at) : this.#call(call, at);
        if (isThenable(result)) return result;
        this.#succeed(result);
      } catch (error) {
        this.#fail(error);
      }
    }
    return undefined;
  }

  /** Waits for what is pending, runs on, and calls back when all items have an outcome. */
  wait(call: AnyFunction, pending: PromiseLike<unknown> | undefined, ended: () => void): void {
    if (pending === undefined) return ended();
    whenSettled(pending, (value) => {
      this.#succeed(value);
      this.wait(call, this.run(call), ended);
    }, (error) => {
      this.#fail(error);
      this.wait(call, this.run(call), ended);
    });
  }

  /** Tells the outcomes. */
  finish(): void {
    const { caller, outbox } = this.#tools;
    caller.enter(undefined);
    end(this.#context);
    const elapsed = clock.now() - this.#startedAt;
    outbox.times.end(slotOf(this.#context), this.#startedAt);
    this.#task.nanoseconds = toNanoseconds(elapsed, this.#count);
    const slot = slotOf(this.#context); // it may have another number by now
    if (this.#index < this.#count) this.#unpack(this.#index); // it was forgotten
    if (this.#numbers !== undefined) {
      return outbox.finishNumbers(slot, this.#task.nanoseconds, this.#numbers);
    }
    this.#values[1] = slot;
    outbox.finishChunk(this.#task.nanoseconds, this.#values, this.#failures);
  }

  #call(call: AnyFunction, at: number): unknown {
    const { caller } = this.#tools;
    caller.enter(this.#context);
    return caller.call(call, this.#context, this.#args, at, this.#arity);
  }

  #callLater(pause: Pause, call: AnyFunction, at: number): PromiseLike<unknown> {
    return new PromiseOf((resolve, reject) =>
      pause.wait(() => {
        try {
          resolve(this.#call(call, at));
        } catch (error) {
          reject(error);
        }
      })
    );
  }

  #succeed(value: unknown): void {
    const index = this.#index++;
    if (typeof value === "number") {
      if (index === 0 && this.#count >= MIN_PACKED) this.#numbers = new DoublesOf(this.#count);
      if (this.#numbers !== undefined) {
        this.#numbers[index] = value;
        return;
      }
    } else this.#unpack(index);
    append(this.#values, value);
  }

  /** Not all results are numbers: those that were go into the array. */
  #unpack(count: number): void {
    const numbers = this.#numbers;
    if (numbers === undefined) return;
    this.#numbers = undefined;
    for (let i = 0; i < count; i++) append(this.#values, numbers[i]);
  }

  #fail(error: unknown): void {
    append(this.#failures, this.#index);
    this.#tools.outbox.describe(this.#failures, this.#task, error);
    this.#succeed(undefined);
  }
}
