/** What works under a Content-Security-Policy: a worker of one's own, and one of the library's. */

import { importTasks, namedTasks, ThreadPoolExecutor } from "@concurrent/futures";

const worker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

await using own = new ThreadPoolExecutor({ maxWorkers: 1, worker });
await using usual = new ThreadPoolExecutor(1);

/** What a task gives: its value, or what says why not. */
async function outcome(executor, task, ...args) {
  try {
    return await executor.submit(task, ...args);
  } catch (error) {
    return error.cause?.message ?? error.message;
  }
}

const { primesBelow } = namedTasks();
const byUrl = importTasks(new URL("./tasks.js", import.meta.url));
console.log(JSON.stringify({
  named: await outcome(own, primesBelow, 6),
  plainInOwn: await outcome(own, () => 1),
  plain: await outcome(usual, () => 1),
  module: await outcome(usual, byUrl.primesBelow, 6),
}));
