import { clock } from "./clock.ts";
import { checkNames } from "./known_options.ts";
import { ceil, max, ObjectOf, TypeErrorOf } from "./originals.ts";
import { show } from "./show.ts";

/** The longest time that `setTimeout` can take; a longer one would fire at once. */
export const MAX_DELAY: number = 2 ** 31 - 1;

/** How long to wait, and what may end the wait. */
export interface WaitOptions {
  /**
   * Milliseconds to wait; 0 or less looks once. Not a number: `TypeError`.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
  /**
   * Ends the wait, which rejects with the signal's reason; what is waited for goes on.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
}

/**
 * Calls `callback` after so many milliseconds, however many.
 *
 * @param background Whether the program may end before, where the runtime has such timers.
 * @returns Stops it.
 */
export function startTimer(
  milliseconds: number,
  callback: () => void,
  background = false,
): () => void {
  if (milliseconds === Infinity) return () => {};
  const end = clock.now() + milliseconds;
  let timer: ReturnType<typeof setTimeout>;
  const arm = (): void => {
    const left = end - clock.now();
    timer = left > MAX_DELAY
      ? clock.setTimeout(arm, MAX_DELAY)
      : clock.setTimeout(callback, max(0, ceil(left)));
    if (background) (timer as { unref?: () => void }).unref?.();
  };
  arm();
  return () => clock.clearTimeout(timer);
}

/** The options of every wait. */
export const WAIT_OPTIONS: readonly string[] = ["timeout", "signal"];

/**
 * Turns of the event loop after which what had arrived when a timer fired is read. Where this thread was
 * busy, timers fire before messages; one turn is enough on Node and Bun, and Deno delivers some late.
 */
const TURNS = 2;

/**
 * As {@linkcode startTimer}, but before it calls, what has arrived is read: so that nothing is declared
 * late that was done long before, and only this thread had no time to look.
 *
 * @returns Stops it.
 */
export function startDeadline(
  milliseconds: number,
  callback: () => void,
  background = false,
): () => void {
  let stop = startTimer(milliseconds, () => {
    let turns = 0;
    const turn = (): void => {
      if (turns++ === TURNS) return callback();
      const timer = clock.setTimeout(turn, 0);
      stop = () => clock.clearTimeout(timer);
    };
    turn();
  }, background);
  return () => stop();
}

/**
 * Checks the options of a wait, at once.
 *
 * @param names The options there are.
 * @returns The timeout in milliseconds, `Infinity` for none.
 * @throws {TypeError} If an option is of a wrong kind.
 */
export function checkWaitOptions(
  options: WaitOptions | undefined,
  names: readonly string[] = WAIT_OPTIONS,
): number {
  if (options === undefined) return Infinity;
  if (typeof options !== "object" || options === null) {
    throw new TypeErrorOf(`Cannot wait: expected an options object, got ${show(options)}`);
  }
  checkNames("a wait", options, names);
  const { timeout, signal } = options;
  if (timeout !== undefined && (typeof timeout !== "number" || timeout !== timeout)) {
    throw new TypeErrorOf(`Cannot wait: expected timeout in milliseconds, got ${show(timeout)}`);
  }
  if (signal !== undefined && !isSignal(signal)) {
    throw new TypeErrorOf(`Cannot wait: expected signal to be an AbortSignal, got ${show(signal)}`);
  }
  return timeout ?? Infinity;
}

/** Whether a value is an `AbortSignal`, of any realm. */
export function isSignal(value: unknown): value is AbortSignal {
  try {
    const { aborted, addEventListener, removeEventListener } = ObjectOf(value) as Partial<
      AbortSignal
    >;
    return typeof aborted === "boolean" && typeof addEventListener === "function" &&
      typeof removeEventListener === "function";
  } catch {
    return false; // a getter of it throws
  }
}

/** Why a signal was aborted; if it does not let itself be asked, what it throws. */
export function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
}

/**
 * Calls `callback` when a signal is aborted, with its reason. The signal may be of a user's own making:
 * what it throws later concerns nobody.
 *
 * @returns Stops listening.
 * @throws What the signal throws when it is to be listened to.
 */
export function listenToAbort(
  signal: AbortSignal,
  callback: (reason: unknown) => void,
): () => void {
  const listener = (): void => callback(reasonOf(signal));
  signal.addEventListener("abort", listener, { once: true });
  return () => {
    try {
      signal.removeEventListener("abort", listener);
    } catch { /* then it may call once more, and is not heard */ }
  };
}

/** Told of what ends a wait early. */
export interface Deadline {
  timedOut(): void;
  aborted(reason: unknown): void;
}

/**
 * Watches the clock and the signal of one wait. The options are checked, and the signal is not
 * aborted yet.
 *
 * @returns Stops watching.
 */
export function watch(
  timeout: number,
  signal: AbortSignal | undefined,
  deadline: Deadline,
  background = false,
): () => void {
  const unlisten = signal === undefined ? undefined : listenToAbort(signal, (reason) => {
    stopTimer();
    deadline.aborted(reason);
  });
  const stopTimer = startDeadline(timeout, () => {
    unlisten?.();
    deadline.timedOut();
  }, background);
  return () => {
    stopTimer();
    unlisten?.();
  };
}
