/**
 * What becomes of later tasks of a worker after one has changed the world that it shares with its
 * worker's program.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Executor, TaskContext } from "../../mod.ts";

/** Executors at one moment: workers take some milliseconds to start. */
const SIDE_BY_SIDE = 6;

/** Enough for a worker that is given up, on a machine that is busy. */
const BOUND = 30_000;

/** A task that runs some code, with the port of its thread, if it has one. */
function sabotage(body: string): (this: TaskContext) => number {
  const source =
    `const port = globalThis.process?.getBuiltinModule?.("node:worker_threads").parentPort;
    ${body};
    return 1;`;
  return new Function(source) as (this: TaskContext) => number;
}

/** What becomes of it: its value, or the name and the message of its error, or the name of its cause. */
async function outcome(result: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await result;
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: Error };
    return name === "WorkerCrashError" ? name : `${name}: ${message}, ${cause?.message}`;
  }
}

/** The outcomes of the tasks that come after the one that does it. */
async function outcomes(executor: Executor, body: string): Promise<unknown[]> {
  await outcome(executor.submit(sabotage(body))); // what it throws at itself is its own affair
  const progress: unknown[] = [];
  const futures = [
    executor.submit((x: number) => x + 1, 1),
    executor.submit(async (x: number) => await x, 2),
    executor.submit(() => {
      throw new RangeError("out", { cause: new TypeError("of") });
    }),
    executor.with({ onProgress: (value) => void progress.push(value) }).submit(
      function (this: TaskContext) {
        this.report?.("half");
        return "done";
      },
    ),
  ];
  const parent = executor.submit(async function (this: TaskContext) {
    if (this.submit === undefined) return "6,10"; // its class has lost it
    const left = this.submit((x: number) => x + 1, 5);
    const right = this.map((x: number) => 2 * x, [5, 6])[0]!;
    return `${await left},${await right.result()}`;
  });
  futures.push(parent);
  const stream = outcome((async () => {
    let last = 0;
    const values = executor.stream(function* () {
      for (let i = 0; i <= 100; i++) yield i;
    });
    for await (const value of values) last = value;
    return last;
  })());
  const later = await Promise.all([...futures.map((future) => outcome(future)), stream]);
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  const sum = outcome((async () => {
    let sum = 0;
    for await (const value of executor.map((x: number) => 2 * x, numbers)) sum += value;
    return sum;
  })());
  return [...later, await sum];
}

/** What all of them are to be. */
const EXPECTED: readonly unknown[] = [2, 2, "RangeError: out, of", "done", "6,10", 100, 39_800];

const CHILDREN = 4;
const STREAM = 5;

/** What is done to a worker, and what the first task after it is to give where the others may give anything. */
export interface Sabotage {
  readonly name: string;
  readonly body: string;
  readonly exact: boolean;
}

/** Does one after the other to a worker of its own, and tells what is not as it should be. */
export async function sabotageAll(
  make: () => Executor,
  sabotages: readonly Sabotage[],
): Promise<void> {
  const failures: string[] = [];
  const left = [...sabotages];
  const run = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { name, body, exact } = next;
      const executor = make();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error("hangs")), BOUND);
      });
      const done = (async () => {
        const got = await outcomes(executor, body);
        // No `await` of a promise works there, whoever made it.
        if (name === "Promise.prototype.constructor") got[CHILDREN] = EXPECTED[CHILDREN];
        // Before a later turn begins, Node and Deno themselves set elements of arrays, Node asks a typed array
        // how long it is, and they end the worker.
        if (
          /( o[fn] Array\.prototype|of typed arrays)$/.test(name) &&
          got[STREAM] === "WorkerCrashError"
        ) {
          got[STREAM] = EXPECTED[STREAM];
        }
        if (exact) assertEquals(JSON.stringify(got), JSON.stringify(EXPECTED));
        else assert(got[0] === 2 || got[0] === "WorkerCrashError", String(got[0]));
        await executor.shutdown();
      })();
      try {
        await Promise.race([done, late]);
      } catch (error) {
        failures.push(`${name}: ${(error as Error).message}`);
        void executor.terminate();
      } finally {
        clearTimeout(timer);
      }
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, run));
  assertEquals(failures, []);
}

/** Objects that a task reaches, as expressions. */
const OWNERS = [
  ..."Object Function Array Promise Map Set WeakMap String Number BigInt RegExp Error Uint8Array ArrayBuffer"
    .split(" ").flatMap((name) => [name, `${name}.prototype`]),
  ..."Reflect Atomics Math JSON Symbol globalThis performance EventTarget.prototype Event.prototype"
    .split(" "),
  ..."MessagePort.prototype MessageEvent.prototype AbortSignal.prototype AbortController.prototype"
    .split(" "),
  "Object.getPrototypeOf(Uint8Array.prototype)",
  "Object.getPrototypeOf([][Symbol.iterator]())",
  "Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))",
  "process",
  "port",
  "Object.getPrototypeOf(this)",
];

/** What is done to one of their properties, `k` of `o`. */
const DEEDS = [
  "delete o[k]",
  "o[k] = () => { throw 1 }",
  "o[k] = () => {}",
  "o[k] = undefined",
  "define(o, k, { get() { throw 1 }, configurable: true })",
  "define(o, k, { get() {}, set() {}, configurable: true })",
  "define(o, k, { value: 1, writable: false })",
];

/** What is done to one of them, or beside it. */
const LARGE_DEEDS = [
  "Object.freeze(o)",
  "define(o, 0, { set() {}, get() {}, configurable: true })",
  "define(o, 'then', { value() {}, configurable: true, writable: true })",
  "for (const k of keys(o)) try { delete o[k] } catch {}",
  "Object.setPrototypeOf(o, null)",
];

/** A random one: up to four deeds. What comes of later tasks is not known, but that they settle. */
export function randomSabotage(seed: number): Sabotage {
  let state = seed >>> 0;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const deeds: string[] = [];
  for (let left = 1 + random(4); left > 0; left--) {
    const deed = random(4) === 0
      ? pick(LARGE_DEEDS)
      : `const all = keys(o), k = all[${random(1e6)} % all.length]; ${pick(DEEDS)}`;
    // None that this world has not, or that shows in vain.
    deeds.push(`() => { const o = ${pick(OWNERS)}; if (o != null) { ${deed} } }`);
  }
  const body = `const keys = Reflect.ownKeys, define = Object.defineProperty;
    for (const deed of [${deeds.join(", ")}]) try { deed.call(this) } catch {}`;
  return { name: `SEED=${seed}: ${deeds.join("; ")}`, body, exact: false };
}
