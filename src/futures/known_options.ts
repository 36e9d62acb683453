import { hasOwn, keys, TypeErrorOf } from "./originals.ts";

/** What options are called elsewhere, without `_` and in lower case; what to say in their place. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  workers: ["maxWorkers", "processes"],
  threads: ["maxWorkers", "processes"],
  processes: ["maxWorkers"],
  maxthreads: ["maxWorkers", "processes"],
  maxworkers: ["maxWorkers", "processes"],
  poolsize: ["maxWorkers", "processes"],
  concurrency: ["maxWorkers", "processes"],
  mpcontext: ["command"],
  execpath: ["command"],
  onerror: ["errorCallback"],
  abortsignal: ["signal"],
};

/**
 * Refuses options that do not exist: a misspelt one would change nothing, and nobody would know. Only
 * an object's own enumerable properties are looked at; one that is `undefined` asks for nothing.
 *
 * @param user Who takes the options, as the error names it.
 * @param options An object.
 * @param names The options there are.
 * @throws {TypeError} If there is another one; its message names the nearest.
 */
export function checkNames(user: string, options: object, names: readonly string[]): void {
  const given = keys(options);
  for (let i = 0; i < given.length; i++) {
    const name = given[i]!;
    if ((options as Record<string, unknown>)[name] === undefined || isAmong(names, name)) continue;
    const near = nearest(name, names);
    const instead = near === undefined ? `it takes ${names.join(", ")}` : `did you mean ${near}?`;
    throw new TypeErrorOf(`Cannot use ${name}: ${user} has no such option; ${instead}`);
  }
}

function isAmong(names: readonly string[], name: string): boolean {
  for (let i = 0; i < names.length; i++) if (names[i] === name) return true;
  return false;
}

/** The name that was probably meant; none, if none is like it. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const plain = plainly(given);
  const known = hasOwn(OTHER_NAMES, plain) ? OTHER_NAMES[plain]! : [];
  let best = names.find((name) => plainly(name) === plain) ??
    known.find((name) => names.includes(name));
  if (best !== undefined || plain.length > 64) return best;
  let least = Infinity;
  for (const name of names) {
    const other = plainly(name);
    // One that is part of the other is nearer than the letters tell.
    const isPart = plain.includes(other) || other.includes(plain);
    const distance = isPart && Math.min(plain.length, other.length) > 3
      ? 1 + Math.abs(plain.length - other.length) / 100
      : distanceOf(plain, other);
    if (distance < least && distance <= Math.max(2, Math.max(plain.length, other.length) / 2.5)) {
      best = name;
      least = distance;
    }
  }
  return best;
}

/** A name without its spelling, and without a unit. */
function plainly(name: string): string {
  return name.replace(/[_-]/g, "").toLowerCase().replace(/t(ms|millis|s|seconds)$/, "t");
}

/** How many letters must be put in, left out or replaced. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced));
    }
    row = next;
  }
  return row[b.length]!;
}
