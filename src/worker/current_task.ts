import { define, getPrototypeOf, ownNames, uncurried } from "../wire/originals.ts";
import type { TaskContext } from "../wire/task_ref.ts";

/** Keeps a value through asynchronous calls: the part of `AsyncLocalStorage` that is used here. */
interface Storage {
  run<T>(store: TaskContext, callback: () => T): T;
  getStore(): TaskContext | undefined;
}

/** Where the task that runs on this thread is found. */
export interface TaskScope {
  /** The task that runs now, or the only one that this thread may be waiting for. */
  current: TaskContext | undefined;
  /** Tells tasks apart that wait side by side, where the runtime can. */
  readonly storage: Storage | undefined;
}

/**
 * The scope is kept on the global object, under a registered symbol, because the program text and a
 * user's import of this library are two copies of the same code.
 */
const KEY = Symbol.for("@concurrent/futures.taskScope");

type Holder = { [KEY]?: TaskScope };

/** The scope of this thread, made when it is first asked for. */
export function taskScope(): TaskScope {
  return (globalThis as Holder)[KEY] ??= { current: undefined, storage: asyncLocalStorage() };
}

function asyncLocalStorage(): Storage | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?(name: string): unknown };
  };
  const hooks = process?.getBuiltinModule?.("node:async_hooks") as
    | { AsyncLocalStorage?: new () => Storage }
    | undefined;
  if (hooks?.AsyncLocalStorage === undefined) return undefined;
  const storage = new hooks.AsyncLocalStorage();
  // On Node they call one another, and a task may replace those of the class.
  for (const name of ownNames(getPrototypeOf(storage))) {
    const method = storage[name as keyof Storage] as unknown;
    if (name !== "constructor" && typeof method === "function") define(storage, name, method);
  }
  return storage;
}

/** What calls a function so that its task is told apart, if the runtime can. */
export function runApart(
  { storage }: TaskScope,
): (<T>(context: TaskContext, callback: () => T) => T) | undefined {
  if (storage === undefined) return undefined;
  const run = uncurried(storage.run) as <T>(of: Storage, task: TaskContext, callback: () => T) => T;
  return (context, callback) => run(storage, context, callback);
}

/** Says which task runs. A task may have frozen the scope: then `currentTask()` knows no more. */
export function enter(scope: TaskScope, context: TaskContext | undefined): void {
  try {
    scope.current = context;
  } catch { /* see above */ }
}

/** Whether it is this one that runs. */
export function isCurrent(scope: TaskScope, context: TaskContext): boolean {
  try {
    return scope.current === context;
  } catch {
    return false;
  }
}

/**
 * The context of the task that is running on this thread: the same object as the task's `this`.
 *
 * For arrow functions, which have no `this` of their own, and for code that a task calls. Where
 * several tasks wait side by side on one thread (`tasksPerWorker` above 1, `InlineExecutor`) it is
 * known after an `await` only if the runtime has `AsyncLocalStorage`: Deno, Bun and Node do.
 *
 * @returns The context, or `undefined` outside of a task.
 *
 * @example Usage
 * ```ts
 * import { currentTask } from "@concurrent/futures/worker";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(currentTask(), undefined); // no task runs here
 * ```
 */
export function currentTask(): TaskContext | undefined {
  const scope = (globalThis as Holder)[KEY];
  return scope?.storage?.getStore() ?? scope?.current;
}
