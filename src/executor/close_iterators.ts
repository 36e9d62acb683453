type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/**
 * Lets inputs clean up; what goes wrong there is theirs, and no result of ours. A generator that is running
 * would do so after its next `yield` anyway, and on Deno 2.9 in no async context: it is to be closed when it
 * has come there. Other iterators may wait for ever, if it is not this that ends them.
 *
 * @param awaited The one whose next item is awaited.
 * @returns Those to be closed later.
 */
export function closeIterators(iterators: readonly AnyIterator[], awaited: unknown): AnyIterator[] {
  const later: AnyIterator[] = [];
  for (const iterator of iterators) {
    if (iterator === awaited && isAsyncGenerator(iterator)) {
      later.push(iterator);
      continue;
    }
    try {
      const closing = iterator.return?.();
      if (closing instanceof Promise) closing.catch(ignore);
    } catch { /* as above */ }
  }
  return later;
}

function isAsyncGenerator(iterator: unknown): boolean {
  return Object.prototype.toString.call(iterator) === "[object AsyncGenerator]";
}

function ignore(): void {}
