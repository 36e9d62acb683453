import {
  defineProperty,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  isArray,
  MAP_PROTOTYPE,
  OBJECT_PROTOTYPE,
  SET_PROTOTYPE,
} from "./originals.ts";

/** Registered, so that two copies of this library agree on it. */
const LOCAL = Symbol.for("@concurrent/futures.local");

/** Items of a list that are looked at: a list of futures is one from its beginning. */
const LOOKS = 8;

/** Objects in one argument that are looked at, and how deep: more would cost time with each task. */
const MOST_LOOKS = 64;
const MOST_DEPTH = 5;

/**
 * Says of a class that its objects mean something only where they were made: a clone would be empty.
 *
 * @param prototype The class's.
 * @param what What to say where one is sent, and what to do in its place.
 */
export function markLocal(prototype: object, what: string): void {
  defineProperty(prototype, LOCAL, { value: what });
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

/** The same for an argument that is one, or has one not too far inside. */
export function localWordsIn(value: unknown): string | undefined {
  return findIn(value, localWords);
}

/**
 * What is said of a value, or of one of the first objects in it: in lists, plain objects, maps and sets, to
 * some depth. Calls no getter: that is for who sends it.
 */
export function findIn(
  value: unknown,
  look: (object: object) => string | undefined,
): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return new Search(look).in(value, 0);
  } catch {
    return undefined; // a Proxy that throws, or was revoked: what is wrong with it is found out when it is sent
  }
}

class Search {
  readonly #look: (object: object) => string | undefined;
  #left = MOST_LOOKS;

  constructor(look: (object: object) => string | undefined) {
    this.#look = look;
  }

  in(value: unknown, depth: number): string | undefined {
    if (typeof value !== "object" || value === null || this.#left-- <= 0) return undefined;
    const own = this.#look(value);
    if (own !== undefined || depth === MOST_DEPTH) return own;
    if (isArray(value)) return this.#inList(value, depth + 1);
    const prototype: unknown = getPrototypeOf(value);
    if (prototype === OBJECT_PROTOTYPE || prototype === null) {
      return this.#inObject(value, depth + 1);
    }
    if (prototype === MAP_PROTOTYPE) {
      return this.#inEntries(value as Map<unknown, unknown>, depth + 1);
    }
    if (prototype !== SET_PROTOTYPE) return undefined;
    return this.#inEntries((value as Set<unknown>).entries(), depth + 1);
  }

  #inList(list: readonly unknown[], depth: number): string | undefined {
    for (let i = 0; i < list.length && i < LOOKS; i++) {
      const item = list[i];
      if (typeof item !== "object") return undefined; // of one kind, as most lists
      const words = this.in(item, depth);
      if (words !== undefined) return words;
    }
    return undefined;
  }

  #inObject(object: object, depth: number): string | undefined {
    let looks = 0;
    for (const key in object) {
      if (looks++ === LOOKS) break;
      const words = this.in(getOwnPropertyDescriptor(object, key)?.value, depth);
      if (words !== undefined) return words;
    }
    return undefined;
  }

  #inEntries(entries: Iterable<[unknown, unknown]>, depth: number): string | undefined {
    let looks = 0;
    for (const [key, value] of entries) {
      if (looks++ === LOOKS) break;
      const words = this.in(key, depth) ?? this.in(value, depth);
      if (words !== undefined) return words;
    }
    return undefined;
  }
}
