import { toTaskRef } from "../wire/task_ref.ts";
import type { TaskRef } from "../wire/task_ref.ts";
import type { WireTask } from "../wire/messages.ts";

/**
 * How much work may be sent ahead to one worker. More hides the channel's delay better; less spreads
 * the work better and leaves less to take back.
 */
const WINDOW_NANOSECONDS = 1_000_000;

/** How many tasks may be sent ahead to one worker, however short. */
export const MAX_WINDOW = 1024;

/** How many functions are known by their text at once; one that is forgotten is measured anew. */
const MAX_TEXTS = 1024;

/** One task function as one scheduler knows it. */
export class TaskEntry {
  readonly id: number;
  readonly wire: WireTask;
  /** Where the function itself is called: it lives as long as this, and so as its tasks. */
  readonly fn: unknown;
  /** Whether a task of it has submitted others: none is sent ahead, since they may have to run before it. */
  submits = false;
  /** Whether its values are told one by one. */
  readonly isStream: boolean = false;
  /** Run time of one task; -1 while nothing is known. */
  nanoseconds = -1;

  constructor(id: number, wire: WireTask, fn?: unknown) {
    this.id = id;
    this.wire = wire;
    this.fn = fn;
  }

  /** How the task is named in messages. */
  get name(): string {
    return this.wire.name;
  }

  /** How many tasks of so many items a worker may have at once: 1 if they are long or unknown. */
  window(items: number): number {
    if (this.nanoseconds < 0 || this.submits) return 1;
    const task = this.nanoseconds * Math.max(items, 1) + 1;
    return Math.min(MAX_WINDOW, Math.max(1, Math.ceil(WINDOW_NANOSECONDS / task)));
  }

  /**
   * Learns from a measured run; a negative time says nothing. It believes in slowness at once and
   * in speed by and by: a window too small costs a message, one too large makes tasks wait.
   */
  observe(nanoseconds: number): void {
    if (nanoseconds < 0) return;
    if (this.nanoseconds < 0 || nanoseconds > 2 * this.nanoseconds) {
      this.nanoseconds = nanoseconds;
    } else this.nanoseconds += (nanoseconds - this.nanoseconds) / 2;
  }
}

/** A function that is streamed: what it takes says nothing, since it waits for those who take its values. */
class StreamEntry extends TaskEntry {
  override readonly isStream: boolean = true;

  override observe(): void {}
}

/**
 * The task functions of one scheduler, each with its number. A function is known by identity, and a
 * plain function also by its source text: `() => 1` written in a loop is one function here.
 */
export class TaskRegistry {
  #lastTask: unknown = undefined;
  #lastEntry: TaskEntry | undefined = undefined;
  #byIdentity = new WeakMap<WeakKey, TaskEntry>();
  #byText = new Map<string, TaskEntry>();
  #streams = new WeakMap<WeakKey, TaskEntry>();
  #count = 0;
  readonly #inThread: boolean;

  /** @param inThread Whether tasks run on the caller's thread, where the function itself is passed. */
  constructor(inThread: boolean) {
    this.#inThread = inThread;
  }

  /**
   * The entry of a task.
   *
   * @throws {TypeError} If it cannot be submitted.
   */
  entry(task: unknown): TaskEntry {
    if (task === this.#lastTask && this.#lastEntry !== undefined) return this.#lastEntry;
    let entry = this.#byIdentity.get(task as WeakKey);
    if (entry === undefined) {
      entry = this.#entryOf(toTaskRef(task), false);
      this.#byIdentity.set(task as WeakKey, entry);
    }
    this.#lastTask = task;
    this.#lastEntry = entry;
    return entry;
  }

  /**
   * The entry of a task that is streamed, which is another than that of the same task that is not.
   *
   * @throws {TypeError} If it cannot be streamed.
   */
  streamEntry(task: unknown): TaskEntry {
    let entry = this.#streams.get(task as WeakKey);
    if (entry === undefined) {
      entry = this.#entryOf(toTaskRef(task, true), true);
      this.#streams.set(task as WeakKey, entry);
    }
    return entry;
  }

  /** The entry of a function that a worker has told of. */
  childEntry(wire: WireTask): TaskEntry {
    return wire.kind === "source" && wire.fn !== undefined
      ? this.entry(wire.fn())
      : this.#sharedEntry(wire, false);
  }

  #entryOf(ref: TaskRef, isStream: boolean): TaskEntry {
    if (ref.kind !== "source") return this.#sharedEntry(ref, isStream);
    const { name, source, fn } = ref;
    return this.#inThread
      ? this.#add({ kind: "source", source: "", name, fn: weakly(fn) }, isStream, fn)
      : this.#sharedEntry({ kind: "source", source, name }, isStream);
  }

  #sharedEntry(wire: WireTask, isStream: boolean): TaskEntry {
    const of = wire.kind === "source"
      ? `${wire.kind} ${wire.name} ${wire.source}`
      : wire.kind === "module"
      ? `${wire.kind} ${wire.name} ${wire.url}`
      : `${wire.kind} ${wire.name}`;
    const text = isStream ? `stream ${of}` : of;
    let entry = this.#byText.get(text);
    if (entry === undefined) {
      entry = this.#add(wire, isStream);
      if (this.#byText.size >= MAX_TEXTS) {
        // The oldest; what is still used is found by its identity, or measured anew.
        for (const old of this.#byText.keys()) {
          this.#byText.delete(old);
          break;
        }
      }
    } else this.#byText.delete(text); // it becomes the youngest
    this.#byText.set(text, entry);
    return entry;
  }

  /** Nothing is to be done: the last function may be let go, with all that it closes over. */
  rest(): void {
    this.#lastTask = undefined;
    this.#lastEntry = undefined;
  }

  /** How many functions are kept by their text. */
  get size(): number {
    return this.#byText.size;
  }

  #add(wire: WireTask, isStream: boolean, fn?: unknown): TaskEntry {
    const id = this.#count++;
    return isStream ? new StreamEntry(id, wire, fn) : new TaskEntry(id, wire, fn);
  }
}

/** Gives a function as long as somebody else keeps it. */
function weakly(fn: object): () => unknown {
  // Some edge runtimes have none. No closure here: it would hold the function.
  return typeof WeakRef === "function" ? giverOf(new WeakRef(fn)) : keeperOf(fn);
}

function keeperOf(fn: object): () => unknown {
  return () => fn;
}

function giverOf(reference: WeakRef<object>): () => unknown {
  return () => reference.deref();
}
