import { encodeError } from "../wire/error_codec.ts";
import { apply, define, ErrorOf, uncurried } from "../wire/originals.ts";
import { PROCESS_PORT } from "../wire/process_port.ts";
import { loadModule } from "./load_module.ts";
import { memoryOf } from "./memory.ts";
import { processPlace } from "./process_place.ts";
import { Program } from "./program.ts";
import { useRuntimeErrors } from "./runtime_errors.ts";
import { compileTask } from "./task_text.ts";
import { threadPlace } from "./thread_place.ts";
import type { ParentPort } from "./thread_place.ts";
import { webPlace } from "./web_place.ts";
import type { WorkerPlace, WorkerScope } from "./worker_place.ts";

/**
 * Connects the program to the owner of this worker. The listener is set before anything is awaited:
 * a web worker drops what comes earlier.
 */
export function listen(named: Record<string, unknown> | undefined): void {
  const scope = globalThis as unknown as WorkerScope;
  useRuntimeErrors();
  const place = findPlace(scope, named !== undefined);
  const { lock } = place;
  // Without the marks webpack puts a function here that finds nothing.
  const load = (url: string) => import(/* webpackIgnore: true */ /* @vite-ignore */ url);
  let leave = (): void => {};

  const program = new Program({
    post: place.post,
    named,
    passesFunctions: false,
    encodeError,
    exit: () => lock === undefined ? leave() : lock.release(() => leave()),
    compile: (source) => compileTask(source, load),
    memory: memoryOf(scope, scope[PROCESS_PORT] !== undefined),
    runIn: undefined,
    counter: place.counter,
    pause: place.pause,
    waitAt: named === undefined ? place.waitAt : undefined, // others may post to a worker of the user's own
    sleeps: true,
    load: (url) => {
      const loaded = () => loadModule(load, url);
      return lock === undefined ? loaded() : lock.released(loaded);
    },
  });
  // What goes wrong with a message of the owner's goes wrong with this worker.
  place.listen((message) => {
    try {
      program.receive(message);
    } catch (error) {
      program.uncaughtError(error);
    }
  }, () => program.unreadable());
  setTraps(scope, program, place.exitsSilently);
  leave = place.leave ?? leaver(scope); // with what tells the owner of it
  if (lock === undefined) program.start();
  else lock.hold(() => program.start());
}

/** Which kind of worker this is. */
function findPlace(scope: WorkerScope, isUsersOwn: boolean): WorkerPlace {
  const process = scope[PROCESS_PORT];
  if (process !== undefined) return processPlace(scope, process);
  // Workers of the web's kind have `self`, whose channel takes a tenth of the other's time in Bun.
  // There both kinds have it, but only parentPort reaches both, as a worker of the user's own needs.
  if (scope.self !== undefined && (scope.Bun === undefined || !isUsersOwn)) return webPlace(scope);
  const threads = scope.process?.getBuiltinModule?.("node:worker_threads") as
    | { parentPort?: ParentPort | null }
    | undefined;
  const port = threads?.parentPort ?? undefined;
  return port === undefined ? webPlace(scope) : threadPlace(scope, port);
}

/** Tells the owner what happens to this worker outside of tasks. */
function setTraps(scope: WorkerScope, program: Program, exitsSilently: boolean): void {
  const { process } = scope;
  if (process?.on !== undefined) {
    process.on("uncaughtException", (error) => program.uncaughtError(error));
    process.on("unhandledRejection", (reason) => program.uncaughtError(reason));
    // Results that are ready outlive a process.exit() of the task after them.
    process.on("exit", () => program.flush());
  }
  // Under `bun test` the handlers above are not called, and these are.
  if (process?.on === undefined || scope.Bun !== undefined) {
    const prevent = uncurried(Event.prototype.preventDefault);
    scope.addEventListener?.("error", (event) => {
      prevent(event);
      program.uncaughtError(
        (event as ErrorEvent).error ?? new ErrorOf((event as ErrorEvent).message),
      );
    });
    scope.addEventListener?.("unhandledrejection", (event) => {
      prevent(event);
      program.uncaughtError((event as PromiseRejectionEvent).reason);
    });
  }
  replace(scope, "close", (close) => {
    program.exiting(0);
    apply(close, scope, []);
  });
  // Its owner would wait for ever.
  if (!exitsSilently) return;
  const tellExit = (owner: { exit?(exitCode?: number): void } | undefined): void =>
    replace(owner, "exit", (exit, exitCode = 0) => {
      program.exiting(exitCode);
      apply(exit, owner, [exitCode]);
    });
  tellExit(scope.Deno);
  tellExit(process);
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
