/**
 * What a test must not leave behind: workers, timers of the library, and on Node ports. Bun and Deno
 * do not tell of theirs (`getActiveResourcesInfo()` lists at most timers), so that workers are counted
 * where they are started, and timers where they are set.
 *
 * @module
 */

import process from "node:process";
import { clock } from "../src/futures/clock.ts";
import { detectRuntime } from "../src/runtime/mod.ts";
import type { Runtime, WorkerOptions } from "../src/runtime/mod.ts";

/** Milliseconds in which workers that were told to end have ended, on a busy machine too. */
const PATIENCE = 10_000;

/** Workers that have not ended, by the events that they tell. */
const workers = new Map<object, string>();

/** Timers of the library that are set, and where. */
const timers = new Map<unknown, string>();

const real = {
  setTimeout: globalThis.setTimeout,
  // A page takes no other receiver.
  clearTimeout: globalThis.clearTimeout.bind(globalThis),
};

const watchedRuntimes = new WeakSet<Runtime>();

/** Counts the workers and the timers of a runtime from now on. Copies of it are counted, too. */
export function watched(runtime: Runtime): Runtime {
  if (watchedRuntimes.has(runtime)) return runtime;
  watchedRuntimes.add(runtime);
  const { spawn, timer } = runtime;
  const changes: Pick<Runtime, "spawn" | "timer"> = {
    spawn(options, events) {
      const handle = spawn.call(runtime, inPage(options), {
        ...events,
        exit(...end) {
          workers.delete(events);
          events.exit(...end);
        },
      });
      workers.set(events, options.name);
      return handle;
    },
    timer: (callback, milliseconds) => setTimer(timer, callback, milliseconds),
  };
  return Object.assign(runtime, changes);
}

/**
 * In a page, workers are given the files of the tests, as `tests/browser/runner/` provides them. Where a
 * Content-Security-Policy forbids the library's workers, they are made as its users would.
 */
function inPage(options: WorkerOptions): WorkerOptions {
  const { prelude = "", ownWorker } = globalThis as {
    prelude?: string;
    ownWorker?: (name: string) => unknown;
  };
  const factory = options.factory ?? (ownWorker && (() => ownWorker(options.name)));
  return { ...options, program: prelude + options.program, factory };
}

function setTimer<T>(
  set: (callback: () => void, milliseconds: number) => T,
  callback: () => void,
  milliseconds: number,
): T {
  const place = whereFrom(new Error().stack ?? "");
  const timer = set(() => {
    timers.delete(timer);
    callback();
  }, milliseconds);
  if (place !== undefined && !place.startsWith(LOOKS)) {
    timers.set(timer, `${place}, ${milliseconds} ms`);
  }
  return timer;
}

/**
 * Its looks at silent workers end by themselves, half a second after the last task: a test need not wait for that. The
 * model of the scheduler holds that none is left.
 */
const LOOKS = "src/engine/silence_watch.ts";

/** The place in the library that called; none for those who call it from outside. */
function whereFrom(stack: string): string | undefined {
  const caller = stack.split("\n").find((line) => /:\d+/.test(line) && !line.includes("leaks.ts"));
  return /\/(src\/[^?:]*(?::\d+)*)/.exec(caller ?? "")?.[1];
}

watched(detectRuntime());
// What the library took when it was loaded, and what its workers on this thread take.
const { setTimeout: setLibraryTimer, clearTimeout: clearLibraryTimer } = clock;
Object.assign(clock, {
  setTimeout: (callback: () => void, milliseconds: number) =>
    setTimer(setLibraryTimer, callback, milliseconds),
  clearTimeout(timer: ReturnType<typeof setTimeout>) {
    timers.delete(timer);
    clearLibraryTimer(timer);
  },
});
Object.assign(globalThis, {
  setTimeout: Object.assign(
    (callback: (...args: unknown[]) => void, milliseconds = 0, ...args: unknown[]) =>
      setTimer(
        (callback, milliseconds) => real.setTimeout.call(globalThis, callback, milliseconds),
        () => callback(...args),
        milliseconds,
      ),
    real.setTimeout,
  ),
  clearTimeout(timer: ReturnType<typeof setTimeout>) {
    timers.delete(timer);
    real.clearTimeout(timer);
  },
});

function openPorts(): number {
  const names: readonly string[] = process.getActiveResourcesInfo?.() ?? [];
  return names.filter((name) => name === "MessagePort").length;
}

/** Remembers what there is, and finds later what has come and not gone. */
export class LeakCheck {
  readonly #workers = new Set(workers.keys());
  readonly #timers = new Set(timers.keys());
  readonly #ports = openPorts();

  /** What is left, in words; empty if nothing is. */
  get left(): string[] {
    const left: string[] = [];
    for (const [key, name] of workers) if (!this.#workers.has(key)) left.push(`worker ${name}`);
    for (const [key, place] of timers) if (!this.#timers.has(key)) left.push(`timer of ${place}`);
    const ports = openPorts() - this.#ports;
    if (ports > 0) left.push(`${ports} ports`);
    return left;
  }

  /** Rejects if something is left that does not go by itself. */
  async check(patience: number = PATIENCE): Promise<void> {
    const end = performance.now() + patience;
    while (this.left.length > 0) {
      if (performance.now() > end) throw new Error(`The test has left ${this.left.join("; ")}`);
      await new Promise((resolve) => real.setTimeout.call(globalThis, resolve, 2));
    }
  }
}
