/**
 * For code inside of workers: `serve` makes a worker file of your own serve tasks, `currentTask`
 * gives an arrow function the context that other functions have as `this`.
 *
 * Python needs neither: its workers are made by the executor alone. Nor do you, unless a bundler or
 * a Content-Security-Policy wants the worker's file.
 *
 * @example Usage
 * ```ts
 * import { currentTask } from "@concurrent/futures/worker";
 *
 * export function work(steps: number): number {
 *   for (let step = 0; step < steps; step++) currentTask()?.report(step / steps);
 *   return steps;
 * }
 * ```
 *
 * @module
 */

export { currentTask } from "./current_task.ts";
export { serve } from "./serve.ts";
export type { TaskContext } from "../wire/task_ref.ts";
