import type { MapIterator } from "../executor/map.ts";
import { checkTime } from "../executor/options.ts";
import { startTimer } from "../futures/deadline.ts";
import { TimeoutError } from "../futures/errors.ts";

/** Options of {@linkcode PoolIterator.next}. */
export interface NextOptions {
  /** Milliseconds until it rejects with `TimeoutError`. The item is not lost. @default {Infinity} */
  timeout?: number;
}

/**
 * Results of `imap` and `imapUnordered`. An item that failed rejects at its place, and the iteration goes
 * on; leaving a `for await` cancels what has not begun.
 *
 * @typeParam R What an item came to.
 */
export interface PoolIterator<R> extends AsyncIterableIterator<R>, AsyncDisposable {
  /** The next result. Mirrors `IMapIterator.next(timeout)`. */
  next(options?: NextOptions): Promise<IteratorResult<R, undefined>>;
  /** Ends the iteration and cancels what has not begun. */
  return(): Promise<IteratorResult<R, undefined>>;
  /** This. */
  [Symbol.asyncIterator](): PoolIterator<R>;
}

type Outcome = IteratorResult<PromiseSettledResult<unknown>, undefined>;

/** The outcomes of a settled `map`, as results and errors. */
export class OutcomeIterator implements PoolIterator<unknown> {
  readonly #outcomes: MapIterator<PromiseSettledResult<unknown>>;
  /** Outcomes whose taker has gone, in order. */
  #left: Promise<Outcome>[] = [];

  constructor(outcomes: MapIterator<PromiseSettledResult<unknown>>) {
    this.#outcomes = outcomes;
  }

  async next(options: NextOptions = {}): Promise<IteratorResult<unknown, undefined>> {
    const timeout = checkTime("timeout", options.timeout);
    const next = this.#left.shift() ?? this.#outcomes.next();
    const { done, value } = timeout === undefined ? await next : await this.#within(next, timeout);
    if (done) return { done, value: undefined };
    if (value.status === "rejected") throw value.reason;
    return { done: false, value: value.value };
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    await this.#outcomes.return();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): PoolIterator<unknown> {
    return this;
  }

  #within(next: Promise<Outcome>, timeout: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      let late = false;
      const stop = startTimer(timeout, () => {
        late = true;
        this.#left.push(next);
        reject(new TimeoutError(`Cannot get the next result within ${timeout} ms`));
      });
      next.then((outcome) => {
        stop();
        if (!late) resolve(outcome);
      }, (error) => {
        stop();
        if (!late) reject(error);
      });
    });
  }
}
