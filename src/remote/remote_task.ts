import { show } from "../futures/show.ts";
import type { TasksOf } from "../wire/task_ref.ts";

/** A task by the names that workers know it by. */
export class RemoteTask {
  /** The module, as the worker's command line names it. */
  readonly module: string;
  /** The export. */
  readonly name: string;
  /** None: no address travels. */
  readonly url: undefined = undefined;

  /** A task of a module. */
  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
    Object.freeze(this);
  }
}

/** How modules are named. */
const MODULE = /^[A-Za-z_$][\w$./-]{0,99}$/;

/**
 * Whether workers can serve a module under this name.
 *
 * @throws {TypeError} If not.
 */
export function checkModuleName(module: unknown): asserts module is string {
  if (typeof module === "string" && MODULE.test(module)) return;
  throw new TypeError(
    `Cannot name a module ${show(module)}: expected letters, digits, "_", "$", ".", "/" and "-"`,
  );
}

/** How many tasks one object keeps at once; others are made again. */
const MAX_NAMES = 1024;

/**
 * The functions of a module that workers serve, as tasks, by name: this side holds no code of them.
 *
 * It does what Python's pickle does with a function, where the other side has the module already. Workers
 * know it by the name that their command line gives it: `--module images=./tasks.ts`.
 *
 * @typeParam M The module, `typeof import("./tasks.ts")`.
 * @param module What workers call it.
 * @returns An object to take the tasks from.
 * @throws {TypeError} If it cannot be a name.
 *
 * @example Usage
 * ```ts
 * import { remoteTasks } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * const { resize } = remoteTasks<{ resize(image: Uint8Array, width: number): Uint8Array }>("images");
 * assertEquals(resize.name, "resize");
 * ```
 */
export function remoteTasks<M>(module: string): TasksOf<M> {
  checkModuleName(module);
  const made = new Map<string, RemoteTask>();
  return new Proxy({}, {
    get(_target, name) {
      if (typeof name === "symbol" || name === "then" || name === "toJSON") return undefined;
      let task = made.get(name);
      if (task === undefined) {
        if (made.size >= MAX_NAMES) made.clear();
        made.set(name, task = new RemoteTask(module, name));
      }
      return task;
    },
  }) as TasksOf<M>;
}

/**
 * A task that a distributed executor can submit.
 *
 * @throws {TypeError} If it is none; the message says what to do.
 */
export function toRemoteTask(task: unknown): RemoteTask {
  if (task instanceof RemoteTask) return task;
  const what = typeof task === "function" && task.name !== ""
    ? `function "${task.name}"`
    : show(task);
  throw new TypeError(
    `Cannot submit ${what} to other machines: no code travels; export it from a module that ` +
      `the workers serve, and take it from remoteTasks()`,
  );
}
