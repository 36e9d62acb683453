/**
 * What `console.log` says of futures and executors, on the runtimes that ask their objects.
 *
 * @module
 */

import { define, ErrorOf, getOwnPropertyDescriptor, getPrototypeOf } from "./originals.ts";
import { show } from "./show.ts";

/** Node and Bun ask this method, Deno the other. */
const NODE_INSPECT = Symbol.for("nodejs.util.inspect.custom");
const DENO_INSPECT = Symbol.for("Deno.customInspect");

/** Shows a value as it stands inside of another. */
export type Inspect = (value: unknown) => string;

type RuntimeInspect = (value: unknown, options: unknown) => string;

interface Options {
  readonly depth?: number | null | undefined;
  /** Deno's: how deep the object stands. */
  readonly currentDepth?: number | undefined;
}

/** Objects that are being described: one may hold itself. */
const open = new Set<unknown>();

/**
 * Lets a class tell what its objects are. It is asked when one is printed, and reads only what the
 * library itself keeps: printing settles and starts nothing.
 *
 * @param prototype Of the class.
 * @param name What the class is called.
 * @param describe What an object is. It may throw: a class's own prototype is none.
 */
export function describeAs<T>(
  prototype: object,
  name: string,
  describe: (object: T, inspect: Inspect) => string,
): void {
  const text = (object: T, inspect: Inspect): string => {
    if (open.has(object)) return "[Circular]";
    open.add(object);
    try {
      return describe(object, inspect);
    } catch {
      return `[${name}]`;
    } finally {
      open.delete(object);
    }
  };
  const ofNode = function (
    this: T,
    depth: number | null,
    options: Options,
    inspect: RuntimeInspect,
  ): string {
    return text(this, innerOf(depth, options, inspect));
  };
  const ofDeno = function (this: T, inspect: RuntimeInspect, options: Options): string {
    // Deno counts from the outermost value, but not in calls of `inspect`.
    const depth = (options?.depth ?? 4) - (options?.currentDepth ?? 0);
    return text(this, innerOf(depth, options, inspect));
  };
  define(prototype, NODE_INSPECT, ofNode, false);
  define(prototype, DENO_INSPECT, ofDeno, false);
}

/** Shows what an object holds, one level deeper than the object. */
function innerOf(
  depth: number | null | undefined,
  options: Options | undefined,
  inspect: RuntimeInspect | undefined,
): Inspect {
  return (value) => {
    if (typeof inspect !== "function") return show(value);
    const left = typeof depth === "number" ? depth - 1 : Infinity;
    if (left < 0 && typeof value === "object" && value !== null) return `[${show(value)}]`;
    return inspect(value, { ...options, depth: left });
  };
}

/** What was thrown, in a line: name and message of an error, read without its getters. */
export function inspectThrown(thrown: unknown, inspect: Inspect): string {
  if (!(thrown instanceof ErrorOf)) return inspect(thrown);
  const name = dataOf(thrown, "name") ?? "Error";
  const message = dataOf(thrown, "message") ?? "";
  return message === "" ? name : `${name}: ${message}`;
}

/** A text that an object or its prototypes have as a plain property. */
function dataOf(object: object, key: string): string | undefined {
  let holder: object | null = object;
  for (let i = 0; holder !== null && i < 100; i++) {
    const found = getOwnPropertyDescriptor(holder, key);
    if (found !== undefined) return typeof found.value === "string" ? found.value : undefined;
    holder = getPrototypeOf(holder);
  }
  return undefined;
}
