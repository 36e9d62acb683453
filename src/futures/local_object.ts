/** Registered, so that two copies of this library agree on it. */
const LOCAL = Symbol.for("@concurrent/futures.local");

/** Items of a list that are looked at: a list of futures is one from its beginning. */
const LOOKS = 8;

/**
 * Says of a class that its objects mean something only where they were made: a clone would be empty.
 *
 * @param prototype The class's.
 * @param what What to say where one is sent, and what to do in its place.
 */
export function markLocal(prototype: object, what: string): void {
  Object.defineProperty(prototype, LOCAL, { value: what });
}

/** What such an object is, and what to pass in its place; `undefined` for any other value. */
export function localWords(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    const own = (value as { [LOCAL]?: unknown })[LOCAL];
    return typeof own === "string" ? own : undefined;
  } catch {
    return undefined; // a Proxy whose traps throw
  }
}

/** The same for an argument that is one, or a list of such. */
export function localWordsIn(value: unknown): string | undefined {
  const own = localWords(value);
  if (own !== undefined || typeof value !== "object" || value === null) return own;
  try {
    if (!Array.isArray(value)) return undefined;
    for (let i = 0; i < value.length && i < LOOKS; i++) {
      const item: unknown = value[i];
      if (typeof item !== "object") return undefined;
      const words = localWords(item);
      if (words !== undefined) return words;
    }
  } catch {
    /* a Proxy that throws, or was revoked: what is wrong with it is found out when it is sent */
  }
  return undefined;
}
