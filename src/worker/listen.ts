import { encodeError } from "../wire/error_codec.ts";
import { useClone } from "../wire/clone_error.ts";
import { checkDepth } from "../wire/value_depth.ts";
import { PROCESS_PORT } from "../wire/process_port.ts";
import type { ProcessPort } from "../wire/process_port.ts";
import { loadModule } from "./load_module.ts";
import { apply, define, isArray, PromiseOf, readerOf, uncurried } from "../wire/originals.ts";
import { Program } from "./program.ts";
import { whenSettled } from "./thenable.ts";
import { compileTask } from "./task_text.ts";
import { useRuntimeErrors } from "./runtime_errors.ts";

interface Port {
  on(event: "message" | "messageerror", listener: (data: unknown) => void): void;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
}

interface WorkerScope {
  [PROCESS_PORT]?: ProcessPort;
  process?: {
    on?(event: string, listener: (error: unknown) => void): void;
    exit?(exitCode?: number): void;
    getBuiltinModule?(name: string): unknown;
  };
  Bun?: unknown;
  self?: unknown;
  Deno?: { exit?(exitCode?: number): void };
  close?(): void;
  setImmediate?(callback: () => void): void;
  onmessage?: ((event: { data: unknown }) => void) | null;
  onmessageerror?: (() => void) | null;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  addEventListener?(type: string, listener: (event: Event) => void): void;
}

/** Milliseconds that a process runs tasks without reading messages, but for one that takes longer. */
const PAUSE_AFTER = 2;

/**
 * Connects the program to the owner of this worker. The listener is set before anything is awaited:
 * a web worker drops what comes earlier.
 */
export function listen(named: Record<string, unknown> | undefined): void {
  const scope = globalThis as unknown as WorkerScope;
  // Workers of the web's kind have `self`, whose channel takes a tenth of the other's time in Bun.
  // There both kinds have it, but only parentPort reaches both, as a worker of the user's own needs.
  const parent = scope[PROCESS_PORT];
  // Tasks may post what they like, and the owner takes nothing of it for the program's; but no task
  // shall count what begins, or listen in the program's place.
  if (parent !== undefined) {
    const { postMessage } = parent;
    Object.defineProperty(scope, PROCESS_PORT, { value: { postMessage }, configurable: true });
  }
  const web = parent === undefined && scope.self !== undefined &&
    (scope.Bun === undefined || named === undefined);
  const threads = parent === undefined && !web
    ? scope.process?.getBuiltinModule?.("node:worker_threads") as
      | { parentPort?: Port | null }
      | undefined
    : undefined;
  const port = parent ?? threads?.parentPort ?? undefined;
  useRuntimeErrors();
  if (parent !== undefined) useClone((value) => parent.check(value));
  const send = port === undefined ? scope.postMessage.bind(scope) : port.postMessage.bind(port); // as it was before any task could change it
  // A process has a codec of its own, which reads what it writes, however deep.
  const post = parent !== undefined
    ? send
    : (message: unknown, transfer?: readonly Transferable[]) => {
      checkDepth(message);
      send(message, transfer);
    };
  // A process is stopped by a signal, whatever it does.
  // Deno 2.5 has no locks; it stops a busy worker without one, after two seconds.
  const lock = scope.Deno === undefined || parent !== undefined || !("locks" in navigator)
    ? undefined
    : new BusyLock();

  // Without the marks webpack puts a function here that finds nothing.
  const load = (url: string) => import(/* webpackIgnore: true */ /* @vite-ignore */ url);
  const immediate = scope.setImmediate; // as it was before any task could change it
  let leave = (): void => {};

  const program = new Program({
    post,
    named,
    encodeError,
    exit: () => {
      if (parent !== undefined) return parent.leave();
      if (lock === undefined) leave();
      else lock.release(() => leave());
    },
    compile: (source) => compileTask(source, load),
    runIn: undefined,
    announce: parent?.announce,
    // So that what was sent ahead can be revoked.
    pause: parent === undefined ? undefined : {
      after: PAUSE_AFTER,
      isDue: undefined,
      wait: (goOn) => void immediate!(goOn),
    },
    load: (url) => {
      const loaded = () => loadModule(load, url);
      return lock === undefined ? loaded() : lock.released(loaded);
    },
  });

  /** What goes wrong with a message of the owner's goes wrong with this worker. */
  const receive = (message: unknown): void => {
    try {
      program.receive(message);
    } catch (error) {
      program.stray(error);
    }
  };
  const unreadable = (): void => program.unreadable();

  if (port === undefined) listenToScope(scope, receive, unreadable);
  else {
    // In Deno messages come in maps.
    const inMap = uncurried(Map.prototype.get) as (map: unknown, key: number) => unknown;
    const take = scope.Deno === undefined || parent !== undefined
      ? receive
      : (data: unknown) => receive(isArray(data) ? data : inMap(data, 0));
    port.on("message", take);
    port.on("messageerror", unreadable);
  }

  if (scope.process?.on !== undefined) {
    scope.process.on("uncaughtException", (error) => program.stray(error));
    scope.process.on("unhandledRejection", (reason) => program.stray(reason));
    // Results that are ready outlive a process.exit() of the task after them.
    scope.process.on("exit", () => program.flush());
  }
  // Under `bun test` the handlers above are not called, and these are.
  if (scope.process?.on === undefined || scope.Bun !== undefined) {
    scope.addEventListener?.("error", (event) => {
      event.preventDefault();
      program.stray((event as ErrorEvent).error ?? new Error((event as ErrorEvent).message));
    });
    scope.addEventListener?.("unhandledrejection", (event) => {
      event.preventDefault();
      program.stray((event as PromiseRejectionEvent).reason);
    });
  }
  replace(scope, "close", (close) => {
    program.exiting(0);
    apply(close, scope, []);
  });
  // A worker of the web's kind that exits is silent in Deno, and any in Deno 2.5: its owner would wait
  // for ever.
  if ((web || (lock ?? parent) === undefined) && scope.Deno !== undefined) {
    for (const owner of [scope.Deno, scope.process]) {
      replace(owner, "exit", (exit, exitCode = 0) => {
        program.exiting(exitCode);
        apply(exit, owner, [exitCode]);
      });
    }
  }
  leave = leaver(scope); // with what tells the owner of it
  if (lock === undefined) program.start();
  else lock.hold(() => program.start());
}

/** Puts something before what a method does; where that cannot be done, it is left as it is. */
function replace<K extends string>(
  owner: { [P in K]?: (exitCode?: number) => void } | undefined,
  name: K,
  method: (original: (exitCode?: number) => void, exitCode?: number) => void,
): void {
  const original = owner?.[name];
  if (owner === undefined || original === undefined) return;
  try {
    const value = (exitCode?: number): void => method(original, exitCode);
    define(owner, name, value, false);
  } catch { /* a runtime may freeze it */ }
}

/** What is used of a navigator with locks; Deno's own types have none. */
interface Locking {
  readonly locks: { request(name: string, callback: () => Promise<void>): Promise<unknown> };
}

/**
 * Deno 2.9 stops a busy worker only while it holds a Web Lock, and must not stop one that loads a
 * built-in module, or the whole process panics (denoland/deno#35657). So the lock is held while
 * tasks run and let go while modules load.
 */
class BusyLock {
  readonly #locks = (navigator as unknown as Locking).locks;
  readonly #request = uncurried(this.#locks.request) as (
    locks: unknown,
    name: string,
    callback: () => PromiseLike<void>,
  ) => PromiseLike<unknown>;
  readonly #name = `@concurrent/futures ${crypto.randomUUID()}`;
  #letGo: () => void = () => {};
  /** Settles when the lock that was held last is free. */
  #freed: PromiseLike<unknown> | undefined = undefined;
  #loading = 0;

  /** Calls back when the lock is held. */
  hold(held: () => void): void {
    // Not called in the lock's callback, nor where it is refused: a program that ends just then would
    // print that its execution was terminated, as the rejection of a promise.
    const lent = new PromiseOf<void>((resolve) => {
      this.#freed = this.#request(this.#locks, this.#name, () => {
        resolve();
        return new PromiseOf<void>((resolve) => {
          this.#letGo = resolve;
        });
      });
      whenSettled(this.#freed, () => {}, () => resolve()); // none to be had: tasks run all the same
    });
    whenSettled(lent, held, held);
  }

  /** Lets it go; calls back when it is free. Deno prints an error if a worker ends while it holds one. */
  release(freed: () => void): void {
    this.#letGo();
    if (this.#freed === undefined) freed();
    else whenSettled(this.#freed, freed, freed);
  }

  /** Runs `load` without the lock. */
  released<T>(load: () => PromiseLike<T>): PromiseLike<T> {
    return new PromiseOf((resolve, reject) => {
      const ended = (settle: () => void): void => {
        if (--this.#loading === 0) this.hold(settle);
        else settle();
      };
      const start = (): void =>
        whenSettled(
          load(),
          (value) => ended(() => resolve(value)),
          (error) => ended(() => reject(error)),
        );
      if (this.#loading++ === 0) this.release(start);
      else start();
    });
  }
}

/** Ends this worker, whatever a task has made of the ways to do it. */
function leaver(scope: WorkerScope): () => void {
  const { process } = scope;
  const exit = process?.exit;
  const close = scope.close;
  return () => {
    if (exit !== undefined) apply(exit, process, [0]);
    else if (close !== undefined) apply(close, scope, []);
  };
}

/** Hears the owner before anybody else, who hears nothing of it. */
function listenToScope(
  scope: WorkerScope,
  receive: (message: unknown) => void,
  unreadable: () => void,
): void {
  const dataOf = readerOf(MessageEvent.prototype, "data");
  const stop = uncurried(Event.prototype.stopImmediatePropagation);
  scope.addEventListener!("message", (event) => {
    stop(event);
    receive(dataOf(event));
  });
  scope.addEventListener!("messageerror", unreadable);
}
