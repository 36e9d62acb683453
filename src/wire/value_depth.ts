/**
 * How deep a value may be.
 *
 * V8 reads a clone by recursion, so a list that a worker with a large stack can write may be more than
 * its owner can read, and what cannot be read says not even whose it was. Measured on main threads
 * with stacks of 984 kB: Node reads 1,540 levels of sparse arrays, 1,615 of objects, 3,600 of arrays,
 * Deno 2,160, 2,660, 3,600; Bun (JavaScriptCore) does not recurse.
 *
 * @module
 */

import {
  append,
  ExceptionOf,
  forEachOfMap,
  forEachOfSet,
  getPrototypeOf,
  isArray,
  isView,
  keys,
  OBJECT_PROTOTYPE,
  SafeSet,
} from "./originals.ts";
import { kindOf } from "./value_kind.ts";
import { isLost, lossError } from "./value_loss.ts";

/** Levels at the most: what every runtime reads, with some stack left. Python's pickle has the same. */
export const MAX_DEPTH = 1_000;

/** Objects that the simple walk looks at, which looks at shared ones again: a tenth of a second. */
const SIMPLE_LOOKS = 5_000_000;

/** Missing elements until an array may count as sparse. */
const MIN_HOLES = 1_000;

let looks = 0;

/** Throws if a value is deeper than the other side may be able to read. */
export function checkDepth(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  looks = 0;
  if (isShallow(value, 0)) return;
  if (isShallowExactly(value)) return;
  throw new ExceptionOf(
    `value is nested more than ${MAX_DEPTH} levels deep`,
    "DataCloneError",
  );
}

/** By recursion, without notes; false for what is too deep, or too large or too entangled for that. */
function isShallow(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH || ++looks > SIMPLE_LOOKS) return false;
  if (isArray(value)) {
    let holes = 0;
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      if (typeof item === "object" && item !== null && !isShallow(item, depth + 1)) return false;
      if (item === undefined && !(i in value) && ++holes > MIN_HOLES && holes > i / 2) return false;
    }
    return true;
  }
  const prototype = getPrototypeOf(value);
  if (prototype !== OBJECT_PROTOTYPE && prototype !== null) {
    if (isView(value)) return true;
    const kind = kindOf(value);
    if (kind === "Map" || kind === "Set") return false; // rare enough for the other walk
    if (kind === "Error") return isShallowCause(value, depth);
    if (kind !== "Object") {
      if (isLost(kind, value)) throw lossError(kind);
      return true;
    }
  }
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "object" && item !== null && !isShallow(item, depth + 1)) return false;
  }
  return true;
}

/** Of an error a channel keeps its cause, if that. */
function isShallowCause(error: object, depth: number): boolean {
  const { cause } = error as { cause?: unknown };
  return typeof cause !== "object" || cause === null || isShallow(cause, depth + 1);
}

/** By a list of what is to be looked at, each object once, in the order in which it is written. */
function isShallowExactly(root: object): boolean {
  const seen = new SafeSet<object>();
  const levels: object[][] = [insideOf(root)];
  const ats: number[] = [0];
  for (let depth = 0; depth >= 0;) {
    const at = ats[depth]!++;
    const level = levels[depth]!;
    if (at >= level.length) {
      depth--;
      continue;
    }
    const value = level[at]!;
    if (seen.has(value)) continue;
    seen.add(value);
    if (++depth > MAX_DEPTH) return false;
    if (depth === levels.length) {
      append(levels, insideOf(value));
      append(ats, 0);
    } else {
      levels[depth] = insideOf(value);
      ats[depth] = 0;
    }
  }
  return true;
}

/** The objects in an object. */
function insideOf(value: object): object[] {
  const inside: object[] = [];
  const look = (item: unknown): void => {
    if (typeof item === "object" && item !== null) append(inside, item);
  };
  if (!isArray(value)) {
    if (isView(value)) return inside;
    const kind = kindOf(value);
    if (kind === "Map") {
      forEachOfMap(value, (item, key) => {
        look(key);
        look(item);
      });
      return inside;
    }
    if (kind === "Set") forEachOfSet(value, look);
    if (kind === "Error") look((value as { cause?: unknown }).cause);
    if (kind !== "Object") {
      if (isLost(kind, value)) throw lossError(kind);
      return inside;
    }
  }
  const names = keys(value);
  for (let i = 0; i < names.length; i++) look((value as Record<string, unknown>)[names[i]!]);
  return inside;
}
