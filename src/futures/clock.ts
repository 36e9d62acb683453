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
  queueMicrotask(callback: () => void): void;
  setTimeout(callback: () => void, milliseconds: number): ReturnType<typeof setTimeout>;
  clearTimeout(timer: ReturnType<typeof setTimeout> | undefined): void;
}

function makeClock(): Clock {
  const { performance, queueMicrotask, setTimeout, clearTimeout } = globalThis;
  return {
    now: performance.now.bind(performance),
    // Called without a receiver, as a page wants it.
    queueMicrotask: (callback) => queueMicrotask(callback),
    setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer),
  };
}
