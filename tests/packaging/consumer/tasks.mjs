/** Tasks of a user's own module. */

import { currentTask } from "@concurrent/futures/worker";

/** @param {number} x */
export function twice(x) {
  return 2 * x;
}

/** @param {number} steps */
export function report(steps) {
  for (let step = 1; step <= steps; step++) currentTask()?.report(step);
  return currentTask() === undefined ? "no task" : "done";
}
