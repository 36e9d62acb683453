/** Bare BullMQ: jobs in bulk, and completions from the queue's own stream of events. @module */

import { type Job, Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";

/** Jobs of one call, as many as an executor sends. */
const BATCH = 500;

/** As results are kept. */
const OPTS = { removeOnComplete: { age: 600 } };

/** A client. */
export class BareClient {
  readonly queue: Queue;
  readonly #events: QueueEvents;
  readonly #connections: readonly Redis[];
  #onEnd: (value: unknown) => void = () => {};

  private constructor(url: string, name: string) {
    const connect = (): Redis => new Redis(url, { maxRetriesPerRequest: null });
    const [one, two] = this.#connections = [connect(), connect()];
    // At its usual length, 10,000, completions are lost as soon as a client is slow for a third of a second.
    const streams = { events: { maxLen: 1_000_000 } };
    this.queue = new Queue(name, { connection: one!, streams });
    this.#events = new QueueEvents(name, { connection: two! });
    this.#events.on("completed", ({ returnvalue }) => this.#onEnd(returnvalue));
  }

  static async open(url: string, name: string): Promise<BareClient> {
    const client = new BareClient(url, name);
    await client.#events.waitUntilReady();
    await client.queue.waitUntilReady();
    // It is ready before it reads: only a job of its own tells.
    while (await Promise.race([client.run(1, 0).then(() => false), pause(200)]));
    return client;
  }

  /** Resolves when so many jobs of this queue have ended. */
  #ended(count: number): Promise<void> {
    return new Promise((resolve) => {
      let seen = 0;
      this.#onEnd = () => {
        if (++seen === count) resolve();
      };
    });
  }

  /** One job, and what came of it. */
  async one(data: unknown): Promise<unknown> {
    const ended = new Promise((resolve) => this.#onEnd = resolve);
    await this.queue.add("x", data, OPTS);
    return await ended;
  }

  /** Many jobs at once, until all have ended; of other clients' jobs `ended` counts as well. */
  async run(count: number, data: unknown, name = "x", ended: number = count): Promise<void> {
    const all = this.#ended(ended);
    await this.add(count, data, name);
    await all;
  }

  async add(count: number, data: unknown, name = "x"): Promise<void> {
    for (let left = count; left > 0; left -= BATCH) {
      const jobs = Array.from(
        { length: Math.min(BATCH, left) },
        () => ({ name, data, opts: OPTS }),
      );
      await this.queue.addBulk(jobs) satisfies Job[];
    }
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.queue.close();
    for (const connection of this.#connections) connection.disconnect();
  }
}

function pause(milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => setTimeout(() => resolve(true), milliseconds));
}
