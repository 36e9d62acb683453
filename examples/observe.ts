/**
 * Shows: a pool that is too small, seen. The same forty tasks on one worker and on four: what their
 * time went into, told by `observe()`, and the figures that `metrics()` keeps. Python has neither.
 *
 *     node examples/observe.ts
 */

import { ThreadPoolExecutor } from "../mod.ts";

/** A request that takes 10 ms, most of it waiting. */
async function request(id: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 10));
  return id;
}

async function run(maxWorkers: number): Promise<void> {
  await using executor = new ThreadPoolExecutor({ maxWorkers, name: "requests", metrics: true });
  await executor.warmUp();

  let waited = 0;
  let ran = 0;
  using _ = executor.observe((event) => {
    if (event.type !== "ended") return;
    waited += event.waited;
    ran += event.ran;
  });
  const futures = Array.from({ length: 40 }, (_, id) => executor.submit(request, id));
  await Promise.all(futures);

  const { waitTime, runTime } = executor.metrics();
  console.log(
    `${maxWorkers} workers: for each ms of work ${Math.round(waited / ran)} ms of waiting`,
  );
  console.log(`  of ${runTime.count} tasks half waited more than ${waitTime.p50.toFixed(0)} ms`);
}

await run(1);
await run(4);
