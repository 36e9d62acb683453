/**
 * A Worker for Cloudflare that asks many servers at once, but not too many, and none for too long.
 *
 *     GET /sizes?of=<url>&of=<url>      how long each answer is, in the order of the question
 *     GET /race?of=<url>&of=<url>       the same, a line for each as soon as it is there
 *
 * After its answer it tells `REPORTS`, if that is set, how many were asked.
 *
 * @module
 */

import {
  asCompleted,
  createExecutor,
  type Executor,
  type Future,
  type TaskContext,
} from "../../mod.ts";

/** What `wrangler.toml` or the dashboard sets. */
interface Environment {
  /** Who is told of each request. */
  readonly REPORTS?: string;
  /** Milliseconds that a server has to answer. */
  readonly PATIENCE?: string;
}

/** What a request may do beside its answer. */
interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** Cloudflare opens six connections at once for a request, and one is for the report. */
const CONNECTIONS = 5;

export default {
  fetch(request: Request, environment: Environment, context: Context): Promise<Response> {
    // One for each request. There are no threads here: tasks run where they are submitted, side by side.
    const executor = createExecutor({
      maxWorkers: CONNECTIONS,
      waitUntil: (promise) => context.waitUntil(promise),
    });
    return answer(new URL(request.url), environment, executor);
  },
};

async function answer(url: URL, environment: Environment, executor: Executor): Promise<Response> {
  const servers = url.searchParams.getAll("of");
  const hurried = executor.with({ timeout: Number(environment.PATIENCE ?? 5_000) });
  switch (url.pathname) {
    case "/sizes": {
      const sizes = await hurried.map(sizeOf, servers, { settled: true }).toArray();
      report(executor, environment, servers.length);
      return Response.json(
        sizes.map((size) => size.status === "fulfilled" ? size.value : size.reason.name),
      );
    }
    case "/race": {
      const futures = new Map(servers.map((server) => [hurried.submit(sizeOf, server), server]));
      report(executor, environment, servers.length);
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      void writeLines(writable, futures);
      return new Response(readable);
    }
    default:
      return new Response("Ask /sizes?of=<url> or /race?of=<url>\n", { status: 404 });
  }
}

/** Writes a line for each server when it has answered, or was too slow. */
async function writeLines(
  writable: WritableStream<Uint8Array>,
  servers: ReadonlyMap<Future<number>, string>,
): Promise<void> {
  const writer = writable.getWriter();
  for await (const done of asCompleted(servers.keys())) {
    const future = done as unknown as Future<number>; // which TypeScript takes for its result
    const error = await future.exception() as Error | undefined;
    const line = `${servers.get(future)} ${error?.name ?? await future}\n`;
    await writer.write(new TextEncoder().encode(line));
  }
  await writer.close();
}

/** How many bytes a server answers. `this.signal` ends the request when its time is over. */
async function sizeOf(this: TaskContext, url: string): Promise<number> {
  const response = await fetch(url, { signal: this.signal });
  return (await response.arrayBuffer()).byteLength;
}

/** Nobody waits for this task: `waitUntil` lets it end after the answer. */
function report(executor: Executor, { REPORTS }: Environment, asked: number): void {
  if (REPORTS === undefined) return;
  executor.submit(async () => {
    await fetch(REPORTS, { method: "POST", body: JSON.stringify({ asked }) });
  });
}
