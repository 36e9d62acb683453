import type { TaskContext } from "../wire/task_ref.ts";

/**
 * Where the running task's context is kept: on the global object, under a registered symbol, because
 * the program text and a user's import of this library are two copies of the same code.
 */
const KEY = Symbol.for("@concurrent/futures.currentTask");

/** Finds the context of the task that runs now. */
export type CurrentTask = () => TaskContext | undefined;

type Holder = { [KEY]?: CurrentTask };

/** Tells this thread how to find the running task. */
export function setCurrentTask(find: CurrentTask): void {
  (globalThis as Holder)[KEY] = find;
}

/**
 * The context of the task that is running on this thread: the same object as the task's `this`.
 *
 * For arrow functions, which have no `this` of their own, and for code that a task calls. With
 * `tasksPerWorker` above 1 it is known after an `await` only where the runtime has
 * `AsyncLocalStorage` (Deno, Bun, Node).
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
  return (globalThis as Holder)[KEY]?.();
}
