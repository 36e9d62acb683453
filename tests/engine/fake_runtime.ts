/**
 * A runtime without threads: its workers run the real program on this thread, but nothing is
 * delivered until the test says so. So every order of events can be made, and every death.
 *
 * @module
 */

import { delay } from "@std/async";
import type {
  Runtime,
  WorkerEvents,
  WorkerHandle,
  WorkerOptions,
} from "../../src/runtime/runtime.ts";
import { encodeError } from "../../src/wire/error_codec.ts";
import { KINDS, SETUP } from "../../src/wire/messages.ts";
import { countedClaims } from "../../src/runtime/process/counted_claims.ts";
import { isSmall } from "../../src/runtime/process/task_counter.ts";
import { Program } from "../../src/worker/program.ts";

// A page that is not isolated does not show it: there it is the kind of buffer of a shared memory.
globalThis.SharedArrayBuffer ??= new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  .buffer
  .constructor as SharedArrayBufferConstructor;

/**
 * What owner and worker share: a claim table; nothing; or a count of the tasks that have begun, which
 * outlives the worker, as with processes.
 */
export type Memory = "shared" | "none" | "counted";

/** A copy in which the rings of streams stay: pages that are not isolated can copy no shared memory. */
function copied(value: unknown): unknown {
  if (isRing(value)) return value;
  return holdsRing(value) ? value.map(copied) : structuredClone(value);
}

function holdsRing(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.some((own) => isRing(own) || holdsRing(own));
}

function isRing(value: unknown): boolean {
  return typeof value === "object" && value !== null && "cells" in value;
}

/** One worker that does nothing by itself. */
export class FakeWorker implements WorkerHandle {
  readonly name: string;
  readonly events: WorkerEvents;
  /** Messages on their way to the worker. */
  readonly inbox: unknown[] = [];
  /** Messages on their way to the owner. */
  readonly outbox: unknown[] = [];
  referenced = false;
  terminated = false;
  dead = false;
  /** How many tasks have begun, if the worker counts them. */
  begun?: number;
  readonly #program: Program;
  /** Tasks that wait until messages were read. */
  #paused: (() => void)[] = [];

  constructor(options: WorkerOptions, events: WorkerEvents, memory: Memory = "shared") {
    this.name = options.name;
    this.events = events;
    this.#program = new Program({
      post: (message) => {
        if (!this.dead) this.outbox.push(structuredClone(message));
      },
      named: undefined,
      passesFunctions: false,
      encodeError,
      exit: () => this.die(0),
      compile: (source) => new Function(`return (${source})`)(),
      load: (url) => import(url),
      runIn: undefined,
      counter: memory !== "counted" ? undefined : {
        begins: () => {
          if (!this.dead) this.begun!++;
        },
        ended: (slot, number, isTold, value) => {
          const tells = isTold && isSmall(value);
          if (!this.dead) this.events.ended?.(slot, number, tells ? () => ({ value }) : undefined);
          return tells;
        },
      },
      pause: memory !== "counted"
        ? undefined
        : { after: 2, wait: (goOn) => void this.#paused.push(goOn) },
    });
    if (memory === "counted") this.begun = 0;
  }

  post(message: unknown): void {
    const kind = (message as number[])[0]! % KINDS;
    // The claim table must stay shared; everything else is copied, as by a channel.
    this.inbox.push(kind === SETUP ? message : copied(message));
  }

  ref(): void {
    this.referenced = true;
  }

  unref(): void {
    this.referenced = false;
  }

  terminate(): void {
    this.terminated = true;
    queueMicrotask(() => this.die(undefined));
  }

  /** The program loads and says that it listens. */
  start(): void {
    this.#program.start();
  }

  /** Whether something would happen in it. */
  get moves(): boolean {
    return !this.dead && this.inbox.length + this.#paused.length > 0;
  }

  /** Delivers the next message to the worker, which runs what it can. */
  receive(): boolean {
    if (!this.moves) return false;
    if (this.inbox.length > 0) this.#program.receive(this.inbox.shift());
    for (const resume of this.#paused.splice(0)) resume();
    return true;
  }

  /** Delivers the next message to the owner. */
  reply(): boolean {
    if (this.dead || this.outbox.length === 0) return false;
    this.events.message(this.outbox.shift());
    return true;
  }

  /** Ends the worker; what it has sent but was not delivered is lost, unless `flush`. */
  die(exitCode: number | undefined, flush = false): void {
    if (this.dead) return;
    if (flush) { while (this.reply()); }
    this.dead = true;
    this.events.exit(exitCode);
  }

  /** An error outside of every task. */
  uncaughtError(error: unknown): void {
    this.#program.uncaughtError(error);
  }
}

/** The runtime of fake workers. */
export class FakeRuntime implements Runtime {
  readonly name = "a fake";
  readonly capabilities: Runtime["capabilities"];
  readonly workers: FakeWorker[] = [];
  readonly memory: Memory;
  readonly claims?: NonNullable<Runtime["claims"]>;
  /** What `spawn` throws, if anything. */
  spawnError: unknown = undefined;

  constructor(memory: Memory = "shared") {
    this.memory = memory;
    const sharedMemory = memory === "shared";
    if (memory === "counted") this.claims = countedClaims;
    this.capabilities = { parallel: true, stopsBusyTasks: true, sharedMemory, sandbox: false };
  }

  availableParallelism(): number {
    return 2;
  }

  unsupported(): undefined {
    return undefined;
  }

  timer(callback: () => void, milliseconds: number): ReturnType<typeof setTimeout> {
    return setTimeout(callback, milliseconds);
  }

  spawn(options: WorkerOptions, events: WorkerEvents): WorkerHandle {
    if (this.spawnError !== undefined) throw this.spawnError;
    const worker = new FakeWorker(options, events, this.memory);
    this.workers.push(worker);
    return worker;
  }

  /** Lets everything happen, in order, until nothing is left to happen. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      await tick();
      // What is gathered while a task is waited for comes by a timer.
      if (quiet > 0) await delay(0);
      let moved = false;
      for (const worker of this.workers) {
        while (worker.receive()) moved = true;
        while (worker.reply()) moved = true;
      }
      quiet = moved ? 0 : quiet + 1;
    }
  }
}

/** Lets the microtasks run that are due: the scheduler pumps in one. */
export async function tick(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
