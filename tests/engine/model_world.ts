/**
 * The world of the model test: a clock that moves only when it is told to, workers that do nothing by
 * themselves, and tasks that tell when and where they run. Nothing in it waits for real time.
 *
 * @module
 */

import { clock } from "../../src/futures/clock.ts";
import type { TaskContext } from "../../mod.ts";
import type { WorkerEvents, WorkerHandle, WorkerOptions } from "../../src/runtime/runtime.ts";
import { FakeRuntime, FakeWorker, type Memory } from "./fake_runtime.ts";
import { type Family, runParent, runStream, type StreamState } from "./model_shapes.ts";

/** What a task does. */
export type Kind =
  | "quick"
  | "slow"
  | "failing"
  | "soon"
  | "waiting"
  | "polite"
  | "parent"
  | "stream";

/** What the model says about a broken promise of the scheduler. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Throws if the scheduler does not keep a promise. */
export function must(kept: boolean, promise: () => string): asserts kept {
  if (!kept) throw new Violation(promise());
}

/** A run of a task: where and when it began. */
export interface Run {
  readonly worker: string;
  readonly at: number;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A worker whose end may come late, and which does nothing any more when it has ended. */
export class ModelWorker extends FakeWorker {
  readonly #slowExit: boolean;
  loaded = false;
  /** It was killed by the program. */
  struck = false;

  constructor(options: WorkerOptions, events: WorkerEvents, memory: Memory, slowExit: boolean) {
    super(options, events, memory);
    this.#slowExit = slowExit;
  }

  /** The program loads, once. */
  load(): void {
    if (this.loaded || this.dead) return;
    this.loaded = true;
    this.start();
  }

  override terminate(): void {
    if (this.#slowExit) this.terminated = true;
    else super.terminate();
  }

  override get moves(): boolean {
    return this.loaded && super.moves;
  }

  override die(exitCode: number | undefined, flush = false): void {
    if (this.dead) return;
    super.die(exitCode, flush);
    this.uncaughtError(undefined); // the program in it is dead too
  }
}

/** A runtime of such workers. */
export class ModelRuntime extends FakeRuntime {
  readonly #slowExit: boolean;
  /** How many of the next spawns fail. */
  failures = 0;
  /** How many have failed. */
  failed = 0;

  constructor(memory: Memory, slowExit: boolean) {
    super(memory);
    this.#slowExit = slowExit;
  }

  override spawn(options: WorkerOptions, events: WorkerEvents): WorkerHandle {
    if (this.failures > 0) {
      this.failures--;
      this.failed++;
      throw new Error("no more threads");
    }
    const worker = new ModelWorker(options, events, this.memory, this.#slowExit);
    this.workers.push(worker);
    return worker;
  }

  get living(): ModelWorker[] {
    return this.workers.filter((worker) => !worker.dead) as ModelWorker[];
  }
}

/** The clock, the timers, and what tasks do. */
export class World {
  now = 1;
  /** The runs of each task, by its number. */
  readonly runs: Run[][] = [];
  /** The numbers of tasks in the order in which they began. */
  readonly order: number[] = [];
  /** Asynchronous tasks that end when they are told to. */
  readonly waiting: { readonly worker: string; readonly end: () => void }[] = [];
  /** What tasks do that submit others, and which task has submitted one. */
  readonly families: Map<number, Family> = new Map();
  readonly parents: Map<number, Family> = new Map();
  /** What is known of the streams. */
  readonly streams: Map<number, StreamState> = new Map();
  /** Whether what is aborted is known to begin no more. */
  readonly #isShared: boolean;
  readonly #timers = new Map<number, Timer>();
  #timerCount = 0;

  constructor(memory: Memory) {
    this.#isShared = memory === "shared";
  }

  /** Takes the place of the real clock. Returns what gives it back. */
  install(): () => void {
    const real = {
      setTimeout: globalThis.setTimeout,
      clearTimeout: globalThis.clearTimeout,
      now: performance.now,
      clock: { ...clock },
    };
    const scope = globalThis as unknown as Record<string, unknown>;
    scope.setTimeout = (callback: () => void, milliseconds = 0) => {
      const id = ++this.#timerCount;
      this.#timers.set(id, { at: this.now + milliseconds, callback });
      return id;
    };
    scope.clearTimeout = (id: number | undefined) => {
      if (id !== undefined) this.#timers.delete(id);
    };
    performance.now = () => this.now;
    // The library took its own when it was loaded.
    const { setTimeout, clearTimeout } = scope as Pick<typeof clock, "setTimeout" | "clearTimeout">;
    const giveWay = (callback: () => void) => setTimeout(callback, 0);
    Object.assign(clock, { setTimeout, clearTimeout, giveWay, now: () => this.now });
    scope.model = this;
    return () => {
      scope.setTimeout = real.setTimeout;
      scope.clearTimeout = real.clearTimeout;
      performance.now = real.now;
      Object.assign(clock, real.clock);
      delete scope.model;
    };
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and what is due happen. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      let next: [number, Timer] | undefined;
      for (const entry of this.#timers) {
        if (entry[1].at <= end && (next === undefined || entry[1].at < next[1].at)) next = entry;
      }
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.now = Math.max(this.now, next[1].at);
      next[1].callback();
    }
    this.now = Math.max(this.now, end);
  }

  /** Milliseconds until the next timer is due. */
  get untilNextTimer(): number {
    let at = Infinity;
    for (const timer of this.#timers.values()) at = Math.min(at, timer.at);
    return Math.max(0, at - this.now);
  }

  /** What a task does, in its worker. */
  run(kind: Kind, index: number, context: TaskContext): unknown {
    (this.runs[index] ??= []).push({ worker: context.workerName, at: this.now });
    this.order.push(index);
    if (this.#isShared) {
      must(
        !this.parents.get(index)?.isOver(),
        () => `task ${index} begins after the end of the task that it descends from`,
      );
    }
    this.now += kind === "slow" ? 3 : 0.001;
    switch (kind) {
      case "quick":
      case "slow":
        return valueOf(index);
      case "failing":
        throw new RangeError(`task ${index}`);
      case "soon":
        return Promise.resolve().then(() => valueOf(index));
      case "parent":
        return runParent(this, index, context);
      case "stream":
        return runStream(this, index, context);
    }
    return this.wait(context, kind === "polite").then(() => valueOf(index));
  }

  /** Waits until it is told to end; or, if it is polite, until it is aborted. */
  wait(context: TaskContext, polite: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ worker: context.workerName, end: resolve });
      if (!polite) return;
      const { signal } = context;
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }
}

/** What a task returns. */
export function valueOf(index: number): number {
  return 2 * index + 1;
}

/** The tasks. Each is a function of its own, since the scheduler learns how long each takes. */
export const TASKS: Record<Kind, (this: TaskContext, index: number) => unknown> = {
  quick: function quick(index) {
    return (globalThis as unknown as { model: World }).model.run("quick", index, this);
  },
  slow: function slow(index) {
    return (globalThis as unknown as { model: World }).model.run("slow", index, this);
  },
  failing: function failing(index) {
    return (globalThis as unknown as { model: World }).model.run("failing", index, this);
  },
  soon: function soon(index) {
    return (globalThis as unknown as { model: World }).model.run("soon", index, this);
  },
  waiting: function waiting(index) {
    return (globalThis as unknown as { model: World }).model.run("waiting", index, this);
  },
  polite: function polite(index) {
    return (globalThis as unknown as { model: World }).model.run("polite", index, this);
  },
  parent: function parent(index) {
    return (globalThis as unknown as { model: World }).model.run("parent", index, this);
  },
  stream: function stream(index) {
    return (globalThis as unknown as { model: World }).model.run("stream", index, this);
  },
};
