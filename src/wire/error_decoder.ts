import { findErrorClass } from "./error_classes.ts";
import { MAX_DEPTH, MAX_ERRORS, MAX_ITEMS, MAX_PROPERTIES } from "./error_record.ts";
import type {
  Encoded,
  EncodedError,
  EncodedNode,
  ErrorGraph,
  ErrorRecord,
} from "./error_record.ts";

// As it was before any task could change it.
const { isArray } = Array;
const { defineProperty, hasOwn } = Object;

function push<T>(array: T[], value: T): void {
  array[array.length] = value;
}

/** What a record was made of. Never throws: junk gives an error that says so. */
export function decodeError(record: unknown): unknown {
  try {
    const { kind } = record as ErrorRecord;
    if (kind === "value") return (record as { value: unknown }).value;
    if (kind === "errors") {
      const { errors, nodes, root } = record as ErrorGraph;
      const made = makeErrors(errors);
      const filled = fillErrors(made, list(errors, MAX_ERRORS).map(({ props }) => props), nodes);
      if (root !== undefined) return decodeValue(root, made, filled);
      if (made[0] !== undefined) return made[0];
    }
  } catch { /* as any other junk */ }
  return new Error("Worker sent an error that cannot be read");
}

/** Names that would reach a prototype, not the error. */
const HOSTILE_NAMES: Record<string, true> = Object.assign(Object.create(null), {
  ["__proto__"]: true,
  constructor: true,
  prototype: true,
});

/** The errors of a graph, without their properties. */
export function makeErrors(encoded: readonly Omit<EncodedError, "props">[]): Error[] {
  return list(encoded, MAX_ERRORS).map(makeError);
}

/** Gives the errors of a graph their properties, which may lead to any of them. */
export function fillErrors(
  errors: readonly Error[],
  props: readonly EncodedError["props"][],
  encoded: readonly EncodedNode[] = [],
): readonly object[] {
  const nodes = list(encoded, MAX_ITEMS).map(makeNode);
  // A lie may share one list among many: then it would be long only once.
  let left = MAX_ITEMS + MAX_ERRORS;
  for (let i = 0; i < nodes.length; i++) {
    const { kind, items } = encoded[i]!;
    const node = nodes[i]!;
    for (const item of list(items, left)) {
      left--;
      attempt(() => {
        if (kind === "list") {
          return push(node as unknown[], decodeValue(item as Encoded, errors, nodes));
        }
        if (kind === "set") {
          return (node as Set<unknown>).add(decodeValue(item as Encoded, errors, nodes));
        }
        const [key, value] = item as readonly [unknown, Encoded];
        const decoded = decodeValue(value, errors, nodes);
        if (kind === "object") {
          return typeof key === "string" ? define(node, key, decoded, true) : undefined;
        }
        return (node as Map<unknown, unknown>).set(
          decodeValue(key as Encoded, errors, nodes),
          decoded,
        );
      });
    }
  }
  for (let i = 0; i < errors.length; i++) {
    for (const [name, value, isHidden] of list(props[i]!, MAX_PROPERTIES)) {
      if (typeof name !== "string" || hasOwn(HOSTILE_NAMES, name)) continue;
      attempt(() => define(errors[i]!, name, decodeValue(value, errors, nodes), isHidden !== true));
    }
  }
  return nodes;
}

function makeNode({ kind }: EncodedNode): object {
  if (kind === "map") return new Map();
  if (kind === "set") return new Set();
  return kind === "list" ? [] : {};
}

function decodeValue(
  encoded: Encoded,
  errors: readonly Error[],
  nodes: readonly object[],
): unknown {
  if (hasOwn(encoded, "error")) return at(errors, (encoded as { error: number }).error);
  if (hasOwn(encoded, "node")) return at(nodes, (encoded as { node: number }).node);
  return (encoded as { value: unknown }).value;
}

/** Not by anything but a number: a list that lies would be made a text, which may be endless. */
function at<T>(of: readonly T[], index: number): T | undefined {
  return typeof index === "number" ? of[index] : undefined;
}

/** So many of a list, if it is one. */
function list<T>(value: readonly T[], most: number): readonly T[] {
  if (!isArray(value)) throw new TypeError("not a list");
  return value.length > most ? value.slice(0, Math.max(0, most)) : value;
}

/** An error of the nearest class that is known here, without calling a user's constructor. */
function makeError({ classes, name, message, stack }: Omit<EncodedError, "props">): Error {
  if (typeof name !== "string" || typeof message !== "string") throw new TypeError("not an error");
  if (classes[0] === "DOMException" && typeof DOMException === "function") {
    const exception = new DOMException(message, name);
    if (typeof stack === "string") attempt(() => define(exception, "stack", stack, false));
    return exception;
  }
  const error: Error = Reflect.construct(
    Error,
    [message],
    findErrorClass(list(classes, MAX_DEPTH)),
  );
  if (attempt(() => error.name) !== name) attempt(() => define(error, "name", name, false));
  if (typeof stack === "string") attempt(() => define(error, "stack", stack, false));
  return error;
}

function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  // Without a prototype: a task may have given Object.prototype a `get`.
  defineProperty(
    object,
    key,
    {
      __proto__: null,
      value,
      enumerable,
      configurable: true,
      writable: true,
    } as PropertyDescriptor,
  );
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
