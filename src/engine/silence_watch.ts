import { clock } from "../futures/clock.ts";
import { startDeadline } from "../futures/deadline.ts";
import { TimeoutError } from "../futures/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { WorkItem } from "./work_item.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/**
 * Milliseconds beyond a task's timeout and grace that a worker has to start. Less would fail tasks
 * whenever the machine is very busy, more would let those wait that no worker will ever run.
 */
const START_PATIENCE = 2_500;

/** The same of a worker that lives, was sent the task, and says nothing at all. */
const SILENCE_PATIENCE = 1_000;

/** Milliseconds that a worker has to answer which tasks it gives back, if it has begun none. */
const ANSWER_WITHIN = 2_000;

/** Milliseconds between two looks at whether workers stand still. */
const LOOK_EVERY = 500;

/**
 * Looks at the least until a worker is given up that stands still though nothing says that it must hurry.
 * Looks are counted, not time, which goes on while this program itself is stopped or busy.
 */
const PATIENCE = 5;

/** The same of a worker whose tasks cannot run on another one, and of all where the machine is that slow. */
const MOST_PATIENCE = 40;

/** Who acts when a worker is given up. */
export interface SilenceOwner {
  /** Whether a worker takes tasks. */
  readonly hasLiveWorker: boolean;
  /** No worker has started for this task, which is in the queue. */
  taskUnserved(item: WorkItem, error: TimeoutError): void;
  /** The worker says nothing, and has begun nothing of what it was sent; nor did this task begin. */
  workerSilent(worker: WorkerSlot, error: TimeoutError, item: WorkItem | undefined): void;
}

/**
 * Notices workers that never start, and those that stand still: stopped by a signal, or blocked by what
 * is no task. A task's timeout counts from its begin, so it says nothing of one that never begins; and a
 * task that waits behind another one has all the time of the world. So a worker is given up only if
 * nothing of it runs: after a bound for a task with a timeout, or one that is to be given back, and
 * otherwise when it was seen to stand still again and again. Then it costs no task anything.
 *
 * The last also holds for one whose messages do not arrive, as it shows in its claim table: a task may have
 * broken what its runtime sends or receives with.
 */
export class SilenceWatch {
  /** Set right after construction. */
  owner!: SilenceOwner;
  readonly #grace: number;

  readonly #workers: Iterable<WorkerSlot>;
  readonly #runtime: Runtime;
  #look: ReturnType<typeof setTimeout> | undefined = undefined;
  #lookedAt = 0;
  #patience = PATIENCE;

  constructor(grace: number, workers: Iterable<WorkerSlot>, runtime: Runtime) {
    this.#grace = grace;
    this.#workers = workers;
    this.#runtime = runtime;
  }

  // --- workers that stand still ---

  /** A worker has something to do: it is looked at until all have nothing to do. */
  watch(): void {
    this.#look ??= this.#runtime.timer(() => this.#lookAtAll(), LOOK_EVERY);
  }

  /** No worker is left. */
  rest(): void {
    clock.clearTimeout(this.#look);
    this.#look = undefined;
  }

  #lookAtAll(): void {
    this.#look = undefined;
    const still: WorkerSlot[] = [];
    for (const worker of this.#workers) {
      if (worker.state !== "live" && worker.state !== "initializing") continue;
      if (worker.lastMessageAt > this.#lookedAt) this.#patience = PATIENCE;
      else worker.nudge();
      const stillLooks = worker.look();
      if (stillLooks > 0 || worker.load.isBusy || worker.state === "initializing") this.watch();
      if (stillLooks < this.#patience) continue;
      if (stillLooks >= MOST_PATIENCE || worker.sent.canMove || worker.isMute) {
        still.push(worker);
      }
    }
    this.#lookedAt = clock.now();
    for (const worker of still) {
      // Should it have been the machine, the next ones have more time.
      this.#patience = Math.min(2 * this.#patience, MOST_PATIENCE);
      const what = worker.isMute
        ? "The worker's messages do not arrive"
        : "The worker stands still: it has begun nothing of what it was sent";
      this.owner.workerSilent(worker, new TimeoutError(what), undefined);
    }
  }

  // --- what has a bound ---

  /** A task with a timeout was queued. */
  queued(item: WorkItem, timeout: number): void {
    if (this.owner.hasLiveWorker) return;
    const limit = timeout + this.#grace + START_PATIENCE;
    item.control!.stopTimer = startDeadline(limit, () => {
      if (item.done || item.worker !== undefined || this.owner.hasLiveWorker) return;
      const what =
        `Cannot begin task "${item.task.name}": no worker has started within ${limit} ms`;
      this.owner.taskUnserved(item, new TimeoutError(what));
    });
  }

  /** A task with a timeout was sent to a worker. */
  sent(worker: WorkerSlot, item: WorkItem, timeout: number): void {
    const limit = timeout + this.#grace + SILENCE_PATIENCE;
    const sentAt = clock.now();
    const control = item.control!;
    control.stopTimer?.();
    let hadBegun = false;
    const look = (): void => {
      if (item.done || item.worker !== worker || item.aborted !== undefined) return;
      const lastMessageAt = Math.max(sentAt, worker.lastMessageAt);
      const hasBegun = worker.sent.isKnownToHaveBegun(item);
      // It was stopped between two words: it counts as begun, and has not told it since the last look.
      const isMute = hasBegun && hadBegun;
      hadBegun = hasBegun;
      const left = isMute || !worker.sent.hasBegunAny()
        ? lastMessageAt + limit - clock.now()
        : limit;
      if (left > 0) {
        control.stopTimer = startDeadline(left, look);
        return;
      }
      const what = `Cannot ${hasBegun ? "finish" : "begin"} task "${item.task.name}": ` +
        `its worker has been silent for ${limit} ms`;
      this.owner.workerSilent(worker, new TimeoutError(what), item);
    };
    control.stopTimer = startDeadline(limit, look);
  }

  /** A worker was asked for tasks that nobody wants any more. */
  asked(worker: WorkerSlot): void {
    worker.stopAwaiting();
    if (!worker.sent.isAsked || worker.state === "dead") return;
    const askedAt = clock.now();
    worker.awaitAnswer(startDeadline(ANSWER_WITHIN, () => {
      const { isAsked } = worker.sent;
      if (!isAsked || worker.lastMessageAt > askedAt || worker.sent.hasBegunAny()) return;
      const what = `The worker has not answered within ${ANSWER_WITHIN} ms`;
      this.owner.workerSilent(worker, new TimeoutError(what), undefined);
    }));
  }
}
