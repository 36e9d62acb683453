// Length: half of it is documentation.

import { backendOf, Executor } from "../executor/executor.ts";
import {
  checkCount,
  checkFunction,
  checkOptions,
  checkSignal,
  checkString,
} from "../executor/options.ts";
import { ThreadPoolExecutor } from "../executor/thread_pool_executor.ts";
import { clock } from "../futures/clock.ts";
import { listenToAbort } from "../futures/deadline.ts";
import { messageOf, show } from "../futures/show.ts";
import { hostInfo } from "../runtime/host_info.ts";
import { CLOSE_WITHIN, within } from "./engine_link.ts";
import { JobRunner } from "./job_runner.ts";
import type { ServedTask } from "./job_runner.ts";
import { checkSecret, checkSpan, checkTransport, checkWhole } from "./remote_options.ts";
import { checkModuleName } from "./remote_task.ts";
import { listTasks } from "./run_task.ts";
import { Signer } from "./signature.ts";
import type { RemoteWorkerInfo, Transport } from "./transport.ts";

/** Milliseconds after which a thread is let go that has nothing to do: bursts that follow find those of the last. */
const IDLE = 60_000;

/** What a {@linkcode RemoteWorker} tells of its work. Tasks are named; arguments and results never are. */
export interface RemoteWorkerEvent {
  /** `"warning"`: somebody should look. */
  readonly level: "info" | "warning";
  /** One line. */
  readonly message: string;
}

/** Options of {@linkcode RemoteWorker}. */
export interface RemoteWorkerOptions {
  /** The modules whose functions it runs, by the names that clients know: paths as URLs, never from the wire. */
  modules: Readonly<Record<string, string | URL>>;
  /**
   * Runs the tasks, beside the thread that talks to the engine. It is not shut down.
   *
   * @default {a ThreadPoolExecutor of its own}
   */
  executor?: Executor | undefined;
  /**
   * Tasks at once.
   *
   * @default {executor.maxWorkers}
   */
  concurrency?: number | undefined;
  /**
   * Milliseconds that running tasks have when it is stopped; then they are handed back, and run elsewhere.
   *
   * @default {25_000}
   */
  grace?: number | undefined;
  /**
   * Names the version of the modules; `workers()` tells it.
   *
   * @default {undefined}
   */
  build?: string | undefined;
  /**
   * The only tasks that may run: `["images#resize"]`.
   *
   * @default {all functions that the modules export}
   */
  allow?: readonly string[] | undefined;
  /**
   * What `workers()` calls it.
   *
   * @default {its host and process}
   */
  name?: string | undefined;
  /**
   * Milliseconds that a lock on a task holds without being renewed: a worker that is lost is noticed after
   * that and `check`.
   *
   * @default {10_000}
   */
  lock?: number | undefined;
  /**
   * Milliseconds between two looks for locks that ran out; at most half of `lock`.
   *
   * @default {lock / 2}
   */
  check?: number | undefined;
  /**
   * The secret of its clients: what is not signed by it is refused. At least 16 characters.
   *
   * @default {undefined}
   */
  secret?: string | undefined;
  /**
   * Told what happens.
   *
   * @default {prints warnings by console.error}
   */
  log?: ((event: RemoteWorkerEvent) => void) | undefined;
}

/** Options of {@linkcode RemoteWorker.run}. */
export interface RemoteRunOptions {
  /**
   * Stops the worker: it takes no more tasks, waits `grace`, and hands back what is left.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
}

let made = 0;

/**
 * Takes tasks from an engine and runs them on this machine: the other side of `DistributedExecutor`.
 *
 * The program `concurrent-futures worker` is this class with a command line. Python's nearest is a Celery or
 * Dask worker. Tasks run in an executor of this library, never on the thread that talks to the engine, so
 * that one which blocks for minutes keeps its lock.
 *
 * @example Usage
 * ```ts
 * import { memoryTransport, RemoteWorker } from "@concurrent/futures/remote";
 *
 * const url = "data:text/javascript,export function double(x) { return 2 * x }";
 * const worker = new RemoteWorker(memoryTransport(), { modules: { numbers: url }, concurrency: 1 });
 * await worker.run({ signal: AbortSignal.timeout(50) });
 * ```
 */
export class RemoteWorker {
  readonly #transport: Transport;
  readonly #modules: readonly (readonly [name: string, url: string])[];
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #given: Executor | undefined;
  readonly #concurrency: number | undefined;
  readonly #grace: number;
  readonly #lock: number;
  readonly #check: number;
  readonly #build: string | undefined;
  readonly #name: string;
  readonly #signer: Signer;
  readonly #log: (event: RemoteWorkerEvent) => void;
  #running = false;

  /**
   * Checks the options; nothing starts.
   *
   * @param transport The engine: `bullmq({ url, queue })`. It belongs to this worker from now on.
   * @param options See {@linkcode RemoteWorkerOptions}.
   * @throws {TypeError} If an option is of a wrong kind, or there is no module.
   * @throws {RangeError} If an option is out of range.
   */
  constructor(transport: Transport, options: RemoteWorkerOptions) {
    checkTransport("RemoteWorker", transport);
    checkOptions("RemoteWorker", options ?? null, [
      ...["modules", "executor", "concurrency", "grace", "build", "allow", "name"],
      ...["lock", "check", "secret", "log"],
    ]);
    this.#transport = transport;
    this.#modules = checkModules(options.modules);
    this.#allowed = checkAllow(options.allow);
    if (options.executor !== undefined && !(options.executor instanceof Executor)) {
      throw new TypeError(`Cannot use executor: expected one, got ${show(options.executor)}`);
    }
    this.#given = options.executor;
    this.#concurrency = checkCount("concurrency", options.concurrency);
    this.#grace = options.grace === undefined ? 25_000 : checkWhole("grace", options.grace)!;
    this.#lock = checkSpan("lock", options.lock) ?? 10_000;
    this.#check = checkSpan("check", options.check) ?? this.#lock / 2;
    if (this.#check > this.#lock / 2) {
      throw new RangeError(
        `Cannot use check: expected at most half of lock, ${this.#lock / 2}, got ${this.#check}`,
      );
    }
    checkString("build", options.build);
    this.#build = options.build;
    checkString("name", options.name);
    const { host, pid } = hostInfo();
    this.#name = options.name ?? `${host}-${pid}-${made++}`;
    this.#signer = new Signer(checkSecret(options.secret));
    checkFunction("log", options.log);
    this.#log = options.log ?? (({ level, message }) => {
      if (level === "warning") console.error(`RemoteWorker: ${message}`);
    });
  }

  /**
   * Takes tasks and runs them until it is stopped.
   *
   * @param options See {@linkcode RemoteRunOptions}.
   * @returns Resolves when it has ended in good order; rejects if a module cannot be loaded or the engine refuses.
   * @throws {TypeError} If it runs already or ran before.
   */
  async run(options: RemoteRunOptions = {}): Promise<void> {
    checkOptions("run", options, ["signal"]);
    checkSignal("signal", options.signal);
    if (this.#running) throw new TypeError("Cannot run a RemoteWorker twice: make another one");
    this.#running = true;
    const { signal } = options;
    const cores = this.#given === undefined ? new ThreadPoolExecutor() : undefined;
    const make = (): Executor => this.#given ?? threadsFor(this.#concurrency, cores!.maxWorkers);
    const executor = make();
    const concurrency = this.#concurrency ?? executor.maxWorkers;
    const shared = cores !== undefined && cores.maxWorkers < concurrency ? cores : undefined;
    const runner = new JobRunner({
      name: this.#name,
      places: concurrency,
      executor,
      shared,
      renew: this.#given === undefined ? make : undefined,
      signer: this.#signer,
      log: this.#log,
    });
    const { stopped, unlisten } = whenAborted(signal);
    try {
      runner.serve(await this.#load(runner.first));
      if (signal?.aborted) return;
      await this.#serve(runner, concurrency, stopped);
    } finally {
      unlisten();
      await runner.end();
      if (this.#given === undefined) await runner.executor.terminate();
      await within(CLOSE_WITHIN, this.#transport.close());
    }
  }

  async #serve(
    runner: JobRunner,
    concurrency: number,
    stopped: Promise<void>,
  ): Promise<void> {
    const since = Math.round(performance.timeOrigin + clock.now());
    const { runtime, host, pid } = hostInfo();
    const describe = (): RemoteWorkerInfo => ({
      ...{ name: this.#name, runtime, host, pid, places: concurrency, build: this.#build },
      ...{ running: runner.running, done: runner.done, since },
    });
    const consuming = this.#transport.consume({
      ...{ concurrency, lock: this.#lock, check: this.#check, describe },
      onTrouble: (error) => {
        if (error === undefined) this.#log({ level: "info", message: "the engine is back" });
        else this.#log({ level: "warning", message: `the engine is away: ${messageOf(error)}` });
      },
    }, (job) => runner.run(job));
    const consumer = await Promise.race([
      consuming,
      stopped.then(() => within(CLOSE_WITHIN, consuming)),
    ]);
    if (consumer === undefined) return; // the engine went away as it began: the transport ends it
    const served = [...runner.tasks].join(", ");
    this.#log({ level: "info", message: `serves ${served}, ${concurrency} at once` });
    if (!runner.executor.capabilities.parallel) {
      this.#log({
        level: "warning",
        message:
          "tasks run on the thread that talks to the engine: one that blocks it for longer " +
          `than the lock, ${this.#lock} ms, runs elsewhere as well`,
      });
    }
    try {
      await Promise.race([stopped, runner.broken]);
    } finally {
      await within(CLOSE_WITHIN, consumer.stop());
      await within(this.#grace, runner.idle());
      const names = await runner.handBack();
      if (names.length > 0) {
        this.#log({ level: "info", message: `handed back ${names.length}: ${names.join(", ")}` });
      }
      await within(CLOSE_WITHIN, consumer.close());
    }
  }

  /** The tasks that it serves, by their names: modules are loaded once, where tasks run. */
  async #load(executor: Executor): Promise<ReadonlyMap<string, ServedTask>> {
    const tasks = new Map<string, ServedTask>();
    const [find, limits] = backendOf(executor);
    for (const [module, url] of this.#modules) {
      let names: string[];
      try {
        names = await find().submit(listTasks, [url], limits) as string[];
      } catch (cause) {
        throw new Error(`Cannot load module "${module}", ${url}: ${messageOf(cause)}`, { cause });
      }
      for (const name of names) {
        const task = `${module}#${name}`;
        if (this.#allowed === undefined || this.#allowed.has(task)) tasks.set(task, { url, name });
      }
    }
    for (const task of this.#allowed ?? []) {
      if (tasks.has(task)) continue;
      throw new TypeError(`Cannot allow "${task}": no module has such a function`);
    }
    if (tasks.size === 0) throw new TypeError("Cannot serve: no module exports a function");
    return tasks;
  }
}

/**
 * A thread for each place. Those that were needed for a burst of long tasks alone are let go: even idle they cost,
 * most of all in Bun, which collects garbage in each by a timer. As many as there are cores stay, their modules loaded.
 */
function threadsFor(places: number | undefined, cores: number): Executor {
  const maxWorkers = places ?? cores;
  return new ThreadPoolExecutor(
    maxWorkers <= cores ? { maxWorkers } : { maxWorkers, minWorkers: cores, idleTimeout: IDLE },
  );
}

function checkModules(value: unknown): readonly (readonly [string, string])[] {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    throw new TypeError(
      'Cannot use modules: expected names and URLs, as { images: new URL("./tasks.ts", import.meta.url) }',
    );
  }
  return Object.entries(value as Record<string, unknown>).map(([name, url]) => {
    checkModuleName(name);
    try {
      return [name, new URL(url as string | URL).href] as const;
    } catch {
      throw new TypeError(
        `Cannot use module "${name}": expected an absolute URL, got ${show(url)}`,
      );
    }
  });
}

function checkAllow(value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  const isName = (task: unknown): boolean => typeof task === "string" && task.includes("#");
  if (Array.isArray(value) && value.length > 0 && value.every(isName)) return new Set(value);
  throw new TypeError(`Cannot use allow: expected a list of "module#export", got ${show(value)}`);
}

/** Resolves when a signal is aborted; the signal may be a program's, and outlive many workers. */
function whenAborted(
  signal: AbortSignal | undefined,
): { readonly stopped: Promise<void>; readonly unlisten: () => void } {
  let unlisten = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    if (signal === undefined) return;
    if (signal.aborted) return resolve();
    unlisten = listenToAbort(signal, () => resolve());
  });
  return { stopped, unlisten };
}
