/**
 * `shutdown` without waiting returns at once. What was submitted still runs, and the program ends when
 * it is done; a submission afterwards throws.
 *
 *     executor.shutdown(wait=False)    # Python
 *     executor.submit(task, "D")       # RuntimeError: cannot schedule new futures after shutdown
 *
 * To run it:
 *
 *     deno run examples/shutdown_no_wait.ts
 *     bun examples/shutdown_no_wait.ts
 *     node examples/shutdown_no_wait.ts
 */

import { ShutdownError, ThreadPoolExecutor } from "../mod.ts";

async function task(name: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(`task ${name} ended`);
}

const executor = new ThreadPoolExecutor(2);
for (const name of ["A", "B", "C"]) executor.submit(task, name);

executor.shutdown({ wait: false });
console.log("shutdown returned");

try {
  executor.submit(task, "D");
} catch (error) {
  if (!(error instanceof ShutdownError)) throw error;
  console.log(`${error.name}: ${error.message}`);
}
console.log("main ended");
