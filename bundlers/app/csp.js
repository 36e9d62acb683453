/** What works where the Content-Security-Policy forbids workers from `blob:` URLs. */

import { namedTasks, ThreadPoolExecutor } from "@concurrent/futures";

const { primesBelow } = namedTasks();
const worker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

await using own = new ThreadPoolExecutor({ maxWorkers: 1, worker });
await using other = new ThreadPoolExecutor(1);

const messageOf = (error) => error?.cause?.message ?? error?.message;
console.log(JSON.stringify({
  served: await own.submit(primesBelow, 12),
  plain: messageOf(await own.submit(() => 1).exception()),
  without: messageOf(await other.submit(() => 1).exception()),
}));
