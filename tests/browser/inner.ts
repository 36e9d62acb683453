/** A page in a page: an executor with an idle and a busy worker, which nobody ends. @module */

import { ThreadPoolExecutor } from "../../mod.ts";
import { WorkerLocks } from "./worker_locks.ts";

const locks = new WorkerLocks();
const executor = new ThreadPoolExecutor(2);
await executor.warmUp();
const future = executor.submit(() => {
  for (;;);
});
while (!future.running()) await new Promise((resolve) => setTimeout(resolve, 1));
parent.postMessage([...locks.names]);
