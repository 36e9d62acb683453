/** The form in which errors travel: types and bounds. Nothing here makes or reads them. */

/** Errors of one graph at the most. */
export const MAX_ERRORS = 100_000;

/** Links of a chain of causes at the most. */
export const MAX_DEPTH = 100;

/** Own properties of one error at the most. */
export const MAX_PROPERTIES = 100;

/** Values in containers that lead to errors, at the most. */
export const MAX_ITEMS = 1_000_000;

/** What can be thrown, as it travels: a value, or a graph of errors. */
export type ErrorRecord = { readonly kind: "value"; readonly value: unknown } | ErrorGraph;

/** Errors that lead to each other. */
export interface ErrorGraph {
  readonly kind: "errors";
  /** The first is the one that was thrown, but for `root`. */
  readonly errors: readonly EncodedError[];
  /** Lists, objects, maps and sets that lead to errors. */
  readonly nodes?: readonly EncodedNode[];
  /** What was thrown, if it was no error but led to one. */
  readonly root?: Encoded;
}

/** One error of a graph. */
export interface EncodedError {
  /** Names of its classes, the nearest first, down to the built-in one. */
  readonly classes: readonly string[];
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own properties, as name, link or value, and whether it is hidden: not enumerable. */
  readonly props: readonly EncodedProperty[];
}

/** Name, link or value, and whether it is hidden: not enumerable. */
export type EncodedProperty = readonly [string, Encoded] | readonly [string, Encoded, boolean];

/** A value: cloneable as it is, an error of the graph, or a container of it. */
export type Encoded =
  | { readonly value: unknown }
  | { readonly error: number }
  | { readonly node: number };

/** A container; the items of objects and maps are pairs. */
export interface EncodedNode {
  readonly kind: "list" | "object" | "map" | "set";
  readonly items: readonly (Encoded | readonly [unknown, Encoded])[];
}
