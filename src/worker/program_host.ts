/**
 * What the program needs of the place where it runs: types only.
 *
 * @module
 */

import type { Failure } from "../wire/messages.ts";
import type { TaskCounter } from "../wire/process_port.ts";

/** When a program that has more to do shall wait, and for what. */
export interface Pause {
  /** After so many milliseconds of work without one. */
  readonly after: number;
  /** Whether it is time, in the host's own measure. Asked before each task. */
  readonly isDue?: (() => boolean) | undefined;
  /** Calls back, not at once. */
  wait(goOn: () => void): void;
}

/** What the program needs of the place where it runs. */
export interface ProgramHost {
  /** Sends a message to the owner; throws if it cannot be cloned. */
  post(message: unknown, transfer?: readonly Transferable[]): void;
  /** Makes a function of source text. */
  compile(source: string): unknown;
  /** Loads a module. */
  load(url: string): PromiseLike<Record<string, unknown>>;
  /** Whether functions reach the owner as they are: it is on the same thread. */
  readonly passesFunctions: boolean;
  /** The tasks given to `serve()`. */
  readonly named: Record<string, unknown> | undefined;
  encodeError(error: unknown): Failure;
  /** Ends this worker. */
  exit(): void;
  /** Tells the owner what begins and ends, where there is no claim table. */
  readonly counter: TaskCounter | undefined;
  /** How many bytes this worker has, where that is told. */
  readonly memory?: (() => number) | undefined;
  /** Whether the program has a thread of its own, which may wait. */
  readonly sleeps?: boolean;
  /**
   * The owner rings at the end of this table for each message: while the program is idle, its thread may wait
   * for the next one there.
   */
  readonly waitAt?: ((table: Int32Array, isIdle: () => boolean) => void) | undefined;
  /** Gives way to messages, or to the owner on the same thread. */
  readonly pause: Pause | undefined;
  /** Where tasks run on their owner's thread: calls a function in the async context of a slot's task. */
  readonly runIn: (<R>(slot: number, callback: () => R) => R) | undefined;
}
