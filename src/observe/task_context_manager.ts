import type { Context, ContextManager } from "@opentelemetry/api";
import { builtin } from "../runtime/thread_handle.ts";
import { currentTask } from "../worker/current_task.ts";
import { api } from "./opentelemetry_api.ts";

/** What is used of `AsyncLocalStorage`. */
interface Storage {
  getStore(): Context | undefined;
  run<R>(store: Context, callback: () => R): R;
}

/**
 * The contexts of a worker: outside of every span that a task makes itself, the current one is that of
 * its run, which came with it.
 */
export class TaskContextManager implements ContextManager {
  readonly #storage: Storage = newStorage();
  readonly #extracted = new WeakMap<object, Context>();

  active(): Context {
    return this.#storage.getStore() ?? this.#ofTask() ?? api.ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => fn.call(thisArg, ...args));
  }

  bind<T>(context: Context, target: T): T {
    if (typeof target !== "function") return target;
    const { with: run } = this;
    const manager = this as ContextManager;
    return function (this: unknown, ...args: unknown[]): unknown {
      return run.call(manager, context, target as never, this as never, ...args as never[]);
    } as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }

  #ofTask(): Context | undefined {
    const task = currentTask();
    const carrier = task?.traceContext;
    if (task === undefined || carrier === undefined) return undefined;
    let context = this.#extracted.get(task);
    if (context === undefined) {
      context = api.propagation.extract(api.ROOT_CONTEXT, carrier);
      this.#extracted.set(task, context);
    }
    return context;
  }
}

function newStorage(): Storage {
  const hooks = builtin<{ AsyncLocalStorage?: new () => Storage }>("async_hooks");
  if (hooks?.AsyncLocalStorage !== undefined) return new hooks.AsyncLocalStorage();
  // In pages there is none: a context holds until the function returns.
  let current: Context | undefined;
  return {
    getStore: () => current,
    run(store, callback) {
      const before = current;
      current = store;
      try {
        return callback();
      } finally {
        current = before;
      }
    },
  };
}
