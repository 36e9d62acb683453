import { clock } from "../futures/clock.ts";

/**
 * The life of a worker, in one direction:
 * starting (program loads) -> initializing -> live -> stopping -> dead.
 */
export type WorkerState = "starting" | "initializing" | "live" | "stopping" | "dead";

/** How a worker ended, as far as the runtime tells. */
export interface WorkerEnd {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly pid?: number | undefined;
}

/** How a worker ended, in words. */
export function describeEnd({ exitCode, signal }: WorkerEnd): string {
  if (signal !== undefined) return `died of ${signal}`;
  return exitCode === undefined ? "died" : `died with exit code ${exitCode}`;
}

/** Where one worker is in its life, and what its death will have been of. */
export class WorkerLife {
  /** When its start began. */
  readonly startedAt: number = clock.now();
  /** How many deaths had been counted when it was started. */
  readonly startedAfter: number;
  #state: WorkerState = "starting";
  #isProven = false;
  #error: { readonly reason: unknown } | undefined = undefined;
  #exitCode: number | undefined = undefined;
  #isCrashed = false;
  #stateBeforeStop: WorkerState = "starting";
  #wasBusy = false;

  constructor(startedAfter: number) {
    this.startedAfter = startedAfter;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Whether it is stopping, or dead. */
  get isOver(): boolean {
    return this.#state === "stopping" || this.#state === "dead";
  }

  /** Its program has loaded: it is being set up. */
  initialize(): void {
    this.#state = "initializing";
  }

  /** It takes tasks from now on. */
  begin(): void {
    this.#state = "live";
  }

  /** A task of it has ended with an outcome: it does not only die. */
  prove(): void {
    this.#isProven = true;
  }

  get isProven(): boolean {
    return this.#isProven;
  }

  /** It dies of this, unless something else is known already. */
  blame(reason: unknown): void {
    this.#error ??= { reason };
  }

  /** It dies of this, whatever was known before. */
  fail(reason: unknown): void {
    this.#error = { reason };
  }

  /** What it died of, or is to die of, if that is known. */
  get error(): { readonly reason: unknown } | undefined {
    return this.#error;
  }

  /** It announces its exit code: a task may exit with anything. */
  announceExit(exitCode: unknown): void {
    this.#exitCode = Number.isInteger(exitCode) ? exitCode as number : undefined;
  }

  /**
   * It gets no more work.
   *
   * @param isBusy Whether it has tasks.
   * @param isCrashed Whether it ends because of a fault of its own.
   */
  stop(isBusy: boolean, isCrashed: boolean): void {
    this.#stateBeforeStop = this.#state;
    this.#wasBusy = isBusy;
    this.#isCrashed = isCrashed;
    this.#state = "stopping";
  }

  get stateBeforeStop(): WorkerState {
    return this.#stateBeforeStop;
  }

  /** Whether it had tasks when it got no more work. */
  get wasBusy(): boolean {
    return this.#wasBusy;
  }

  /** Whether it ends because of a fault of its own. */
  get isCrashed(): boolean {
    return this.#isCrashed;
  }

  /** It is gone. What it announced itself goes before what the runtime tells. */
  end(told: WorkerEnd, pid: number | undefined): WorkerEnd {
    this.#state = "dead";
    const end = this.#exitCode === undefined ? told : { exitCode: this.#exitCode };
    return pid === undefined ? end : { ...end, pid };
  }
}
