import type { Future } from "../futures/future.ts";
import { show } from "../futures/show.ts";
import { freeze, matches, textOfFunction, textSlice, TypeErrorOf } from "./originals.ts";

/**
 * What a task sees of its executor: its `this`, and what `currentTask()` gives.
 *
 * @example Usage
 * ```ts
 * import { type TaskContext, ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: "worker" });
 * const future = executor.submit(function (this: TaskContext) {
 *   this.report("half done");
 *   return this.workerName;
 * });
 * assertEquals(await future, "worker_0");
 * ```
 */
export interface TaskContext {
  /** Aborted when the task is asked to end, with the caller's reason. */
  readonly signal: AbortSignal;
  /** The name of the worker, `<threadNamePrefix>_<index>`. */
  readonly workerName: string;
  /** The task's id, the same at each of its attempts: of a `DistributedExecutor`'s tasks alone. */
  readonly id?: string;
  /** 1 at first, and one more for each time that it may have run before: of a `DistributedExecutor`'s tasks alone. */
  readonly attempt?: number;
  /**
   * What tells of the trace that the task belongs to (`traceparent` and so on), if its executor is
   * instrumented: see `instrument` of `@concurrent/futures/opentelemetry`.
   */
  readonly traceContext?: Readonly<Record<string, string>> | undefined;
  /** Sends a value to `TaskOptions.onProgress`; values arrive in order, before the result. */
  report(progress: unknown): void;
  /**
   * Submits a task to the same executor, as a child of this one: with its priority, before what is
   * queued at large. A task that waits for its children lends its place, so that no number of workers
   * can deadlock. Children end with their parent: when it ends, is aborted or crashes, those that have not
   * begun are cancelled, and those that run are aborted. `cancel()` of their futures is true until they
   * are sent. Python's executors deadlock here.
   *
   * @param fn A self-contained function, one that the task's module exports, or a reference.
   * @param args Its arguments. Futures are not waited for: await them.
   * @returns Its future, in this worker.
   * @throws {InvalidStateError} If this task has ended, or is an initializer.
   * @throws {TypeError} If `fn` cannot be submitted.
   *
   * @example Usage
   * ```ts
   * import { type TaskContext, ThreadPoolExecutor } from "@concurrent/futures";
   * import { assertEquals } from "@std/assert";
   *
   * async function sum(this: TaskContext, numbers: number[]): Promise<number> {
   *   if (numbers.length < 3) return numbers.reduce((a, b) => a + b, 0);
   *   const middle = numbers.length >> 1;
   *   const halves = [numbers.slice(0, middle), numbers.slice(middle)];
   *   const [left, right] = await Promise.all(this.map(sum, halves));
   *   return left! + right!;
   * }
   *
   * await using executor = new ThreadPoolExecutor(1);
   * assertEquals(await executor.submit(sum, [1, 2, 3, 4, 5]), 15);
   * ```
   */
  submit<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Future<Awaited<R>>;
  /** Submits a task for each item, as {@linkcode TaskContext.submit} does: their futures, in order. */
  map<A, R>(fn: Task<[A], R>, items: Iterable<A>): Future<Awaited<R>>[];
}

/** A function that can be submitted as it is: its text travels, so it must be self-contained. */
export type TaskFunction<A extends unknown[], R> = (this: TaskContext, ...args: A) => R;

/**
 * A task by reference, made by {@linkcode importTasks} or {@linkcode namedTasks}.
 *
 * @typeParam A The task's parameters.
 * @typeParam R What the task returns.
 */
export interface TaskReference<A extends unknown[], R> {
  /** Only for the compiler: what the task takes and gives. Never there. */
  readonly signature?: (...args: A) => R;
  /** The name of the export, or of the task. */
  readonly name: string;
  /** The module, if it is one. */
  readonly url: string | undefined;
}

/**
 * What can be submitted: a self-contained function, or a reference to one.
 *
 * @typeParam A The task's parameters.
 * @typeParam R What the task returns.
 */
export type Task<A extends unknown[], R> = TaskFunction<A, R> | TaskReference<A, R>;

/**
 * The arguments of a task as they may be given: for each of them its future, too.
 *
 * @typeParam A The task's parameters.
 */
export type TaskArguments<A extends unknown[]> = { [K in keyof A]: A[K] | Future<A[K]> };

/**
 * The items that `map` calls a task with: each may be a future of one.
 *
 * @typeParam A What an item is.
 */
export type TaskItems<A> = Iterable<A | Future<A>> | AsyncIterable<A | Future<A>>;

/**
 * The functions of a module, as tasks.
 *
 * @typeParam M The module, `typeof import("./tasks.ts")`.
 */
export type TasksOf<M> = {
  readonly [
    K in keyof M as M[K] extends (this: TaskContext, ...args: never[]) => unknown ? K : never
  ]: M[K] extends (this: TaskContext, ...args: infer A) => infer R ? TaskReference<A, R> : never;
};

/** A task as this side knows it, checked. */
export type TaskRef =
  | {
    readonly kind: "source";
    readonly source: string;
    readonly name: string;
    readonly fn: (...args: never[]) => unknown;
  }
  | { readonly kind: "module"; readonly url: string; readonly name: string }
  | { readonly kind: "named"; readonly name: string };

class Reference {
  readonly url: string | undefined;
  readonly name: string;

  constructor(url: string | undefined, name: string) {
    this.url = url;
    this.name = name;
    freeze(this);
  }
}

/**
 * The functions of a module as tasks, by reference: nothing is loaded on this side.
 *
 * It does what Python's pickle does with a function: sends its module and its name. Workers load the
 * module once, when its first task runs.
 *
 * @typeParam M The module, `typeof import("./tasks.ts")`.
 * @param specifier The module's absolute URL: `import.meta.resolve("./tasks.ts")`.
 * @returns An object to take the tasks from.
 * @throws {TypeError} If the specifier is not an absolute URL.
 *
 * @example Usage
 * ```ts
 * import { importTasks, ThreadPoolExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const url = "data:text/javascript,export function double(x) { return 2 * x }";
 * const { double } = importTasks<{ double(x: number): number }>(url);
 *
 * await using executor = new ThreadPoolExecutor(1);
 * assertEquals(await executor.submit(double, 21), 42);
 * ```
 */
export function importTasks<M>(specifier: string | URL): TasksOf<M> {
  if (typeof specifier !== "string" && !(specifier instanceof URL)) {
    throw new TypeErrorOf(
      `Cannot import tasks from ${
        show(specifier)
      }: expected a URL, as import.meta.resolve("./tasks.ts") gives`,
    );
  }
  let url: string;
  try {
    url = new URL(specifier).href;
  } catch {
    throw new TypeErrorOf(
      `Cannot import tasks from "${specifier}": workers resolve absolute URLs only; ` +
        `use import.meta.resolve("${specifier}")`,
    );
  }
  return references<M>(url);
}

/**
 * The tasks of a worker of the user's own, by name; its file calls `serve(tasks)`.
 *
 * @typeParam M The module whose functions are served, `typeof import("./tasks.ts")`.
 * @returns An object to take the tasks from.
 *
 * @example Usage
 * ```ts
 * import { namedTasks } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * const { resize } = namedTasks<{ resize(image: Uint8Array, width: number): Uint8Array }>();
 * assertEquals(resize.name, "resize");
 * ```
 */
export function namedTasks<M>(): TasksOf<M> {
  return references<M>(undefined);
}

/** How many references one object of tasks keeps at once; others are made again. */
const MAX_NAMES = 1024;

/** An object that has every name but those by which the language itself asks what it is. */
function references<M>(url: string | undefined): TasksOf<M> {
  const made = new Map<string, Reference>();
  return new Proxy({}, {
    get(_target, name) {
      if (typeof name === "symbol" || name === "then" || name === "toJSON") return undefined;
      let reference = made.get(name);
      if (reference === undefined) {
        if (made.size >= MAX_NAMES) made.clear();
        made.set(name, reference = new Reference(url, name));
      }
      return reference;
    },
  }) as TasksOf<M>;
}

/**
 * What is to be sent for a task.
 *
 * @param isStream Whether it may be a generator.
 * @throws {TypeError} If it cannot be submitted; the message says what to do.
 */
export function toTaskRef(task: unknown, isStream = false): TaskRef {
  if (task instanceof Reference) {
    const { url, name } = task;
    return url === undefined ? { kind: "named", name } : { kind: "module", url, name };
  }
  if (typeof task !== "function") {
    throw new TypeErrorOf(
      `Cannot submit ${show(task)}: pass the function itself, not the result of calling it`,
    );
  }
  const fn = task as (...args: never[]) => unknown;
  const source = textOfFunction(fn);
  const name = typeof fn.name === "string" && fn.name !== "" ? fn.name : "anonymous";
  refuse(source, name, isStream);
  return { kind: "source", source, name, fn };
}

/** Refuses functions whose text alone is not a function. */
function refuse(source: string, name: string, isStream: boolean): void {
  const text = skipSpace(source);
  // A native function's text is fixed by the language: its body is `[native code]` and nothing else.
  if (has(/\{\s*\[native code\]\s*\}\s*$/, text)) {
    throw new TypeErrorOf(
      `Cannot submit "${name}": it is native or bound, so it has no text to send; ` +
        `wrap it in a function, such as (...args) => target(...args)`,
    );
  }
  if (has(/^class\b/, text)) {
    throw new TypeErrorOf(
      `Cannot submit class "${name}": pass a function that makes an instance and calls it`,
    );
  }
  const head = matches(/^(?:async\b)?/, text)![0];
  const rest = skipSpace(textSlice(text, head.length));
  if (has(/^function\b/, rest)) {
    if (!isStream && skipSpace(textSlice(rest, "function".length))[0] === "*") {
      refuseGenerator(name);
    }
    return;
  }
  if (isArrow(rest)) return;
  // `async` may also be the name of an arrow function's only parameter: async => async + 1.
  if (head !== "" && has(/^=>/, rest)) return;
  if (rest[0] === "*" && !isStream) refuseGenerator(name);
  throw new TypeErrorOf(
    `Cannot submit "${name}": it is a method, and does not work without its object; ` +
      `pass a function, or export one from a module and use importTasks`,
  );
}

function refuseGenerator(name: string): never {
  throw new TypeErrorOf(
    `Cannot submit generator "${name}": its values come one by one; use executor.stream()`,
  );
}

/** Whether a text (after `async`) is an arrow function: parameters and then `=>`. */
function isArrow(text: string): boolean {
  if (text[0] !== "(") {
    const name = matches(/^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/u, text);
    return name !== null && has(/^=>/, skipSpace(textSlice(text, name[0].length)));
  }
  return true; // a method's text begins with its name, so a parenthesis is an arrow's
}

/** Leaves out white space and comments at the front. */
function skipSpace(text: string): string {
  const space = matches(/^(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)+/, text);
  return space === null ? text : textSlice(text, space[0].length);
}

function has(pattern: RegExp, text: string): boolean {
  return matches(pattern, text) !== null;
}
