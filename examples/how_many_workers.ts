/**
 * How many workers? As many as there are cores, unless you say so; and they start when there is work
 * for them: 20 tasks start 20 of 5,000. What waits for a worker can be limited, too.
 *
 *     ThreadPoolExecutor(max_workers=5000)    # Python: starts a thread for each submit, up to 5,000
 *
 * To run it:
 *
 *     deno run examples/how_many_workers.ts
 *     bun examples/how_many_workers.ts
 *     node examples/how_many_workers.ts
 */

import { QueueFullError, ThreadPoolExecutor } from "../mod.ts";

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

// As many as there are cores.
console.log(`by default: ${new ThreadPoolExecutor().maxWorkers}`);

// 5,000: as many of them as there are tasks at once.
{
  await using executor = new ThreadPoolExecutor(5000);
  console.log(`${executor.stats().workers} of ${executor.maxWorkers} have started`);
  await Promise.all(Array.from({ length: 20 }, () => executor.submit(pause)));
  console.log(`${executor.stats().workers} of ${executor.maxWorkers} have started for 20 tasks`);
}

// None: a clear error.
try {
  new ThreadPoolExecutor(0);
} catch (error) {
  console.log(String(error));
}

// Many tasks need few workers: `maxPending` limits what waits for them.
{
  await using executor = new ThreadPoolExecutor({ maxWorkers: 2, maxPending: 10 });
  let accepted = 0;
  try {
    for (;;) {
      executor.submit(pause);
      accepted++;
    }
  } catch (error) {
    if (!(error instanceof QueueFullError)) throw error;
    console.log(`${error.name} after ${accepted} tasks: ${error.message}`);
  }

  // `ready()` waits until there is room.
  for (let i = 0; i < 10; i++) {
    await executor.ready();
    executor.submit((n: number) => n, i);
  }
  console.log(`10 more with ready()`);
}
