import { promiseThen } from "./originals.ts";

/**
 * The clock, the timers and the microtasks of this thread, as they were when the library was loaded: test
 * runners replace those of the global object (`useFakeTimers()`), and work must go out all the same.
 * Timeouts go by the real clock.
 *
 * One object, so that the library's own tests can put theirs into it.
 */
export const clock: Clock = makeClock();

/** See {@linkcode clock}. */
export interface Clock {
  /** Milliseconds since the program began. */
  now(): number;
  /** Milliseconds since 1970, on a clock that is not set while the program runs. */
  epoch(): number;
  queueMicrotask(callback: () => void): void;
  /** Calls back when messages that have arrived were read. */
  giveWay(callback: () => void): void;
  setTimeout(callback: () => void, milliseconds: number): ReturnType<typeof setTimeout>;
  clearTimeout(timer: ReturnType<typeof setTimeout> | undefined): void;
}

function makeClock(): Clock {
  const { performance, queueMicrotask, setTimeout, clearTimeout, setImmediate } = realOnes();
  // Deno reads messages in one of dozens of turns that end with `setImmediate`.
  const turn = setImmediate === undefined || "Deno" in globalThis ? undefined : setImmediate;
  return {
    now: performance.now.bind(performance),
    epoch() {
      return performance.timeOrigin + this.now();
    },
    // Called without a receiver, as a page wants it.
    queueMicrotask: (callback) => queueMicrotask(callback),
    giveWay: (callback) => {
      if (turn === undefined) setTimeout(callback, 0);
      else turn(callback);
    },
    setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer),
  };
}

/**
 * Fakes that are there before the library is, as with jest's `fakeTimers: { enableGlobally: true }`, have
 * this mark. On Node the real ones lie behind them.
 */
function realOnes(): Real {
  const { setTimeout, process } = globalThis as unknown as Real & {
    process?: { getBuiltinModule?(name: string): Partial<Real> | undefined };
  };
  if (!("clock" in setTimeout)) return globalThis;
  const settled = Promise.resolve();
  return {
    ...globalThis as Real,
    ...process?.getBuiltinModule?.("node:timers"),
    ...process?.getBuiltinModule?.("node:perf_hooks"),
    queueMicrotask: (callback) => void promiseThen(settled, callback),
  };
}

type Real =
  & Pick<
    typeof globalThis,
    "performance" | "queueMicrotask" | "setTimeout" | "clearTimeout"
  >
  & {
    /** Pages have none. */
    readonly setImmediate?: (callback: () => void) => unknown;
  };
