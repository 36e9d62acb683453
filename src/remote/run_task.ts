import type { TaskContext } from "../wire/task_ref.ts";

/** Which task of which module a worker's thread runs, and what its context tells of it. */
export interface RemoteCall {
  readonly url: string;
  readonly name: string;
  readonly id: string;
  readonly attempt: number;
  /** Its trace context. */
  readonly carrier: Readonly<Record<string, string>> | undefined;
}

type Module = Record<string, (this: TaskContext, ...args: unknown[]) => unknown>;

/**
 * Runs a task of a module, in a thread or process of a worker. It is self-contained, because its text travels:
 * so it works from source, from a package and after bundlers.
 */
export function runTask(this: TaskContext, call: RemoteCall, ...args: unknown[]): unknown {
  const key = Symbol.for("@concurrent/futures.remoteModules");
  const scope = globalThis as { [key: symbol]: Map<string, Module> | undefined };
  const modules = scope[key] ??= new Map<string, Module>();
  if (!Object.hasOwn(this, "id")) {
    Object.defineProperties(this, { id: { value: call.id }, attempt: { value: call.attempt } });
    // What traces the threads of this machine has the nearer one.
    if (call.carrier !== undefined && this.traceContext === undefined) {
      Object.defineProperty(this, "traceContext", { value: call.carrier });
    }
  }
  const known = modules.get(call.url);
  if (known !== undefined) return Reflect.apply(known[call.name]!, this, args);
  return import(/* webpackIgnore: true */ /* @vite-ignore */ call.url).then((module: Module) => {
    modules.set(call.url, module);
    return Reflect.apply(module[call.name]!, this, args);
  });
}

/** The names of the functions of a module, and where it was loaded. Self-contained as well. */
export function listTasks(url: string): Promise<string[]> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ url).then((
    module: Record<string, unknown>,
  ) => Object.keys(module).filter((name) => typeof module[name] === "function"));
}
