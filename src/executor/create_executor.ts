import { UnsupportedError } from "../futures/errors.ts";
import type { Executor } from "./executor.ts";
import { InlineExecutor } from "./inline_executor.ts";
import { checkFunction, checkObject } from "./options.ts";
import { ThreadPoolExecutor } from "./thread_pool_executor.ts";
import type { ThreadPoolExecutorOptions } from "./thread_pool_executor.ts";

/** Options of {@linkcode createExecutor}. */
export interface CreateExecutorOptions {
  /**
   * How many workers there are at the most.
   *
   * @default {as the executor that is made}
   */
  maxWorkers?: number | undefined;
  /**
   * Keeps a request alive until its work has ended, where there are no threads: see
   * {@linkcode InlineExecutorOptions}.
   *
   * @default {undefined}
   */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /**
   * What the executor is called in events.
   *
   * @default {what its workers are called, without their number}
   */
  name?: string | undefined;
  /**
   * Measure how long tasks wait and run, for `Executor.metrics()`. It costs each task a little.
   *
   * @default {false}
   */
  metrics?: boolean | undefined;
}

/**
 * Makes the best executor that this runtime has: threads, or this thread where there are none.
 *
 * The only place where the library chooses; the executors themselves never fall back. What was
 * chosen is told by `executor.capabilities.parallel`.
 *
 * @param options See {@linkcode CreateExecutorOptions}.
 * @returns A `ThreadPoolExecutor` or an `InlineExecutor`.
 * @throws {TypeError} If an option is of a wrong kind.
 * @throws {RangeError} If an option is out of range.
 *
 * @example Usage
 * ```ts
 * import { createExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * await using executor = createExecutor();
 * assertEquals(await executor.submit((x: number) => x + 1, 1), 2);
 * ```
 *
 * @example In a Worker of Cloudflare
 * ```ts
 * import { createExecutor } from "@concurrent/futures";
 * import { assertEquals } from "@std/assert";
 *
 * async function answer(ctx: { waitUntil(promise: Promise<unknown>): void }): Promise<string> {
 *   const executor = createExecutor({ waitUntil: (promise) => ctx.waitUntil(promise) });
 *   const words = executor.map((word: string) => word.toUpperCase(), ["at", "once"]);
 *   return (await words.toArray()).join(" ");
 * }
 *
 * assertEquals(await answer({ waitUntil() {} }), "AT ONCE");
 * ```
 */
export function createExecutor(options: CreateExecutorOptions = {}): Executor {
  checkObject("options of createExecutor", options);
  checkFunction("waitUntil", options.waitUntil);
  try {
    // Those of threads may be given, too.
    const { waitUntil: _, ...others } = options;
    return new ThreadPoolExecutor(others);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    // This thread may do all that the program may: what is forbidden is never allowed in silence.
    if ((options as ThreadPoolExecutorOptions).permissions !== undefined) throw error;
    const { maxWorkers, waitUntil, name, metrics } = options;
    return new InlineExecutor({ maxWorkers, waitUntil, name, metrics });
  }
}
