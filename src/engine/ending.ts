import type { OpenInput } from "../backend/task_backend.ts";
import { clock } from "../futures/clock.ts";
import { CancelledError } from "../futures/errors.ts";
import type { Settlement } from "./settlement.ts";
import type { Supervisor } from "./supervisor.ts";
import type { TakeBack } from "./take_back.ts";
import type { TaskQueue } from "./task_queue.ts";

/** Ends an engine: no new tasks, then no tasks, then no workers. */
export class Ending {
  /** Nobody can submit any more. */
  closed = false;
  /** Nobody can reach the executor any more: it ends when all is done, but inputs that are read may submit. */
  #abandoned = false;
  /** Inputs of `map` that are still read. */
  readonly #inputs = new Set<OpenInput>();
  #waiters: (() => void)[] = [];

  readonly #executorName: string;
  readonly #queue: TaskQueue;
  readonly #supervisor: Supervisor;
  readonly #settlement: Settlement;
  readonly #takeBack: TakeBack;

  constructor(
    executorName: string,
    queue: TaskQueue,
    supervisor: Supervisor,
    settlement: Settlement,
    takeBack: TakeBack,
  ) {
    this.#executorName = executorName;
    this.#queue = queue;
    this.#supervisor = supervisor;
    this.#settlement = settlement;
    this.#takeBack = takeBack;
  }

  /** Whether no task is taken any more. */
  get isEnding(): boolean {
    return this.closed || this.#supervisor.broken !== undefined;
  }

  /** From now until `inputClosed` an input is stopped when what is pending is cancelled. */
  inputOpened(input: OpenInput): void {
    this.#inputs.add(input);
  }

  inputClosed(input: OpenInput): void {
    this.#inputs.delete(input);
    this.checkSoon();
  }

  close(): void {
    this.closed = true;
    this.#supervisor.close();
  }

  /** Nobody can reach the executor any more: when all is done, its workers end, as in Python. */
  abandon(): void {
    this.#abandoned = true;
    this.checkSoon();
  }

  /** Cancels all that has not begun, or fails it. */
  cancelPending(error?: () => unknown): void {
    for (const worker of this.#supervisor.workers) this.#takeBack.all(worker);
    const queue = this.#queue;
    for (let item = queue.shiftAny(); item !== undefined; item = queue.shiftAny()) {
      if (error !== undefined) this.#settlement.fail(item, error());
      else this.#settlement.cancel(item);
    }
    for (const input of [...this.#inputs]) {
      input.stop(
        error?.() ?? new CancelledError(`Cannot go on with map: ${this.#executorName} ended`),
      );
    }
  }

  /** Resolves when no worker is left. */
  whenEnded(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.check();
    });
  }

  /** As `check`, when whoever settles a task now has gone on. */
  checkSoon(): void {
    if (this.closed || this.#abandoned) clock.queueMicrotask(() => this.check());
  }

  /** Closed or broken, with nothing left to do: the workers end, and then `shutdown()` resolves. */
  check(): void {
    if (this.#settlement.outstanding > 0) return;
    // Whoever still waits for `warmUp()` is to be told that it is.
    if (this.#abandoned && this.#inputs.size === 0 && this.#supervisor.starting === 0) {
      this.close();
    }
    if (!this.isEnding) return;
    this.#supervisor.dismissAll();
    if (this.#supervisor.workers.size > 0 || !this.closed) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
