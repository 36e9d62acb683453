/**
 * A user's program: a bit of everything that the library does, printed in lines that are the same on
 * every runtime. Plain JavaScript for Node 20, so without `await using`.
 */

import {
  asCompleted,
  createExecutor,
  FIRST_COMPLETED,
  importTasks,
  InlineExecutor,
  namedTasks,
  Pool,
  ProcessPoolExecutor,
  registerError,
  ThreadPool,
  ThreadPoolExecutor,
  transfer,
  wait,
} from "@concurrent/futures";
import * as futures from "@concurrent/futures/futures";
import * as pools from "@concurrent/futures/pool";
import { detectRuntime } from "@concurrent/futures/runtime";
import { currentTask } from "@concurrent/futures/worker";
import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";
import { report as reportHere } from "./tasks.mjs";

const lines = [];

/** Tasks of an inline executor see what is around them. */
const noted = () => lines.length > 0 ? 1 : 0;

/** Notes what a promise comes to. */
async function note(what, promise) {
  let outcome;
  try {
    outcome = await promise;
  } catch (error) {
    outcome = `${error.name}: ${error instanceof Error}, ${error.message.length > 0}`;
  }
  lines.push(`${what} ${JSON.stringify(outcome)}`);
}

const square = (x) => x * x;
const fail = (message) => {
  throw new RangeError(message);
};
const die = () => {
  globalThis.process.exit(7);
};
const spin = () => {
  for (;;);
};
const { twice, report } = importTasks(import.meta.resolve("./tasks.mjs"));

/** What every executor with workers does. */
async function useExecutor(name, executor) {
  await note(`${name} ready`, executor.warmUp().then(() => executor.stats().workers));
  await note(`${name} submit`, executor.submit((a, b) => a + b, 1, 2));
  await note(`${name} fail`, executor.submit(fail, "too far"));
  await note(`${name} map`, executor.map(square, [1, 2, 3]).toArray());
  const many = Array.from({ length: 1000 }, (_, i) => i);
  await note(
    `${name} map chunks`,
    executor.map(square, many, { chunkSize: 100 }).toArray().then((all) =>
      all.reduce((a, b) => a + b)
    ),
  );
  await note(`${name} importTasks`, executor.submit(twice, 21));
  const reports = [];
  const reporting = executor.with({ onProgress: (value) => reports.push(value) });
  await note(`${name} report`, reporting.submit(report, 3));
  lines.push(`${name} reports ${reports}`);
  const bytes = new Uint8Array([1, 2, 3]);
  await note(
    `${name} transfer`,
    executor.submit((given) => given.length, transfer(bytes, [bytes.buffer])),
  );
  lines.push(`${name} transferred ${bytes.length}`);
  await note(
    `${name} wait`,
    wait([executor.submit(square, 2)], { returnWhen: FIRST_COMPLETED }).then(({ done }) =>
      done.size
    ),
  );
  let sum = 0;
  for await (const future of asCompleted([3, 4].map((x) => executor.submit(square, x)))) {
    sum += await future;
  }
  lines.push(`${name} asCompleted ${sum}`);

  await note(`${name} timeout`, executor.with({ timeout: 50 }).submit(spin));
  await note(`${name} crash`, executor.submit(die));
  await note(`${name} after the crash`, executor.submit(square, 5));

  // As many as there are workers run, the one after them waits.
  const controller = new AbortController();
  const abortable = executor.with({ signal: controller.signal });
  const busy = [abortable.submit(spin), abortable.submit(spin)];
  const waiting = executor.submit(square, 6);
  lines.push(`${name} cancel ${waiting.cancel()} ${waiting.cancelled()}`);
  await note(`${name} cancelled`, waiting);
  controller.abort(new DOMException("enough", "AbortError"));
  for (const future of busy) await note(`${name} aborted`, future);

  await executor.shutdown();
  try {
    executor.submit(square, 7);
  } catch (error) {
    lines.push(`${name} shut down ${error.name}`);
  }
}

/** What both pools do. */
async function usePool(name, pool) {
  await note(`${name} apply`, pool.apply(square, [3]));
  await note(`${name} map`, pool.map(square, [1, 2, 3]));
  await note(`${name} starmap`, pool.starmap((a, b) => a ** b, [[2, 3], [3, 2]]));
  const inOrder = [];
  for await (const value of pool.imap(square, [4, 5])) inOrder.push(value);
  lines.push(`${name} imap ${inOrder}`);
  const result = pool.applyAsync(square, [9]);
  await note(`${name} applyAsync`, result.get());
  lines.push(`${name} successful ${result.successful()}`);
  pool.close();
  await pool.join();
}

lines.push(`entries ${futures.Future.name} ${pools.Pool === Pool} ${currentTask()}`);
lines.push(`runtime ${detectRuntime().capabilities.parallel}`);
await note("outside", reportHere(1));

await useExecutor("threads", new ThreadPoolExecutor(2));
await useExecutor("processes", new ProcessPoolExecutor(2));
await usePool("ThreadPool", new ThreadPool(2));
await usePool("Pool", new Pool(2));

const named = namedTasks();
const own = new ThreadPoolExecutor({
  maxWorkers: 2,
  worker: () => new Worker(new URL("./worker.mjs", import.meta.url)),
});
await note("own worker", own.map(named.twice, [1, 2, 3]).toArray());
await note("own worker, no such task", own.submit(named.missing));
await own.shutdown();

const inline = new InlineExecutor();
await note("inline", inline.submit((x) => x + noted(), 1));
await note("inline importTasks", inline.submit(twice, 4));
await inline.shutdown();

class Refusal extends Error {
  name = "Refusal";
}
registerError(Refusal);
const chosen = createExecutor();
await note(
  "createExecutor",
  chosen.submit(() => {
    throw Object.assign(new Error("no"), { name: "Refusal" });
  }).exception().then((error) => error.name),
);
await chosen.shutdown();

const source = new futures.FutureSource();
source.setResult(1);
await note("FutureSource", source.future);

console.log(lines.join("\n"));
console.log(createHash("sha256").update(lines.join("\n")).digest("hex"));
