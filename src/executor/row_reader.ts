type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** Reads the inputs of a `map` on demand: of each one item, until the shortest ends. */
export class RowReader {
  readonly #inputs: readonly unknown[];
  /** Those that have not ended. */
  #iterators: AnyIterator[] = [];
  #isAsync = false;
  /** The one whose next item is awaited. */
  #awaited: AnyIterator | undefined = undefined;
  #isClosed = false;

  constructor(inputs: readonly unknown[]) {
    this.#inputs = inputs;
  }

  /** Whether an input is async: then rows are read by `nextSoon`, and else by `next`. */
  get isAsync(): boolean {
    return this.#isAsync;
  }

  /** @throws What an input throws. */
  open(): void {
    for (const input of this.#inputs) {
      const source = input as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
      if (source[Symbol.asyncIterator] !== undefined) {
        this.#isAsync = true;
        this.#iterators.push(source[Symbol.asyncIterator]!());
      } else this.#iterators.push(source[Symbol.iterator]!());
    }
  }

  /**
   * The next row; `undefined` if an input has ended.
   *
   * @throws What an input throws: that one needs no closing either.
   */
  next(): readonly unknown[] | undefined {
    const row: unknown[] = [];
    for (const iterator of this.#iterators) {
      try {
        const { done, value } = checked((iterator as Iterator<unknown>).next());
        if (done) return this.#leave(iterator);
        row.push(value);
      } catch (error) {
        this.#leave(iterator);
        throw error;
      }
    }
    return row;
  }

  /** As `next`, of which inputs that are async take their time. */
  async nextSoon(): Promise<readonly unknown[] | undefined> {
    const row: unknown[] = [];
    for (const iterator of this.#iterators) {
      try {
        this.#awaited = iterator;
        const { done, value } = checked(await iterator.next());
        this.#awaited = undefined;
        if (done) this.#leave(iterator);
        if (this.#isClosed) this.close(); // that was not possible before
        if (done || this.#isClosed) return undefined;
        row.push(value);
      } catch (error) {
        this.#awaited = undefined;
        this.#leave(iterator);
        throw error;
      }
    }
    return row;
  }

  #leave(ended: AnyIterator): undefined {
    this.#iterators = this.#iterators.filter((iterator) => iterator !== ended);
  }

  /**
   * Lets inputs clean up; what goes wrong there is theirs, and no result of ours. A generator that is
   * running would do so after its next `yield` anyway, and on Deno 2.9 in no async context: it is closed when
   * it has come there. Other iterators may wait for ever, if it is not this that ends them.
   */
  close(): void {
    this.#isClosed = true;
    const later: AnyIterator[] = [];
    for (const iterator of this.#iterators) {
      if (iterator === this.#awaited && isAsyncGenerator(iterator)) {
        later.push(iterator);
        continue;
      }
      try {
        const closing = iterator.return?.();
        if (closing instanceof Promise) closing.catch(ignore);
      } catch { /* as above */ }
    }
    this.#iterators = later;
  }
}

/** What `next()` gave: as `for await` does, it refuses what no iterator may give, and would never end. */
function checked(result: IteratorResult<unknown>): IteratorResult<unknown> {
  if (Object(result) === result) return result;
  throw new TypeError(`Cannot read inputs: next() of an iterator gave ${String(result)}`);
}

function isAsyncGenerator(iterator: unknown): boolean {
  return Object.prototype.toString.call(iterator) === "[object AsyncGenerator]";
}

function ignore(): void {}
