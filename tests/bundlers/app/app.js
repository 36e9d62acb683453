/**
 * The program that every bundler bundles. It knows neither its bundler nor its runtime: `main.js` and
 * the fixtures tell it where the other two files are after bundling.
 */

import { asCompleted, namedTasks, ThreadPoolExecutor } from "@concurrent/futures";

function isPrime(n) {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return n > 1;
}

/** Has everything inside that minifiers rename and rewrite, and that "keep names" wraps in calls. */
async function describe({ times = 2, ...rest }, ...words) {
  class Word {
    #text;
    constructor(text) {
      this.#text = text;
    }
    get length() {
      return this.#text?.length ?? 0;
    }
  }
  const measure = (word) => new Word(word).length;
  function total(numbers) {
    return numbers.reduce((sum, number) => sum + number, 0);
  }
  await null;
  return `${total(words.map(measure)) ** times} ${Object.keys(rest)}`;
}

const square = (x) => x * x;

function fail(value) {
  throw new RangeError(`${value} is too much`);
}

function missing() {
  return notThere + 1;
}

/** Ends its worker, however a worker of this runtime is ended. */
function crash() {
  if (globalThis.process?.exit === undefined) close();
  else process.exit(3);
}

function progress(steps) {
  for (let step = 0; step < steps; step++) this.report(step);
  return steps;
}

/** Class and message of the error that a future settles with. */
async function errorOf(future) {
  const error = await future.exception();
  return `${error instanceof RangeError ? "RangeError" : error?.name}: ${error?.message}`;
}

/**
 * Runs every kind of task and prints what came of it, in one line.
 *
 * @param {object} places
 * @param {object} places.tasks Those of `tasks.js`, by URL.
 * @param {() => unknown} places.worker Makes a worker of `worker.js`.
 * @param {(path: string) => Promise<string>} [places.builtin] A task that loads a module of the
 *   runtime, where there are such.
 */
export async function run({ tasks, worker, builtin }) {
  const result = { plain: {}, module: {}, served: {} };

  {
    await using executor = new ThreadPoolExecutor(2);
    const steps = [];
    const reporting = executor.with({ onProgress: (step) => steps.push(step) });
    result.plain.prime = await executor.submit(isPrime, 1_000_003);
    result.plain.describe = await executor.submit(describe, { times: 3, more: 1 }, "ab", "c");
    result.plain.map = await executor.map(square, [1, 2, 3, 4, 5]).toArray();
    result.plain.progress = [await reporting.submit(progress, 3), ...steps];
    result.plain.error = await errorOf(executor.submit(fail, 7));
    const { message } = await executor.submit(missing).exception();
    result.plain.missing = /^notThere is not defined.*importTasks/.test(message) || message;
    result.plain.crash = (await executor.submit(crash).exception())?.name;
    result.plain.afterCrash = await executor.submit(square, 6);
    if (builtin) result.plain.builtin = await executor.submit(builtin, "a/b");
    let sum = 0;
    const futures = [1, 2, 3].map((n) => executor.submit(square, n));
    for await (const future of asCompleted(futures)) sum += await future;
    result.plain.sum = sum;

    const { primesBelow, refuse } = tasks;
    result.module.primes = await executor.submit(primesBelow, 12);
    result.module.error = await errorOf(executor.submit(refuse, "no"));
  }

  {
    await using executor = new ThreadPoolExecutor({ maxWorkers: 1, worker });
    const { primesBelow, refuse } = namedTasks();
    result.served.primes = await executor.submit(primesBelow, 12);
    result.served.map = await executor.map(primesBelow, [3, 4]).toArray();
    result.served.error = await errorOf(executor.submit(refuse, "no"));
    result.served.crash = (await executor.submit(crash).exception())?.name;
    result.served.afterCrash = await executor.submit(primesBelow, 3);
  }

  console.log(JSON.stringify(result));
}
