/**
 * How many workers? As many as there are cores, unless you say so; and they start when there is work
 * for them: 20 tasks start 20 of 5,000. Tasks that mostly wait need few of them: two run 5,000 at once.
 * What waits for a worker can be limited, too.
 *
 *     ThreadPoolExecutor(max_workers=5000)    # Python: starts a thread for each submit, up to 5,000
 *
 * A worker has a JavaScript engine of its own: on Deno and Node each takes about 13 MB and six open files,
 * on Bun 3 MB and two. Where `ulimit -n` says 1024, some 170 workers can be open on Deno, 200 on Node
 * and 500 on Bun. Past that Node breaks the executor, with the system's error as the `cause`, but Deno
 * and Bun end the program: ask for fewer workers, and give each more tasks. To run it:
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

// 5,000 tasks that wait, at once: two workers.
{
  await using executor = new ThreadPoolExecutor({ maxWorkers: 2, tasksPerWorker: 2500 });
  const tasks = Array.from({ length: 5000 }, () => executor.submit(pause));
  await Promise.all(tasks);
  console.log(`${executor.stats().completed} tasks on ${executor.stats().workers} workers`);
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
  console.log("10 more with ready()");
}
