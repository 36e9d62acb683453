import {
  addToSet,
  append,
  construct,
  define,
  ErrorOf,
  ExceptionOf,
  hasOwn,
  isArray,
  MapOf,
  putInMap,
  SetOf,
  TypeErrorOf,
} from "./originals.ts";
import { findErrorClass } from "./error_classes.ts";
import { MAX_DEPTH, MAX_ERRORS, MAX_ITEMS, MAX_PROPERTIES } from "./error_record.ts";
import type {
  Encoded,
  EncodedError,
  EncodedNode,
  ErrorGraph,
  ErrorRecord,
} from "./error_record.ts";

/** What a record was made of. Never throws: junk gives an error that says so. */
export function decodeError(record: unknown): unknown {
  try {
    const { kind } = record as ErrorRecord;
    if (kind === "value") return (record as { value: unknown }).value;
    if (kind === "errors") {
      const { errors } = record as ErrorGraph;
      const nodes = hasOwn(record as object, "nodes") ? (record as ErrorGraph).nodes : undefined;
      const root = hasOwn(record as object, "root") ? (record as ErrorGraph).root : undefined;
      const made = makeErrors(errors);
      const filled = fillErrors(made, propsOf(list(errors, MAX_ERRORS)), nodes);
      if (root !== undefined) return decodeValue(root, made, filled);
      if (made[0] !== undefined) return made[0];
    }
  } catch { /* as any other junk */ }
  return new ErrorOf("Worker sent an error that cannot be read");
}

function propsOf(encoded: readonly EncodedError[]): EncodedError["props"][] {
  const props: EncodedError["props"][] = [];
  for (let i = 0; i < encoded.length; i++) append(props, encoded[i]!.props);
  return props;
}

/** Names that would reach a prototype, not the error. */
const HOSTILE_NAMES: Record<string, true> = Object.assign(Object.create(null), {
  ["__proto__"]: true,
  constructor: true,
  prototype: true,
});

/** The errors of a graph, without their properties. */
export function makeErrors(encoded: readonly Omit<EncodedError, "props">[]): Error[] {
  const some = list(encoded, MAX_ERRORS);
  const made: Error[] = [];
  for (let i = 0; i < some.length; i++) append(made, makeError(some[i]!));
  return made;
}

/** Gives the errors of a graph their properties, which may lead to any of them. */
export function fillErrors(
  errors: readonly Error[],
  props: readonly EncodedError["props"][],
  encoded: readonly EncodedNode[] = [],
): readonly object[] {
  const lists = list(encoded, MAX_ITEMS);
  const nodes: object[] = [];
  for (let i = 0; i < lists.length; i++) append(nodes, makeNode(lists[i]!));
  // A lie may share one list among many: then it would be long only once.
  let left = MAX_ITEMS + MAX_ERRORS;
  for (let i = 0; i < nodes.length; i++) {
    const { kind } = lists[i]!;
    const items = list(lists[i]!.items, left);
    left -= items.length;
    for (let k = 0; k < items.length; k++) {
      attempt(() => fillNode(kind, nodes[i]!, items[k]!, errors, nodes));
    }
  }
  for (let i = 0; i < errors.length; i++) {
    const own = list(props[i]!, MAX_PROPERTIES);
    for (let k = 0; k < own.length; k++) {
      const name = own[k]![0];
      if (typeof name !== "string" || hasOwn(HOSTILE_NAMES, name)) continue;
      attempt(() => {
        const isHidden = own[k]!.length > 2 && own[k]![2] === true;
        define(errors[i]!, name, decodeValue(own[k]![1], errors, nodes), !isHidden);
      });
    }
  }
  return nodes;
}

/** Puts an item into its container. */
function fillNode(
  kind: EncodedNode["kind"],
  node: object,
  item: EncodedNode["items"][number],
  errors: readonly Error[],
  nodes: readonly object[],
): void {
  const read = (value: unknown): unknown => decodeValue(value as Encoded, errors, nodes);
  if (kind === "list") return append(node as unknown[], read(item));
  if (kind === "set") return addToSet(node, read(item));
  const pair = item as readonly [unknown, Encoded];
  const value = read(pair[1]);
  if (kind === "map") return putInMap(node, read(pair[0]), value);
  if (typeof pair[0] === "string") define(node, pair[0], value);
}

function makeNode({ kind }: EncodedNode): object {
  if (kind === "map") return new MapOf();
  if (kind === "set") return new SetOf();
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
  if (!isArray(value)) throw new TypeErrorOf("not a list");
  if (value.length <= most) return value;
  const some: T[] = [];
  for (let i = 0; i < most; i++) append(some, value[i]!);
  return some;
}

/** An error of the nearest class that is known here, without calling a user's constructor. */
function makeError({ classes, name, message, stack }: Omit<EncodedError, "props">): Error {
  if (typeof name !== "string" || typeof message !== "string") {
    throw new TypeErrorOf("not an error");
  }
  if (classes[0] === "DOMException" && typeof ExceptionOf === "function") {
    const exception = new ExceptionOf(message, name);
    if (typeof stack === "string") attempt(() => define(exception, "stack", stack, false));
    return exception;
  }
  const error: Error = construct(
    ErrorOf,
    [message],
    findErrorClass(list(classes, MAX_DEPTH)),
  );
  if (attempt(() => error.name) !== name) attempt(() => define(error, "name", name, false));
  if (typeof stack === "string") attempt(() => define(error, "stack", stack, false));
  return error;
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
