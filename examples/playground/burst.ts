/**
 * Tiny tasks per second: one message for each, as with a bare worker, against tasks that travel in
 * batches. Each way is measured here and now, on workers of its own.
 *
 * @module
 */

import { ThreadPoolExecutor } from "../../mod.ts";

/** A way to have tasks done. */
export interface Way {
  readonly name: string;
  readonly perSecond: number;
}

/** Measures every way with so many tasks; `tell` is given each as soon as it is known. */
export async function measure(
  tasks: number,
  workers: number,
  tell: (way: Way) => void,
): Promise<void> {
  const numbers = Array.from({ length: tasks }, (_, i) => i);
  await using executor = new ThreadPoolExecutor({ maxWorkers: workers, threadNamePrefix: "burst" });
  await executor.warmUp();

  const bare = await bareWorkers(workers);
  const raw = await best(tasks, () => flood(bare, tasks));
  for (const worker of bare) worker.terminate();
  tell({ name: "postMessage", perSecond: raw });

  // A task that waits for the one before it cannot travel with it, whoever sends it.
  const few = Math.ceil(tasks / 20);
  const alone = await best(few, async () => {
    for (let i = 0; i < few; i++) await executor.submit(identity, i);
  });
  tell({ name: "await each", perSecond: alone });

  const submitted = await best(tasks, async () => {
    await Promise.all(numbers.map((n) => executor.submit(identity, n)));
  });
  tell({ name: "submit", perSecond: submitted });

  const mapped = await best(
    tasks,
    async () => void await executor.map(identity, numbers).toArray(),
  );
  tell({ name: "map", perSecond: mapped });
}

function identity(n: number): number {
  return n;
}

/** The best of a few runs: others were disturbed. The first warms up. */
async function best(tasks: number, run: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 4; i++) {
    const startedAt = performance.now();
    await run();
    if (i > 0) least = Math.min(least, performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve)); // the page lives on
  }
  return tasks / (least / 1000);
}

/** Workers that only answer, ready to. */
function bareWorkers(count: number): Promise<Worker[]> {
  const text = `onmessage = ({ data }) => postMessage((${identity})(data));`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const starting = Array.from({ length: count }, () =>
    new Promise<Worker>((resolve, reject) => {
      const worker = new Worker(url, { type: "module" });
      worker.onmessage = () => resolve(worker);
      worker.onerror = () => reject(new Error("Cannot start a worker"));
      worker.postMessage(0);
    }));
  return Promise.all(starting).finally(() => URL.revokeObjectURL(url));
}

/** One message for each task, to the workers in turn; resolves when all have answered. */
function flood(workers: readonly Worker[], tasks: number): Promise<void> {
  return new Promise((resolve) => {
    let left = tasks;
    for (const worker of workers) worker.onmessage = () => --left === 0 && resolve();
    for (let i = 0; i < tasks; i++) workers[i % workers.length]!.postMessage(i);
  });
}
