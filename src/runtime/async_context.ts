import type { AsyncContext } from "./runtime.ts";
import { builtin } from "./thread_handle.ts";

type AsyncResourceClass = new (type: string) => AsyncContext;

let AsyncResource: AsyncResourceClass | undefined;
let asked = false;

/**
 * The async context of this moment (`AsyncLocalStorage` of Node, Deno and Bun), for what is called in it
 * more than once, or at once. Everything else leaves that to promises. Not `AsyncLocalStorage.snapshot()`,
 * which takes forty times as long on Node.
 *
 * @returns Nothing where there are no such contexts.
 */
export function captureContext(): AsyncContext | undefined {
  if (!asked) {
    asked = true;
    AsyncResource = builtin<{ AsyncResource?: AsyncResourceClass }>("async_hooks")?.AsyncResource;
  }
  return AsyncResource === undefined ? undefined : new AsyncResource("concurrent.futures");
}

/** A function that runs in the async context of this moment whenever it is called. */
export function bindContext<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const context = captureContext();
  return context === undefined ? fn : (...args) => context.runInAsyncScope(() => fn(...args));
}

/** The context in which this library was loaded: that of the program itself, and of no request. */
let outermost: AsyncContext | undefined;
// Deno takes 20 ms to load the module, and nobody may need it: there it is that of the first executor.
if (!("Deno" in globalThis)) outermost = captureContext();

/**
 * Makes what calls a function in no request's context: for what outlives them all, as a worker does, and is
 * not to keep the store of whoever happened to come first.
 */
export function outsideOfRequests(): <R>(fn: () => R) => R {
  const context = outermost ??= captureContext();
  return (fn) => context === undefined ? fn() : context.runInAsyncScope(fn);
}
