import { hasFailed, isFuture, observe, outcome, unobserve } from "./future.ts";
import type { Future } from "./future.ts";

/** Who is told when the futures among the arguments of a task are done. */
export interface ArgumentReader {
  /** All have their results, which stand in their places. */
  argumentsReady(args: readonly unknown[]): void;
  /** The first of them has failed, or was cancelled. */
  argumentFailed(future: Future<unknown>): void;
}

/** Whether one of the arguments is a future, itself and not inside of another value. */
export function holdsFuture(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++) {
    if (typeof args[i] === "object" && isFuture(args[i])) return true;
  }
  return false;
}

/**
 * Waits for the futures among the arguments of one task, of whatever executor: for whoever takes tasks.
 * The futures themselves are left alone. `begin()` may call back at once.
 */
export class ArgumentWait {
  readonly #args: readonly unknown[];
  readonly #reader: ArgumentReader;
  readonly #open = new Set<Future<unknown>>();

  constructor(args: readonly unknown[], reader: ArgumentReader) {
    this.#args = args;
    this.#reader = reader;
  }

  begin(): void {
    for (const arg of this.#args) {
      if (!isFuture(arg)) continue;
      if (!arg.done()) this.#open.add(arg);
      else if (!succeeded(arg)) return this.#reader.argumentFailed(arg);
    }
    for (const future of this.#open) watch(future, this);
    this.#check();
  }

  /** Waits no more. */
  stop(): void {
    for (const future of this.#open) unwatch(future, this);
    this.#open.clear();
  }

  argumentDone(future: Future<unknown>): void {
    if (!this.#open.delete(future)) return; // it was stopped
    if (succeeded(future)) return this.#check();
    this.stop();
    this.#reader.argumentFailed(future);
  }

  #check(): void {
    if (this.#open.size === 0) this.#reader.argumentsReady(this.#args.map(valueOf));
  }
}

function succeeded(future: Future<unknown>): boolean {
  return !future.cancelled() && !hasFailed(future);
}

function valueOf(arg: unknown): unknown {
  if (!isFuture(arg)) return arg;
  const came = outcome(arg);
  return came.status === "fulfilled" ? came.value : undefined;
}

/** Who waits for one future: one observer for all, so that each can leave in constant time. */
class Dependents {
  readonly waits = new Set<ArgumentWait>();

  futureDone(future: Future<unknown>): void {
    dependents.delete(future);
    tell(future, this.waits);
  }
}

const dependents = new WeakMap<Future<unknown>, Dependents>();

function watch(future: Future<unknown>, wait: ArgumentWait): void {
  let own = dependents.get(future);
  if (own === undefined) {
    own = new Dependents();
    dependents.set(future, own);
    observe(future, own);
  }
  own.waits.add(wait);
}

function unwatch(future: Future<unknown>, wait: ArgumentWait): void {
  const own = dependents.get(future);
  if (own === undefined) return; // it is done
  own.waits.delete(wait);
  if (own.waits.size > 0) return;
  dependents.delete(future);
  unobserve(future, own);
}

/** Those to be told. A list, since a failure runs down a chain of any length, and the stack is short. */
let toTell: (readonly [future: Future<unknown>, waits: Set<ArgumentWait>])[] | undefined;

function tell(future: Future<unknown>, waits: Set<ArgumentWait>): void {
  if (toTell !== undefined) {
    toTell.push([future, waits]);
    return;
  }
  const list = toTell = [[future, waits] as const];
  try {
    for (const [done, waiting] of list) {
      for (const wait of waiting) wait.argumentDone(done);
    }
  } finally {
    toTell = undefined;
  }
}
