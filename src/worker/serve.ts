import { listen } from "./listen.ts";

/**
 * Makes a worker of your own serve tasks, by name.
 *
 * For bundlers that must see the worker's file, and for pages whose Content-Security-Policy forbids
 * workers from `blob:` URLs. The executor is given the worker by its `worker` option, and the tasks
 * by `namedTasks`. Call it once, first of all: messages that come before it are lost.
 *
 * @param tasks The functions that can be submitted, by name; usually a module's exports.
 * @throws {TypeError} If `tasks` is not an object.
 *
 * @example Usage
 * ```ts ignore
 * // worker.ts
 * import { serve } from "@concurrent/futures/worker";
 * import * as tasks from "./tasks.ts";
 *
 * serve(tasks);
 *
 * // main.ts
 * import { namedTasks, ThreadPoolExecutor } from "@concurrent/futures";
 *
 * const { resize } = namedTasks<typeof import("./tasks.ts")>();
 * await using executor = new ThreadPoolExecutor({
 *   worker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
 * });
 * console.log(await executor.submit(resize, new Uint8Array(4), 2));
 * ```
 */
export function serve(tasks: object): void {
  if (typeof tasks !== "object" || tasks === null) {
    throw new TypeError(
      `Cannot serve tasks: expected an object of functions, got ${
        tasks === null ? "null" : typeof tasks
      }`,
    );
  }
  listen(tasks as Record<string, unknown>);
}
