import {
  append,
  forEachOfMap,
  forEachOfSet,
  getPrototypeOf,
  isArray,
  isView,
  keys,
  OBJECT_PROTOTYPE,
  SafeMap,
} from "./originals.ts";
import { withoutProgram } from "./program_text.ts";
import { isError, kindOf } from "./value_kind.ts";

/** Containers that are looked at for one graph; what has more is a value as it is. */
const MAX_CONTAINERS = 200_000;

/** Values in one container that are looked at. */
const MAX_ENTRIES = 1_000_000;

/** What containers there are. */
export type ContainerKind = "list" | "object" | "map" | "set";

/** A container that was looked at. */
interface Note {
  leads: boolean;
  /** Who holds it. */
  readonly holders: Note[];
}

/**
 * Finds the containers in properties of errors that lead to errors, which a channel would lose, or to
 * the program's text. Each container is looked at once, however often it is shared.
 */
export class ErrorScan {
  readonly #notes: SafeMap<object, Note> = new SafeMap();

  /** Whether a value is a container that leads to an error. */
  leadsToErrors(value: object): boolean {
    return (this.#notes.get(value) ?? this.#scan(value)).leads;
  }

  #scan(root: object): Note {
    const first = this.#note(root);
    const found: Note[] = [];
    const queue: { readonly value: object; readonly note: Note }[] = [{ value: root, note: first }];
    for (let at = 0; at < queue.length; at++) {
      const { value, note } = queue[at]!;
      const inside = (item: unknown, key: unknown): void => {
        if (typeof key === "object") inside(key, undefined);
        if (typeof item === "string") {
          if (withoutProgram(item) !== item) note.leads = true;
          return;
        }
        if (typeof item !== "object" || item === null) return;
        if (isError(item)) {
          note.leads = true;
          return;
        }
        let inner = this.#notes.get(item);
        if (inner === undefined) {
          if (this.#notes.size >= MAX_CONTAINERS) return;
          inner = this.#note(item);
          append(queue, { value: item, note: inner });
        } else if (inner.leads) note.leads = true;
        append(inner.holders, note);
      };
      try {
        lookInto(value, inside);
      } catch { /* what cannot be looked at cannot be cloned either, and is left out */ }
      if (note.leads) append(found, note);
    }
    // Who holds one of these leads there, too.
    for (let at = 0; at < found.length; at++) {
      const { holders } = found[at]!;
      for (let i = 0; i < holders.length; i++) {
        const holder = holders[i]!;
        if (holder.leads) continue;
        holder.leads = true;
        append(found, holder);
      }
    }
    return first;
  }

  #note(value: object): Note {
    const note: Note = { leads: false, holders: [] };
    this.#notes.set(value, note);
    return note;
  }
}

/** Tells what is in a container, in its order; nothing of what is none. */
export function lookInto(
  container: object,
  look: (value: unknown, key: unknown) => void,
): ContainerKind | undefined {
  if (isArray(container)) {
    for (let i = 0; i < container.length && i < MAX_ENTRIES; i++) look(container[i], i);
    return "list";
  }
  const kind = containerKind(container);
  if (kind === "map") forEachOfMap(container, look);
  else if (kind === "set") forEachOfSet(container, look);
  else if (kind === "object") {
    const names = keys(container);
    for (let i = 0; i < names.length; i++) {
      look((container as Record<string, unknown>)[names[i]!], names[i]);
    }
  }
  return kind;
}

/** What kind of container an object is, if it is one. */
function containerKind(value: object): ContainerKind | undefined {
  const prototype = getPrototypeOf(value);
  if (prototype === OBJECT_PROTOTYPE || prototype === null) return "object";
  if (isView(value)) return undefined;
  const kind = kindOf(value);
  if (kind === "Map") return "map";
  if (kind === "Set") return "set";
  return kind === "Object" ? "object" : undefined;
}
