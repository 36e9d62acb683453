import type { MapRun } from "../executor/map_run.ts";
import { provideAsyncDispose } from "../futures/dispose.ts";
import { describeAs } from "../futures/inspect.ts";
import { checkOptions, checkTime } from "../executor/options.ts";

/** Options of {@linkcode PoolIterator.next}. */
export interface NextOptions {
  /**
   * Milliseconds until it rejects with `TimeoutError`. The item is not lost.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
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

/** The results of a `map` that goes on after a failure. */
export class OutcomeIterator implements PoolIterator<unknown> {
  static {
    provideAsyncDispose(this.prototype);
    describeAs<OutcomeIterator>(
      this.prototype,
      "PoolIterator",
      (iterator) => `PoolIterator { ${iterator.#run.describe()} }`,
    );
  }

  readonly #run: MapRun;

  constructor(run: MapRun) {
    this.#run = run;
  }

  next(options?: NextOptions): Promise<IteratorResult<unknown, undefined>> {
    return options === undefined ? this.#run.next() : this.#nextWithin(options);
  }

  async #nextWithin(options: NextOptions): Promise<IteratorResult<unknown, undefined>> {
    checkOptions("next", options, ["timeout"]);
    const timeout = checkTime("timeout", options.timeout);
    return await (timeout === undefined ? this.#run.next() : this.#run.nextWithin(timeout));
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    await this.#run.return();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): PoolIterator<unknown> {
    return this;
  }
}
