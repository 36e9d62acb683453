import { CHILD_TASK, CHILD_TASKS } from "../wire/messages.ts";
import type { WireTask } from "../wire/messages.ts";
import { append, hasOwn, keys, SafeMap, SafeWeakMap } from "../wire/originals.ts";
import { toTaskRef } from "../wire/task_ref.ts";
import type { Outbox } from "./outbox.ts";
import type { ProgramHost } from "./program_host.ts";

/**
 * The functions that tasks of this worker submit, and their numbers. A function of a module that was
 * loaded for a task is known by its name there, since its text alone would miss its module.
 */
export class ChildFunctions {
  readonly #host: ProgramHost;
  readonly #outbox: Outbox;
  readonly #origins = new SafeWeakMap<object, WireTask>();
  readonly #byText = new SafeMap<string, number>();
  #byFunction = new SafeWeakMap<object, number>();
  /** What is known by each number, as text. */
  readonly #texts: string[] = [];
  #next = 0;

  constructor(host: ProgramHost, outbox: Outbox) {
    this.#host = host;
    this.#outbox = outbox;
  }

  /** A module was loaded, from this address. */
  loaded(module: object, url: string): void {
    const names = keys(module);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      try {
        const value = (module as Record<string, unknown>)[name];
        if (typeof value !== "function" || this.#origins.has(value)) continue;
        this.#origins.set(value, { kind: "module", url, name });
      } catch { /* one that is not there yet */ }
    }
  }

  /**
   * The number of a function; the owner was told of it.
   *
   * @param renewed Called before a number is used for another function.
   * @throws {TypeError} If it cannot be submitted.
   */
  numberOf(task: unknown, renewed: () => void): number {
    if (typeof task === "function") {
      const known = this.#byFunction.get(task);
      if (known !== undefined) return known;
    }
    const wire = this.#wireOf(task);
    const text = wire.kind === "source"
      ? `${wire.name} ${wire.source}`
      : wire.kind === "module"
      ? `${wire.url} ${wire.name}`
      : wire.name;
    const key = `${wire.kind} ${text}`;
    let number = wire.kind === "source" && hasOwn(wire, "fn") ? undefined : this.#byText.get(key);
    if (number === undefined) {
      number = this.#next++ % CHILD_TASKS;
      if (number < this.#texts.length) {
        renewed();
        this.#byText.delete(this.#texts[number]!);
        this.#byFunction = new SafeWeakMap();
        this.#texts[number] = key;
      } else append(this.#texts, key);
      this.#byText.set(key, number);
      this.#outbox.tell(CHILD_TASK, [number, wire]);
    }
    if (typeof task === "function") this.#byFunction.set(task, number);
    return number;
  }

  #wireOf(task: unknown): WireTask {
    const reference = referenceOf(task);
    if (reference !== undefined) return reference;
    if (typeof task === "function") {
      const origin = this.#origins.get(task) ?? this.#served(task);
      if (origin !== undefined) return origin;
    }
    const ref = toTaskRef(task);
    if (ref.kind !== "source") return ref;
    const { source, name, fn } = ref;
    return this.#host.passesFunctions
      ? { kind: "source", source: "", name, fn: () => fn }
      : { kind: "source", source, name };
  }

  /** One of those that were given to `serve()`. */
  #served(task: unknown): WireTask | undefined {
    const { named } = this.#host;
    if (named === undefined) return undefined;
    const names = keys(named);
    for (let i = 0; i < names.length; i++) {
      if (named[names[i]!] === task) return { kind: "named", name: names[i]! };
    }
    return undefined;
  }
}

/** What `importTasks()` and `namedTasks()` give, of whatever copy of this library, also if it was sent. */
function referenceOf(task: unknown): WireTask | undefined {
  if (typeof task !== "object" || task === null || !hasOwn(task, "name")) return undefined;
  if (!hasOwn(task, "url")) return undefined;
  const { name, url } = task as { readonly name: unknown; readonly url: unknown };
  if (typeof name !== "string") return undefined;
  if (typeof url === "string") return { kind: "module", url, name };
  return url === undefined ? { kind: "named", name } : undefined;
}
