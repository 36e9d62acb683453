/**
 * Tasks that do their worker, or its owner, all the harm they can, and honest ones beside them. Each counts
 * its run: in shared memory, or in a file.
 *
 * @module
 */

import { appendFileSync, writeSync } from "node:fs";
import { spawnSync } from "node:child_process";
import process from "node:process";
import type { Future, TaskContext } from "../../mod.ts";
import { Random } from "./random.ts";

/** Where runs are counted: in memory, or in a file, a line for each. */
export type Counter = Int32Array | string;

/** In memory: how many tasks there may be, where runs are counted, and where it stands which each one was. */
export const MOST = 500;
export const SEQUENCE: number = MOST;
export const ORDER: number = MOST + 1;

// As they were before any task could change them.
const { add, store } = Atomics;

function count(counter: Counter, i: number): void {
  if (typeof counter === "string") return appendFileSync(counter, `${i}\n`);
  store(counter, ORDER + i, add(counter, SEQUENCE, 1));
  add(counter, i, 1);
}

export function honest(counter: Counter, i: number, _seed?: number): number {
  count(counter, i);
  return 2 * i + 1;
}

export async function honestSoon(counter: Counter, i: number, _seed?: number): Promise<number> {
  count(counter, i);
  await new Promise((resolve) => setTimeout(resolve, 1));
  return 2 * i + 1;
}

/** Takes no notice of what it was given. */
export function takes(counter: Counter, i: number, _value: unknown): number {
  count(counter, i);
  return 2 * i + 1;
}

/** A number as the protocol has them, or one that it should never have. */
function oddNumber(random: Random): number {
  const numbers = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), NaN, Infinity, 0.5, 1e300, -2_000_000_000];
  return random.oneIn(3) ? numbers[random.below(numbers.length)]! : random.below(64);
}

/** A message that looks like one of the protocol, more or less. */
function forged(random: Random): unknown {
  const entry = (): unknown => {
    const entries = [
      "constructor",
      "__proto__",
      "length",
      undefined,
      null,
      {},
      [],
      new Float64Array(3),
      { name: "Error", message: "forged" },
      [random.below(20), "progress"],
      "@concurrent/futures",
    ];
    return random.oneIn(2) ? oddNumber(random) : entries[random.below(entries.length)];
  };
  const list = Array.from({ length: random.below(7) }, entry);
  if (random.oneIn(3)) list.unshift("@concurrent/futures");
  return random.oneIn(6) ? new Map([[0, list]]) : random.oneIn(6) ? entry() : list;
}

interface Scope {
  postMessage?(message: unknown): void;
  dispatchEvent?(event: Event): boolean;
}

interface Threads {
  parentPort?: {
    postMessage(message: unknown): void;
    emit(name: string, value: unknown): void;
  } | null;
}

/** Says on every channel that it finds what only the program of its worker says. */
export function forge(counter: Counter, i: number, seed: number): number {
  count(counter, i);
  const random = new Random(seed);
  const scope = globalThis as Scope;
  const threads = process.getBuiltinModule?.("node:worker_threads") as Threads | undefined;
  for (let n = random.below(6); n >= 0; n--) {
    const message = forged(random);
    const ways = [
      () => scope.postMessage?.(message),
      () => threads?.parentPort?.postMessage(message),
      () => threads?.parentPort?.emit("message", message),
      () => scope.dispatchEvent?.(new MessageEvent("message", { data: message })),
      () => (process as { send?(message: unknown): void }).send?.(message),
    ];
    try {
      ways[random.below(ways.length)]!();
    } catch { /* this way does not exist here */ }
  }
  return 2 * i + 1;
}

/** Writes to the files by which a process is told what to do, itself or by a program. */
export function writeFrames(counter: Counter, i: number, seed: number): number {
  count(counter, i);
  const random = new Random(seed);
  for (let n = random.below(3); n >= 0; n--) {
    const bytes = Uint8Array.from({ length: 1 + random.below(40) }, () => random.below(256));
    const file = 3 + random.below(2);
    try {
      if (random.oneIn(4)) {
        const text = Array.from(bytes, (byte) => `\\0${byte.toString(8)}`).join("");
        spawnSync("sh", ["-c", `printf '%b' '${text}' >&${file}`]);
      } else writeSync(file, bytes);
    } catch { /* the file is not there */ }
  }
  return 2 * i + 1;
}

/** Values that break who looks at them, or cannot be sent. */
const NASTY: readonly (() => unknown)[] = [
  () => Proxy.revocable({}, {}).proxy,
  () => new Proxy([], { get: (_, key) => key === "then" ? undefined : fail() }),
  () => new Proxy({}, { getPrototypeOf: fail, ownKeys: fail }),
  () => ({
    get value() {
      return fail();
    },
  }),
  () => () => 1,
  () => Symbol("nasty"),
  () => new WeakMap(),
  () => {
    let list: unknown = [];
    for (let depth = 0; depth < 20_000; depth++) list = [list];
    return list;
  },
  sharedLists,
  () => Object.assign(/x/g, { own: 1, lastIndex: 7 }),
  () => Object.create(Array.prototype, { length: { value: 2 ** 32 } }),
  () => Object.assign(Object.create(null), { __proto__: 1, constructor: 2, then: 3 }),
  () => Object.assign([1, 2], { [Symbol.iterator]: 1, length: 9 }),
  () => new Error("nasty", { cause: new Proxy({}, { ownKeys: fail }) }),
  () => Object.defineProperty(new Error(), "message", { get: fail }),
  () => new AggregateError([new WeakSet(), Symbol("nasty"), new Error("inner")]),
  () => ({ toJSON: fail, toString: fail, valueOf: fail }),
  () => new Date(NaN),
  () => new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
  () => ({ then: 1, name: "then" }),
  () => new Response("body"),
  () => new (class Strange extends Map<number, number> {})([[NaN, -0]]),
];

/** As long as a number of thirty digits for whoever does not see that they are the same. */
function sharedLists(): unknown {
  let list: unknown = [];
  for (let depth = 0; depth < 30; depth++) list = [list, list];
  return list;
}

function fail(): never {
  throw new RangeError("trap");
}

/** One of the values that no channel likes. */
export function nastyValue(random: Random): unknown {
  return NASTY[random.below(NASTY.length)]!();
}

/** Gives such a value, or throws it. */
export function nasty(counter: Counter, i: number, seed: number): unknown {
  count(counter, i);
  const random = new Random(seed);
  const throws = random.oneIn(2);
  const value = nastyValue(random);
  if (throws) throw value;
  return value;
}

/** A task that another one submits. */
interface Child {
  readonly name: "honest" | "honestSoon" | "nasty" | "forge" | "die" | "writeFrames";
  readonly index: number;
}

/** What a task with such a seed submits. */
export function childrenOf(
  seed: number,
  first: number,
  length: number,
  processes: boolean,
): Child[] {
  const random = new Random(seed);
  const harmful = processes ? ["forge", "die", "writeFrames"] as const : ["forge", "die"] as const;
  return Array.from({ length }, (_, i) => {
    const name = random.oneIn(8)
      ? harmful[random.below(harmful.length)]!
      : random.oneIn(5)
      ? "nasty"
      : random.oneIn(3)
      ? "honestSoon"
      : "honest";
    return { name, index: first + i };
  });
}

/** Submits others. Gives what became of them, or ends before they do. */
export async function parent(
  this: TaskContext,
  counter: Counter,
  i: number,
  seed: number,
  first: number,
  length: number,
  processes: boolean,
): Promise<unknown[]> {
  count(counter, i);
  const futures: Future<unknown>[] = [];
  for (const { name, index } of childrenOf(seed, first, length, processes)) {
    futures.push(this.submit(TASKS[name] as typeof nasty, counter, index, seed ^ index));
  }
  if (seed % 5 === 0) return [];
  const outcomes = await Promise.allSettled(futures);
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") return `${(outcome.reason as Error)?.name}`;
    return typeof outcome.value === "number" ? outcome.value : "a value";
  });
}

const TASKS = { honest, honestSoon, nasty, forge, die, writeFrames };

/** Yields numbers from 0. At the end it throws, or dies. */
export async function* values(
  counter: Counter,
  i: number,
  length: number,
  endsAt: number,
  how: string,
): AsyncGenerator<number> {
  count(counter, i);
  for (let value = 0; value < length; value++) {
    if (value === endsAt) {
      if (how === "throw") throw new RangeError("trap");
      if (how === "die") process.exit(3);
      return;
    }
    if (value % 16 === 3) await null;
    yield value;
  }
}

/** Ends its worker, in one way or another. */
export function die(counter: Counter, i: number, seed: number): Promise<never> {
  count(counter, i);
  const random = new Random(seed);
  if (random.oneIn(2)) process.exit(random.below(3));
  // Node looks for ever at lists that share lists, before it tells anybody what was thrown.
  const values = NASTY.filter((make) => make !== sharedLists);
  setTimeout(() => {
    throw values[random.below(values.length)]!();
  });
  return new Promise(() => {});
}
