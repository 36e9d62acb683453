/** Those kept beside the present request's at the most. One more costs each request a look at it. */
const MOST = 100;

/** What {@linkcode perRequest} keeps, and for which request. */
interface Kept<T> {
  readonly made: T;
  readonly isHere: () => boolean;
}

/**
 * Gives each request a thing of its own, as a server wants that ends with a request all that it waits for.
 * Which requests have ended is not told: what has nothing to do is dropped when there is a new one,
 * and the oldest if there are too many.
 *
 * @param make Makes one.
 * @param mark Tells requests apart; see `Runtime.requestMark`. Without it one is made for all, at once.
 * @param isIdle Whether one has nothing to do.
 * @returns Gives the present request's own.
 */
export function perRequest<T>(
  make: () => T,
  mark: (() => () => boolean) | undefined,
  isIdle: (made: T) => boolean,
): () => T {
  if (mark === undefined) {
    const made = make();
    return () => made;
  }
  /** The last one that was asked for comes first. */
  let kept: Kept<T>[] = [];
  return () => {
    if (kept[0]?.isHere()) return kept[0].made;
    const own = kept.find(({ isHere }) => isHere());
    const others = kept.filter((one) => one !== own && (own !== undefined || !isIdle(one.made)));
    const first = own ?? { made: make(), isHere: mark() };
    kept = [first, ...others.slice(0, MOST)];
    return first.made;
  };
}
