/**
 * Errors as plain records, and back. Structured clone loses classes, own properties,
 * `AggregateError.errors`, in places `cause`, and in Safari the whole error; a record loses only
 * what cannot be cloned at all. Nothing that can be thrown breaks it: every look at a thrown value
 * may itself throw, and is guarded.
 *
 * @module
 */

import { cloneError } from "./clone_error.ts";

/** Errors of one graph at the most; beyond are only noise, and a chain of 10,000 would overflow stacks. */
const MAX_ERRORS = 2_000;

/** Links of a chain of causes at the most. */
const MAX_DEPTH = 100;

/** Own properties of one error at the most. */
const MAX_PROPERTIES = 100;

/** Length of a message or a stack at the most; a longer one would cost more to send than it tells. */
const MAX_TEXT = 64 * 1024;

/** The program's own text, where a runtime names a worker by its URL: nobody wants to read it. */
const PROGRAM_URL = /data:text\/javascript,[^\s'"]{200,}/g;

/** What can be thrown, as it travels: a value, or a graph of errors. */
export type ErrorRecord =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "errors"; readonly errors: readonly EncodedError[] };

/** One error of a graph; the first is the one that was thrown. */
export interface EncodedError {
  /** Names of its classes, the nearest first, down to the built-in one. */
  readonly classes: readonly string[];
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own properties, as `[name, link or value]`. */
  readonly props: readonly (readonly [string, Encoded])[];
}

/** A value of a property: cloneable as it is, an error of the graph, or a list of such. */
type Encoded =
  | { readonly value: unknown }
  | { readonly error: number }
  | { readonly list: readonly Encoded[] };

type ErrorClass = new (...args: never[]) => Error;

/** Built-in and registered classes by name. No prototype: a hostile name reaches nothing. */
const CLASSES: Record<string, ErrorClass> = Object.assign(Object.create(null), {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
});
const { SuppressedError: Suppressed } = globalThis as { SuppressedError?: ErrorClass };
if (Suppressed !== undefined) CLASSES["SuppressedError"] = Suppressed;

/**
 * Makes errors of a class arrive as instances of it, when a task throws one.
 *
 * The class's constructor is not called: the error gets its prototype and the properties that could
 * be cloned. Without it, a `MyError extends RangeError` arrives as a `RangeError` named "MyError".
 *
 * @param errorClass The class; it is found by its `name`.
 * @throws {TypeError} If it is not a class of errors, or has no name.
 *
 * @example Usage
 * ```ts
 * import { InlineExecutor, registerError } from "@concurrent/futures";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * class HttpError extends Error {
 *   status = 404;
 * }
 * registerError(HttpError);
 *
 * await using executor = new InlineExecutor();
 * const future = executor.submit(() => {
 *   throw new HttpError("Not found");
 * });
 * const error = await assertRejects(() => future.result(), HttpError, "Not found");
 * assertEquals(error.status, 404);
 * ```
 */
export function registerError(errorClass: new (...args: never[]) => Error): void {
  if (typeof errorClass !== "function" || !(errorClass.prototype instanceof Error)) {
    throw new TypeError("Cannot register an error: expected a class that extends Error");
  }
  if (errorClass.name === "") {
    throw new TypeError("Cannot register an error: its class has no name");
  }
  CLASSES[errorClass.name] = errorClass;
}

/**
 * A record of anything that can be thrown. Never throws.
 *
 * @param check Throws for a value that cannot be sent; see {@linkcode cloneError}.
 */
export function encodeError(thrown: unknown, check?: Check): ErrorRecord {
  try {
    if (!isError(thrown)) {
      if (isCloneable(thrown, check)) return { kind: "value", value: thrown };
      return plainError(`Task threw ${describe(thrown)}, which cannot be sent`);
    }
    return new Encoder(check).encode(thrown);
  } catch {
    return plainError("Task threw something that cannot be looked at");
  }
}

/** What a record was made of. Never throws: junk gives an error that says so. */
export function decodeError(record: unknown): unknown {
  try {
    const { kind } = record as ErrorRecord;
    if (kind === "value") return (record as { value: unknown }).value;
    if (kind === "errors") return decodeGraph((record as { errors: EncodedError[] }).errors);
  } catch { /* as any other junk */ }
  return new Error("Worker sent an error that cannot be read");
}

function plainError(message: string): ErrorRecord {
  return {
    kind: "errors",
    errors: [{ classes: ["Error"], name: "Error", message, stack: undefined, props: [] }],
  };
}

type Check = (value: unknown) => unknown;

/** Walks a graph of errors breadth first, without recursion into causes. */
class Encoder {
  readonly #found: { readonly error: object; readonly depth: number }[] = [];
  readonly #index = new Map<object, number>();
  readonly #check: Check | undefined;

  constructor(check: Check | undefined) {
    this.#check = check;
  }

  encode(thrown: object): ErrorRecord {
    this.#link(thrown, 0);
    const errors: EncodedError[] = [];
    for (let i = 0; i < this.#found.length; i++) {
      const { error, depth } = this.#found[i]!;
      errors.push(this.#encodeOne(error, depth));
    }
    return { kind: "errors", errors };
  }

  #encodeOne(error: object, depth: number): EncodedError {
    const props: [string, Encoded][] = [];
    const keys = attempt(() => Object.getOwnPropertyNames(error)) ?? [];
    const isException = isDOMException(error);
    for (const key of keys) {
      if (key === "message" || key === "stack" || props.length >= MAX_PROPERTIES) continue;
      // Enumerable ones are the user's; of the others only those that the language defines.
      if (!LANGUAGE_PROPERTIES.has(key) && !isEnumerable(error, key)) continue;
      const encoded = attempt(() => this.#encodeValue(read(error, key), depth));
      if (encoded !== undefined) props.push([key, encoded]);
    }
    return {
      classes: isException ? ["DOMException"] : classNames(error),
      name: text(attempt(() => read(error, "name"))) ?? "Error",
      message: text(attempt(() => read(error, "message"))) ?? "",
      stack: text(attempt(() => read(error, "stack"))),
      props,
    };
  }

  #encodeValue(value: unknown, depth: number): Encoded | undefined {
    if (isError(value)) {
      const index = this.#link(value, depth + 1);
      return index === undefined ? { value: "[more errors were left out]" } : { error: index };
    }
    if (Array.isArray(value) && value.length <= MAX_ERRORS && value.some(isError)) {
      const list: Encoded[] = [];
      for (const item of value) {
        list.push(this.#encodeValue(item, depth) ?? { value: describe(item) });
      }
      return { list };
    }
    return isCloneable(value, this.#check) ? { value } : undefined;
  }

  /** The number of an error in the graph; none if the graph is full or too deep. */
  #link(error: object, depth: number): number | undefined {
    const known = this.#index.get(error);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH || this.#found.length >= MAX_ERRORS) return undefined;
    const index = this.#found.length;
    this.#found.push({ error, depth });
    this.#index.set(error, index);
    return index;
  }
}

/** Own properties that the language gives errors, none of them enumerable. */
const LANGUAGE_PROPERTIES = new Set(["cause", "errors", "error", "suppressed"]);

/** Names that would reach a prototype, not the error. */
const HOSTILE_NAMES = new Set(["__proto__", "constructor", "prototype"]);

function decodeGraph(encoded: readonly EncodedError[]): unknown {
  const errors = makeErrors(encoded);
  fillErrors(errors, encoded.map(({ props }) => props));
  return errors[0] ?? new Error("Worker sent an error that cannot be read");
}

/** The errors of a graph, without their properties. */
export function makeErrors(encoded: readonly Omit<EncodedError, "props">[]): Error[] {
  return encoded.map(makeError);
}

/** Gives the errors of a graph their properties, which may lead to any of them. */
export function fillErrors(
  errors: readonly Error[],
  props: readonly EncodedError["props"][],
): void {
  for (let i = 0; i < errors.length; i++) {
    for (const [key, value] of props[i]!) {
      if (HOSTILE_NAMES.has(key)) continue;
      attempt(() =>
        Object.defineProperty(errors[i]!, key, {
          value: decodeValue(value, errors),
          enumerable: !LANGUAGE_PROPERTIES.has(key),
          configurable: true,
          writable: true,
        })
      );
    }
  }
}

function decodeValue(encoded: Encoded, errors: readonly Error[]): unknown {
  if ("error" in encoded) return errors[encoded.error];
  if ("list" in encoded) return encoded.list.map((item) => decodeValue(item, errors));
  return encoded.value;
}

/** An error of the nearest class that is known here, without calling a user's constructor. */
function makeError({ classes, name, message, stack }: Omit<EncodedError, "props">): Error {
  if (classes[0] === "DOMException" && typeof DOMException === "function") {
    const exception = new DOMException(message, name);
    define(exception, "stack", stack);
    return exception;
  }
  const known = classes.find((className) => Object.hasOwn(CLASSES, className)) ?? "Error";
  const error: Error = Reflect.construct(Error, [message], CLASSES[known]!);
  if (attempt(() => error.name) !== name) define(error, "name", name);
  define(error, "stack", stack);
  return error;
}

function define(error: Error, key: string, value: unknown): void {
  if (value === undefined) return;
  attempt(() =>
    Object.defineProperty(error, key, {
      value,
      enumerable: false,
      configurable: true,
      writable: true,
    })
  );
}

function isError(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return attempt(() => value instanceof Error || isDOMException(value)) ?? false;
}

function isDOMException(value: unknown): boolean {
  return typeof DOMException === "function" &&
    (attempt(() => value instanceof DOMException) ?? false);
}

/** Class names from the error's own down to the first that is built in. */
function classNames(error: object): string[] {
  const names: string[] = [];
  let prototype = attempt(() => Object.getPrototypeOf(error)) as object | null | undefined;
  while (prototype && names.length < MAX_DEPTH) {
    const current = prototype;
    const name = text(attempt(() => (read(current, "constructor") as { name?: unknown })?.name));
    if (name !== undefined && name !== "" && name !== "Object") names.push(name);
    prototype = attempt(() => Object.getPrototypeOf(current)) as object | null | undefined;
  }
  return names;
}

function isEnumerable(error: object, key: string): boolean {
  return attempt(() => Object.prototype.propertyIsEnumerable.call(error, key)) ?? false;
}

function isCloneable(value: unknown, check: Check | undefined): boolean {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    return typeof value !== "symbol";
  }
  return cloneError(value, check) === undefined;
}

function describe(value: unknown): string {
  if (typeof value === "symbol" || typeof value === "function") {
    return attempt(() => String(value).slice(0, 200)) ?? `a ${typeof value}`;
  }
  return attempt(() => Object.prototype.toString.call(value)) ?? "an object";
}

function read(object: object, key: string): unknown {
  return (object as Record<string, unknown>)[key];
}

function text(value: unknown): string | undefined {
  if (value === undefined || typeof value === "symbol") return undefined;
  const whole = attempt(() => String(value));
  return whole?.slice(0, MAX_TEXT * 4).replace(PROGRAM_URL, "concurrent-futures-worker.js")
    .slice(0, MAX_TEXT);
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
