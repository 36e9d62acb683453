import type { TaskBackend } from "../backend/task_backend.ts";
import { backendOf } from "../executor/executor.ts";
import type { Executor } from "../executor/executor.ts";
import { clock } from "../futures/clock.ts";
import { BrokenExecutorError, WorkerCrashError } from "../futures/errors.ts";
import type { Future } from "../futures/future.ts";

/** Milliseconds until tasks are looked at for the first time: most are over by then. */
const LOOK_AFTER = 3;

/** Milliseconds between two looks at tasks that wait for a thread, at the most: looking costs. */
const LOOK_PAUSE = 100;

/** Milliseconds below which tasks share few threads: about what it costs to wake one. */
const SHORT = 2;

/** What a task that turned out to be long counts as, at least; about ten short ones make up for it. */
const LONG = 10;

/** Submits a task to an executor; to another one, if it is moved before it began. */
export type SubmitTo = (backend: TaskBackend) => Future<unknown>;

/** A task that was given a place. */
interface Placed {
  readonly key: string;
  readonly submit: SubmitTo;
  readonly onBegun: () => void;
  future: Future<unknown>;
  isShared: boolean;
  since: number;
  /** When it was seen to run, and told so. */
  seen: number | undefined;
  /** Whether it is known to be long, and has one of the shared threads. */
  stuck: boolean;
}

/**
 * Where a worker's tasks run. One with more places than cores has a thread for each place, so that each of its tasks
 * may block. But to wake a thread costs more than a short task does: functions that were short so far share a few
 * threads, which take many tasks of one message. A task that turns out to be long keeps its thread, and those behind
 * it, which have not begun, are moved.
 */
export class TaskPlaces {
  /** A thread for each place. */
  executor: Executor;
  #shared: Executor | undefined;
  readonly #sharedThreads: number;
  /** Shared threads that long tasks have. */
  #stuck = 0;
  /** Milliseconds that tasks of a function take. */
  readonly #means = new Map<string, number>();
  /** Those that are not known to run on, or to run at all. */
  #watched: Placed[] = [];
  #pause = LOOK_AFTER;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param executor Has a thread for each place.
   * @param shared Has fewer, for short tasks.
   */
  constructor(executor: Executor, shared: Executor | undefined) {
    this.executor = executor;
    this.#shared = shared;
    this.#sharedThreads = shared?.maxWorkers ?? 0;
  }

  /** Where modules are looked at: on a thread that is used anyway. */
  get first(): Executor {
    return this.#shared ?? this.executor;
  }

  /**
   * Runs a task.
   *
   * @param key Of what is about as long.
   * @param onBegun Told if it is still running after a while.
   */
  async run(key: string, submit: SubmitTo, onBegun: () => void): Promise<unknown> {
    const isShared = this.#shared !== undefined && this.#stuck < this.#sharedThreads &&
      (this.#means.get(key) ?? 0) < SHORT;
    const placed: Placed = {
      ...{ key, submit, onBegun, future: this.#submit(submit, isShared), isShared },
      ...{ since: clock.now(), seen: undefined, stuck: false },
    };
    this.#watch(placed);
    for (;;) {
      const { future } = placed;
      try {
        const value = await future;
        this.#ended(placed);
        return value;
      } catch (error) {
        if (placed.future !== future) continue; // it was moved
        this.#ended(placed);
        if (!placed.isShared || !this.#isUnrun(error)) throw error;
        await this.#closeShared();
        this.#move(placed);
      }
    }
  }

  /** Whether the shared threads start no more, and this came of that: not of its own, nor of the worker's end. */
  #isUnrun(error: unknown): boolean {
    if (!(error instanceof BrokenExecutorError) || error instanceof WorkerCrashError) return false;
    return this.#shared === undefined || backendOf(this.#shared)[0]().state === "broken";
  }

  #submit(submit: SubmitTo, isShared: boolean): Future<unknown> {
    const [find] = backendOf(isShared ? this.#shared! : this.executor);
    return submit(find());
  }

  #ended(placed: Placed): void {
    const now = clock.now();
    const took = now - placed.since;
    if (placed.stuck) this.#stuck--;
    else if (placed.isShared && took >= SHORT) {
      // It may have waited for others. What is known is how long it ran since it was seen to.
      const ran = now - (placed.seen ?? now);
      if (ran >= SHORT) this.#means.set(placed.key, ran);
    } else {
      const mean = this.#means.get(placed.key) ?? took;
      this.#means.set(placed.key, mean + (took - mean) / 4);
    }
  }

  /** It tells when a task has begun, which nothing else does. */
  #watch(placed: Placed): void {
    this.#watched.push(placed);
    if (this.#pause === LOOK_AFTER && this.#timer !== undefined) return;
    clock.clearTimeout(this.#timer);
    this.#pause = LOOK_AFTER;
    this.#timer = clock.setTimeout(() => this.#look(), LOOK_AFTER);
  }

  #look(): void {
    this.#timer = undefined;
    let isStuck = false;
    this.#watched = this.#watched.filter((placed) => {
      const { future, key } = placed;
      if (future.done()) return false;
      if (!future.running()) return true;
      const isFirst = placed.seen === undefined;
      placed.seen ??= clock.now();
      if (isFirst) placed.onBegun();
      if (!placed.isShared) return false;
      if (isFirst) return true; // it may have begun just now
      isStuck = placed.stuck = true;
      this.#stuck++;
      this.#means.set(key, Math.max(LONG, this.#means.get(key) ?? 0));
      return false;
    });
    if (isStuck) {
      for (const placed of this.#watched) {
        if (placed.isShared && placed.future.cancel()) this.#move(placed);
      }
    }
    if (this.#watched.length === 0) {
      this.#pause = LOOK_AFTER;
      return;
    }
    this.#pause = Math.min(2 * this.#pause, LOOK_PAUSE);
    this.#timer = clock.setTimeout(() => this.#look(), this.#pause);
  }

  /** It has not begun. */
  #move(placed: Placed): void {
    placed.isShared = false;
    placed.since = clock.now();
    placed.future = this.#submit(placed.submit, false);
  }

  async #closeShared(): Promise<void> {
    const shared = this.#shared;
    this.#shared = undefined;
    await shared?.terminate();
  }

  /** Ends the shared threads, and looks at nothing any more. */
  async end(): Promise<void> {
    clock.clearTimeout(this.#timer);
    this.#watched = [];
    await this.#shared?.terminate(); // it is not gone as broken ones are: what ran there is not run again
  }
}
