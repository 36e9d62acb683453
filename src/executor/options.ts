import { isSignal } from "../futures/deadline.ts";
import { checkNames } from "../futures/known_options.ts";
import { show } from "../futures/show.ts";

/** Checks of options and arguments: each throws at once, before anything is started. */

/**
 * A count: a positive safe integer.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is another number.
 */
export function checkCount(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number") {
    throw new TypeError(`Cannot use ${name}: expected a positive integer, got ${show(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`Cannot use ${name}: expected a positive integer, got ${value}`);
  }
  return value;
}

/**
 * A time in milliseconds; `undefined` for none and for `Infinity`.
 *
 * @throws {TypeError} If it is not a number, or `NaN`.
 */
export function checkTime(name: string, value: unknown): number | undefined {
  if (value === undefined || value === Infinity) return undefined;
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`Cannot use ${name}: expected milliseconds, got ${show(value)}`);
  }
  return Math.max(0, value);
}

/** So many workers no machine has; starting them all would take the program down first. */
const MOST_WORKERS = 2 ** 16;

/**
 * A count of workers.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is another number than a count, or absurd.
 */
export function checkWorkers(name: string, value: unknown): number | undefined {
  const count = checkCount(name, value);
  if (count === undefined || count <= MOST_WORKERS) return count;
  throw new RangeError(`Cannot use ${name}: expected at most ${MOST_WORKERS}, got ${count}`);
}

/** A function, or nothing. */
export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new TypeError(`Cannot use ${name}: expected a function, got ${show(value)}`);
  }
}

/** A string, or nothing. */
export function checkString(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "string") {
    throw new TypeError(`Cannot use ${name}: expected a string, got ${show(value)}`);
  }
}

/** True, false, or nothing. */
export function checkBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean") {
    throw new TypeError(`Cannot use ${name}: expected true or false, got ${show(value)}`);
  }
}

/** An object, or nothing. */
export function checkObject(name: string, value: unknown): void {
  if (value !== undefined && (typeof value !== "object" || value === null)) {
    throw new TypeError(`Cannot use ${name}: expected an object, got ${show(value)}`);
  }
}

/** Variables of an environment: texts, where one may be left out by `undefined`. */
export function checkEnvironment(value: unknown): void {
  checkObject("env", value);
  for (const [name, text] of Object.entries(value ?? {})) {
    if (text === undefined || typeof text === "string") continue;
    throw new TypeError(`Cannot use env: expected ${name} to be a string, got ${show(text)}`);
  }
}

/** A runtime of the user's own, or nothing. */
export function checkRuntime(value: unknown): void {
  checkObject("runtime", value);
  if (value === undefined) return;
  const runtime = value as Record<string, unknown>;
  checkObject("runtime.capabilities", runtime["capabilities"] ?? null);
  for (const method of ["availableParallelism", "unsupported", "timer", "spawn"]) {
    if (typeof runtime[method] === "function") continue;
    throw new TypeError(
      `Cannot use runtime: expected a method ${method}, got ${show(runtime[method])}`,
    );
  }
}

/** An options object that has no options but these, or nothing. */
export function checkOptions(user: string, value: unknown, names: readonly string[]): void {
  checkObject(`options of ${user}`, value);
  if (value !== undefined) checkNames(user, value as object, names);
}

/** An `AbortSignal`, of any realm, or nothing. */
export function checkSignal(name: string, value: unknown): void {
  if (value === undefined || isSignal(value)) return;
  throw new TypeError(`Cannot use ${name}: expected an AbortSignal, got ${show(value)}`);
}
