import { clock } from "../futures/clock.ts";
import {
  append,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  ownNames,
  SafeMap,
  StringOf,
  textSlice,
} from "./originals.ts";
import { cloneError } from "./clone_error.ts";
import { qualifiedName } from "./error_classes.ts";
import { MAX_DEPTH, MAX_ERRORS, MAX_ITEMS, MAX_PROPERTIES } from "./error_record.ts";
import type {
  Encoded,
  EncodedError,
  EncodedNode,
  EncodedProperty,
  ErrorRecord,
} from "./error_record.ts";
import { ErrorScan, lookInto } from "./error_scan.ts";
import { withoutProgram } from "./program_text.ts";
import { isDOMException, isError, kindOf } from "./value_kind.ts";

/** Length of a message or a stack at the most; a longer one would cost more to send than it tells. */
const MAX_TEXT = 64 * 1024;

/** Length of all stacks together at the most; the errors after that have none. */
const MAX_STACKS = 32 * 1024 * 1024;

/** Milliseconds that one graph may take; what comes later is left out. */
const MAX_TIME = 2_000;

/** Milliseconds that the stacks of one graph may take. In a thread of Deno each takes 2 ms to be made. */
const MAX_STACK_TIME = 100;

/** So many errors have their stacks however long they take. */
const SURE_STACKS = 32;

/** What stands for what was too much. */
const LEFT_OUT = "[more was left out]";

/**
 * A record of anything that can be thrown. Never throws.
 *
 * @param check Throws for a value that cannot be sent; see {@linkcode cloneError}.
 */
export function encodeError(thrown: unknown, check?: Check): ErrorRecord {
  return encodeGraph(thrown, check).record;
}

/**
 * The same, with the errors that are in the record.
 *
 * @param isKnown Whether an object was sent before, an error or what holds it: then it is named again.
 */
export function encodeGraph(
  thrown: unknown,
  check?: Check,
  isKnown?: (object: object) => boolean,
): { readonly record: ErrorRecord; readonly found: readonly object[] } {
  try {
    return new Encoder(check, isKnown).encode(thrown);
  } catch {
    return {
      record: plainError("Task threw something that cannot be looked at"),
      found: [],
    };
  }
}

function plainError(message: string): ErrorRecord {
  return {
    kind: "errors",
    errors: [{ classes: ["Error"], name: "Error", message, stack: undefined, props: [] }],
  };
}

type Check = (value: unknown) => unknown;

/** Walks a graph of errors breadth first, without recursion. */
class Encoder {
  readonly #found: object[] = [];
  readonly #depths: number[] = [];
  readonly #index: SafeMap<object, number> = new SafeMap();
  readonly #containers: { readonly container: object; readonly depth: number }[] = [];
  readonly #nodeIndex: SafeMap<object, number> = new SafeMap();
  readonly #scan: ErrorScan = new ErrorScan();
  /** Whether an object can be cloned, which is asked once. */
  readonly #cloneable: SafeMap<object, boolean> = new SafeMap();
  readonly #check: Check | undefined;
  readonly #isKnown: ((object: object) => boolean) | undefined;
  readonly #until: number = clock.now() + MAX_TIME;
  readonly #stacksUntil: number = clock.now() + MAX_STACK_TIME;
  #items = MAX_ITEMS;
  #stacks = MAX_STACKS;

  constructor(check: Check | undefined, isKnown: ((object: object) => boolean) | undefined) {
    this.#check = check;
    this.#isKnown = isKnown;
  }

  encode(thrown: unknown): { readonly record: ErrorRecord; readonly found: readonly object[] } {
    let root: Encoded | undefined;
    if (isError(thrown)) this.#link(thrown, 0);
    else {
      root = this.#encodeValue(thrown, 0);
      if (root === undefined) {
        const message = `Task threw ${describe(thrown)}, which cannot be sent`;
        return { record: plainError(message), found: [] };
      }
      if (hasOwn(root, "value")) {
        return { record: { kind: "value", value: (root as { value: unknown }).value }, found: [] };
      }
    }
    const errors: EncodedError[] = [];
    const nodes: EncodedNode[] = [];
    while (errors.length < this.#found.length || nodes.length < this.#containers.length) {
      if (errors.length < this.#found.length) append(errors, this.#encodeOne(errors.length));
      else append(nodes, this.#encodeNode(this.#containers[nodes.length]!));
    }
    const record = {
      kind: "errors" as const,
      errors,
      ...(nodes.length === 0 ? {} : { nodes }),
      ...(root === undefined ? {} : { root }),
    };
    return { record, found: this.#found };
  }

  #encodeOne(index: number): EncodedError {
    const error = this.#found[index]!;
    const depth = this.#depths[index]!;
    const props: EncodedProperty[] = [];
    const isLate = this.#isLate;
    const names = isLate ? [] : attempt(() => ownNames(error)) ?? [];
    for (let i = 0; i < names.length && props.length < MAX_PROPERTIES; i++) {
      const name = names[i]!;
      const isHidden = !isEnumerable(error, name);
      // The engine's own; what is not enumerable and of these names is nobody's message.
      if (isHidden && hasOwn(ENGINE_PROPERTIES, name)) continue;
      const encoded = attempt(() => this.#encodeValue(read(error, name), depth));
      if (encoded === undefined) continue;
      append(props, isHidden ? [name, encoded, true] : [name, encoded]);
    }
    const hasStack = this.#stacks > 0 && !isLate &&
      (index < SURE_STACKS || clock.now() < this.#stacksUntil);
    const stack = hasStack ? text(attempt(() => read(error, "stack"))) : undefined;
    this.#stacks -= stack?.length ?? 0;
    return {
      classes: isDOMException(error) ? ["DOMException"] : classNames(error),
      name: text(attempt(() => read(error, "name"))) ?? "Error",
      message: text(attempt(() => read(error, "message"))) ?? "",
      stack,
      props,
    };
  }

  #encodeNode({ container, depth }: { container: object; depth: number }): EncodedNode {
    const values: unknown[] = [];
    const keys: unknown[] = [];
    const kind = lookInto(container, (value, key) => {
      if (values.length >= this.#items) return;
      append(values, value);
      append(keys, key);
    }) ?? "object";
    this.#items -= values.length;
    const isPlain = kind === "list" || kind === "set";
    const items: (Encoded | [unknown, Encoded])[] = [];
    for (let i = 0; i < values.length; i++) {
      const encoded = this.#encodeValue(values[i], depth);
      if (kind === "object") {
        if (encoded !== undefined) append(items, [keys[i], encoded]);
        continue;
      }
      const item = encoded ?? { value: describe(values[i]) };
      if (isPlain) append(items, item);
      else append(items, [this.#encodeValue(keys[i], depth) ?? { value: describe(keys[i]) }, item]);
    }
    return { kind, items };
  }

  #encodeValue(value: unknown, depth: number): Encoded | undefined {
    if (typeof value === "string") return { value: withoutProgram(value) };
    if (typeof value !== "object" || value === null) {
      return typeof value === "symbol" || typeof value === "function" ? undefined : { value };
    }
    if (this.#isKnown?.(value)) return { value };
    if (isError(value)) {
      const index = this.#link(value, depth + 1);
      return index === undefined ? { value: LEFT_OUT } : { error: index };
    }
    if (this.#scan.leadsToErrors(value)) {
      let index = this.#nodeIndex.get(value);
      if (index === undefined) {
        index = this.#containers.length;
        this.#nodeIndex.set(value, index);
        append(this.#containers, { container: value, depth });
      }
      return { node: index };
    }
    let isCloneable = this.#cloneable.get(value);
    if (isCloneable === undefined) {
      isCloneable = !this.#isLate && cloneError(value, this.#check) === undefined;
      this.#cloneable.set(value, isCloneable);
    }
    return isCloneable ? { value } : undefined;
  }

  /** The number of an error in the graph; none if the graph is full or too deep. */
  #link(error: object, depth: number): number | undefined {
    const known = this.#index.get(error);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH || this.#found.length >= MAX_ERRORS) return undefined;
    // Each 64th look, because a clock is slow in places.
    if (this.#found.length % 64 === 63 && this.#isLate) return undefined;
    const index = this.#found.length;
    append(this.#found, error);
    append(this.#depths, depth);
    this.#index.set(error, index);
    return index;
  }

  get #isLate(): boolean {
    return clock.now() > this.#until;
  }
}

/** What engines put beside the message. */
const ENGINE_PROPERTIES: Record<string, true> = Object.assign(Object.create(null), {
  message: true,
  stack: true,
  line: true,
  column: true,
  sourceURL: true,
  originalLine: true,
  originalColumn: true,
  fileName: true,
  lineNumber: true,
  columnNumber: true,
});

/** Class names from the error's own down to the first that is built in. */
function classNames(error: object): string[] {
  const names: string[] = [];
  let prototype = attempt(() => getPrototypeOf(error)) as object | null | undefined;
  for (let i = 0; prototype && i < MAX_DEPTH; i++) {
    const current = prototype;
    const name = attempt(() => qualifiedName(current));
    if (typeof name === "string" && name !== "" && name !== "Object") append(names, name);
    prototype = attempt(() => getPrototypeOf(current)) as object | null | undefined;
  }
  return names;
}

function isEnumerable(error: object, key: string): boolean {
  return attempt(() => getOwnPropertyDescriptor(error, key)?.enumerable) ?? false;
}

function describe(value: unknown): string {
  if (typeof value === "symbol" || typeof value === "function") {
    return attempt(() => textSlice(StringOf(value), 0, 200)) ?? `a ${typeof value}`;
  }
  if (typeof value !== "object" || value === null) return `${value}`;
  return attempt(() => `[object ${kindOf(value)}]`) ?? "an object";
}

function read(object: object, key: string): unknown {
  return (object as Record<string, unknown>)[key];
}

function text(value: unknown): string | undefined {
  if (value === undefined || typeof value === "symbol") return undefined;
  // What an object says of itself may be endless, as that of lists that share lists.
  const whole = typeof value === "object" && value !== null || typeof value === "function"
    ? describe(value)
    : `${value}`;
  return textSlice(withoutProgram(textSlice(whole, 0, MAX_TEXT * 4)), 0, MAX_TEXT);
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
