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

/** The same for an argument that is one, a list of such, or an object that has one among its first. */
export function localWordsIn(value: unknown): string | undefined {
  const own = localWords(value);
  if (own !== undefined || typeof value !== "object" || value === null) return own;
  try {
    if (Array.isArray(value)) return wordsInList(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return wordsInObject(value);
  } catch {
    /* a Proxy that throws, or was revoked: what is wrong with it is found out when it is sent */
  }
  return undefined;
}

function wordsInList(list: readonly unknown[]): string | undefined {
  for (let i = 0; i < list.length && i < LOOKS; i++) {
    const item = list[i];
    if (typeof item !== "object") return undefined;
    const words = localWords(item);
    if (words !== undefined) return words;
  }
  return undefined;
}

/** Calls no getter: that is for who sends it. */
function wordsInObject(object: object): string | undefined {
  let looks = 0;
  for (const key in object) {
    if (looks++ === LOOKS) break;
    const value: unknown = Object.getOwnPropertyDescriptor(object, key)?.value;
    if (typeof value !== "object" || value === null) continue;
    const words = localWords(value) ?? (Array.isArray(value) ? wordsInList(value) : undefined);
    if (words !== undefined) return words;
  }
  return undefined;
}
