/**
 * What runs inside of the edge runtimes: a program as users write it, with things at the top level.
 *
 * @module
 */

import { delay } from "@std/async";
import { globalsBefore } from "./globals.ts";
import * as library from "../../mod.ts";
import * as futures from "../../src/futures/mod.ts";
import * as pools from "../../src/pool/mod.ts";
import { detectRuntime } from "../../src/runtime/mod.ts";
import * as worker from "../../src/worker/mod.ts";
import { tellColumn } from "../runtime/table.ts";

const { createExecutor, InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor } = library;

/** As a program has it that runs on servers too: all requests use it. */
const shared = createExecutor({ maxWorkers: 2 });

const newGlobals = Reflect.ownKeys(globalThis).filter((key) => !globalsBefore.has(key));

/** Tasks run when a program is loaded, if they need nothing of a request. */
const atTheTop = shared.submit((a: number, b: number) => a + b, 1, 2);

/** What tasks did, to be seen by other requests. */
const log: string[] = [];

/** What a request is given to outlive its response. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

function pause(milliseconds: number): Promise<void> {
  return delay(milliseconds);
}

/** Something that only this request may touch. */
function belonging(): () => void {
  const { signal } = new AbortController();
  return () => void signal.aborted;
}

/** Runs tasks that wait, and tells how many ran at once at the most and what they gave. */
async function work(
  executor: library.Executor,
  name: string,
  count: number,
): Promise<{ most: number; results: string[] }> {
  const touch = belonging();
  let running = 0;
  let most = 0;
  const task = async (i: number) => {
    touch();
    most = Math.max(most, ++running);
    await pause(5);
    touch();
    running--;
    return `${name}${i}`;
  };
  const futures = Array.from({ length: count }, (_, i) => executor.submit(task, i));
  const mapped = executor.map(task, Array.from({ length: count }, (_, i) => count + i));
  const submitted = await Promise.all(futures);
  const results = [...submitted, ...await mapped.toArray()];
  touch();
  return { most, results };
}

const ROUTES: Record<string, (context: Context, query: URLSearchParams) => unknown> = {
  facts: async () => ({
    name: detectRuntime().name,
    parallel: shared.capabilities.parallel,
    inline: shared instanceof InlineExecutor,
    maxWorkers: shared.maxWorkers,
    atTheTop: await atTheTop,
    entries: [library, futures, pools, worker].map((entry) => Object.keys(entry).length > 0),
    newGlobals: newGlobals.map(String),
  }),

  table: () => tellColumn(),

  refusals: () => {
    const makers = {
      ThreadPoolExecutor: () => new ThreadPoolExecutor(),
      ProcessPoolExecutor: () => new ProcessPoolExecutor(2),
      ThreadPool: () => new pools.ThreadPool(),
      Pool: () => new pools.Pool(),
    };
    return Object.entries(makers).map(([name, make]) => {
      try {
        make();
        return [name, "made"];
      } catch (error) {
        return [name, (error as Error).name, (error as Error).message];
      }
    });
  },

  shared: (_context, query) => work(shared, query.get("name")!, 6),

  own: async (_context, query) => {
    await using executor = new InlineExecutor({ maxWorkers: 2 });
    return await work(executor, query.get("name")!, 6);
  },

  /** Ends while its tasks hold all places of the shared executor. */
  abandon: () => {
    for (let i = 0; i < 4; i++) shared.submit(() => new Promise(() => {}));
    return shared.stats();
  },

  /** Answers at once; a task in `later` or `never` is logged when it ends. */
  answer: (context, query) => {
    const name = query.get("name")!;
    const executor = createExecutor(
      query.has("wait") ? { waitUntil: (promise) => context.waitUntil(promise) } : {},
    );
    const chain = async (step: number) => {
      await pause(20);
      log.push(`${name}${step}`);
    };
    executor.submit(chain, 1).addDoneCallback(() => executor.submit(chain, 2));
    return "answered";
  },

  log: () => log,

  timeouts: async () => {
    await using executor = createExecutor({ maxWorkers: 4 });
    const hurried = executor.with({ timeout: 20 });
    const late = hurried.submit(() => new Promise(() => {}));
    const heeding = hurried.submit(function (this: library.TaskContext) {
      return new Promise((_, reject) =>
        this.signal.addEventListener("abort", () => reject(this.signal.reason))
      );
    });
    const other = executor.submit(() => pause(200).then(() => "unharmed"));
    const { done, notDone } = await library.wait([late, other], { timeout: 1 });
    const outcomes = await Promise.all([late.exception(), heeding.exception(), other]);
    return [done.size, notDone.size, ...outcomes.map(String)];
  },

  module: async () => {
    await using executor = createExecutor();
    const { missing } = library.importTasks<{ missing(): void }>("file:///no/such/module.js");
    return String(await executor.submit(missing).exception());
  },
};

/** Answers a request of the tests: its path is a route. */
export async function handle(request: Request, context: Context): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  try {
    return Response.json(await ROUTES[pathname.slice(1)]!(context, searchParams));
  } catch (error) {
    return new Response(String((error as Error).stack ?? error), { status: 500 });
  }
}

export default {
  fetch: (request: Request, _env: unknown, context: Context): Promise<Response> =>
    handle(request, context),
};
