import { MemoryEngine } from "./memory_engine.ts";
import type { MemoryClient } from "./memory_engine.ts";
import { TransportError } from "./transport.ts";
import type { Transport } from "./transport.ts";

/** A transport whose engine is in the memory of this program. */
export interface MemoryTransport extends Transport {
  /** The engine: give it to other transports to share it. */
  readonly engine: MemoryEngine;
}

let made = 0;

/**
 * A transport without a server, for tests: its engine is in this program's memory, and can be made to fail.
 *
 * One transport may serve a client and a worker side by side, or several of each may share an engine.
 *
 * @param engine The engine. By default one of its own.
 * @returns A transport for a `DistributedExecutor` or a `RemoteWorker`.
 *
 * @example Usage
 * ```ts
 * import { DistributedExecutor, memoryTransport, remoteTasks, RemoteWorker } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * const url = "data:text/javascript,export function double(x) { return 2 * x }";
 * const { double } = remoteTasks<{ double(x: number): number }>("numbers");
 *
 * const { engine } = memoryTransport();
 * const worker = new RemoteWorker(memoryTransport(engine), { modules: { numbers: url }, concurrency: 1 });
 * const stop = new AbortController();
 * const ended = worker.run({ signal: stop.signal });
 *
 * const executor = new DistributedExecutor(memoryTransport(engine));
 * assertEquals(await executor.submit(double, 21), 42);
 * await executor.shutdown();
 *
 * stop.abort();
 * await ended;
 * ```
 */
export function memoryTransport(engine: MemoryEngine = new MemoryEngine()): MemoryTransport {
  const id = `memory-${made++}`;
  let client: MemoryClient | undefined;
  let closed = false;
  const consumers = new Set<{ close(): Promise<void> }>();

  /** What every call begins with: a turn of the event loop, in which the engine may be away. */
  async function reach(): Promise<void> {
    await Promise.resolve();
    if (closed) throw new TransportError("away", "Cannot ask the engine: the transport is closed");
    engine.checkThere();
  }

  return {
    name: "memory",
    engine,
    async add(jobs) {
      await reach();
      engine.add(jobs, id);
    },
    async replies(onReplies) {
      await reach();
      client = engine.open(id, onReplies);
      const own = client;
      return { close: () => Promise.resolve(own.close()) };
    },
    async lookup(ids) {
      await reach();
      return ids.map((job) => engine.lookup(job));
    },
    async remove(ids) {
      await reach();
      return ids.map((job) => engine.remove(job));
    },
    async tell(ids, reason) {
      await reach();
      for (const job of ids) engine.tell(job, reason);
    },
    async consume(options, handler) {
      await reach();
      const consumer = engine.consume(options, handler);
      consumers.add(consumer);
      return consumer;
    },
    async workers() {
      await reach();
      return engine.workers();
    },
    async status() {
      await reach();
      return engine.status();
    },
    async close() {
      closed = true;
      client?.close();
      for (const consumer of consumers) await consumer.close();
    },
  };
}
