import type { AsyncContext } from "./runtime.ts";
import { builtin } from "./thread_handle.ts";

type AsyncResourceClass = new (type: string) => AsyncContext;

/** What is used of an `AsyncLocalStorage`. */
interface Storage {
  run<R>(store: unknown, fn: () => R): R;
  getStore(): unknown;
  disable(): void;
}

/** What is used of `node:async_hooks`. */
interface AsyncHooks {
  AsyncResource?: AsyncResourceClass;
  AsyncLocalStorage?: new () => Storage;
}

/** How a runtime itself reads the current context, and makes another one current. */
interface Access {
  /** It gives `undefined` where nobody has set a store. */
  readonly get: () => unknown;
  readonly set: (context: unknown) => void;
}

/** A context as the runtime holds it, without an `AsyncResource` around it. */
class BareContext implements AsyncContext {
  readonly context: unknown;

  constructor(context: unknown) {
    this.context = context;
  }

  runInAsyncScope<R>(fn: () => R): R {
    const { get, set } = access!;
    const before = get();
    set(this.context);
    try {
      return fn();
    } finally {
      set(before);
    }
  }
}

/** What resources are called. */
const NAME = "concurrent.futures";

let access: Access | undefined;
/** The context without any store, where it can be told from others. */
let empty: AsyncContext | undefined;
let capture = (): AsyncContext | undefined => (capture = howToCapture())();

/**
 * The async context of this moment (`AsyncLocalStorage` of Node, Deno and Bun), for what is called in it
 * more than once, or at once. Everything else leaves that to promises. Not `AsyncLocalStorage.snapshot()`,
 * which takes forty times as long on Node.
 *
 * @returns Nothing where no store is set, if that can be seen, or where there are no such contexts.
 */
export function captureContext(): AsyncContext | undefined {
  return capture();
}

/** Calls a function in what {@linkcode captureContext} gave. */
export function runInContext<R>(context: AsyncContext | undefined, fn: () => R): R {
  if (context !== undefined) return context.runInAsyncScope(fn);
  return empty === undefined || access!.get() === undefined ? fn() : empty.runInAsyncScope(fn);
}

/** A function that runs in the async context of this moment whenever it is called. */
export function bindContext<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const context = captureContext();
  if (context === undefined && empty === undefined) return fn;
  return (...args) => runInContext(context, () => fn(...args));
}

/** The context in which this library was loaded: that of the program itself, and of no request. */
let outermost: AsyncContext | undefined;
// Deno takes 20 ms to load the module, and nobody may need it: there it is that of the first executor.
if (!("Deno" in globalThis)) outermost = resource();

/**
 * Makes what calls a function in no request's context: for what outlives them all, as a worker does, and is
 * not to keep the store of whoever happened to come first.
 */
export function outsideOfRequests(): <R>(fn: () => R) => R {
  const context = outermost ??= resource();
  return (fn) => context === undefined ? fn() : context.runInAsyncScope(fn);
}

function asyncHooks(): AsyncHooks {
  return builtin<AsyncHooks>("async_hooks") ?? {};
}

function resource(): AsyncContext | undefined {
  const { AsyncResource } = asyncHooks();
  return AsyncResource === undefined ? undefined : new AsyncResource(NAME);
}

/**
 * An `AsyncResource` for each task costs much (on Deno most of an inline task, for it has a finalizer), and
 * does not say whether there is a store at all. So contexts are taken as the runtime has them, where that is
 * found and does what is expected of it.
 */
function howToCapture(): () => AsyncContext | undefined {
  const hooks = asyncHooks();
  const { AsyncResource } = hooks;
  if (AsyncResource === undefined) return () => undefined;
  // It leaves the context of this moment as it is, whatever is tried.
  access = new AsyncResource(NAME).runInAsyncScope(() => accessOf(hooks));
  if (access === undefined) return () => new AsyncResource(NAME);
  empty = new BareContext(undefined);
  const { get } = access;
  return () => {
    const context = get();
    return context === undefined ? undefined : new BareContext(context);
  };
}

function accessOf({ AsyncResource, AsyncLocalStorage }: AsyncHooks): Access | undefined {
  if (AsyncResource === undefined || AsyncLocalStorage === undefined) return undefined;
  try {
    const storage = new AsyncLocalStorage();
    const found = accessOfDeno() ?? accessOfNode(AsyncResource, storage);
    return found !== undefined && isRight(found, storage) ? found : undefined;
  } catch {
    return undefined;
  }
}

function accessOfDeno(): Access | undefined {
  const { Deno } = globalThis as { Deno?: Record<PropertyKey, unknown> };
  const inner = Deno?.[Deno["internal"] as symbol] as
    | { core?: Record<string, unknown> }
    | undefined;
  const { getAsyncContext: get, setAsyncContext: set } = inner?.core ?? {};
  return typeof get !== "function" || typeof set !== "function"
    ? undefined
    : { get, set } as Access;
}

/** Of the class of contexts, which each resource holds one of. Before Node 24 there is none. */
function accessOfNode(AsyncResource: AsyncResourceClass, storage: Storage): Access | undefined {
  const key = Object.getOwnPropertySymbols(new AsyncResource("")).find(({ description }) =>
    description === "context_frame"
  );
  if (key === undefined) return undefined; // a store would turn the hooks on, which slow all promises
  const held: unknown = storage.run(1, () => new AsyncResource(""));
  storage.disable(); // without contexts as they are read here, it has turned the hooks on
  const { constructor } = (held as Record<symbol, { constructor: unknown }>)[key]!;
  const { current: get, set } = constructor as Record<string, unknown>;
  return typeof get !== "function" || typeof set !== "function"
    ? undefined
    : { get, set } as Access;
}

/** Whether contexts are read, made current and told apart in this way. */
function isRight({ get, set }: Access, storage: Storage): boolean {
  const before = get();
  const inside = storage.run(1, get);
  if (typeof inside !== "object" || inside === null || inside === before) return false;
  set(undefined);
  const isEmpty = get() === undefined && storage.getStore() === undefined;
  set(inside);
  const isBack = get() === inside && storage.getStore() === 1;
  set(before);
  return isEmpty && isBack && get() === before && storage.getStore() === undefined;
}
