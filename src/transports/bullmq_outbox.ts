/**
 * What workers tell clients: after the engine has recorded it, and what came together in one call.
 *
 * @module
 */

import type { ReplyField } from "./bullmq_format.ts";
import type { BullmqKeys } from "./bullmq_keys.ts";
import type { RedisLink } from "./redis_link.ts";

/** Entries of a client's channel, of many replies each; the client deletes what it has read. */
const CHANNEL_LENGTH = 10_000;

/** Milliseconds between two calls that add to the totals. */
const COUNT_PAUSE = 200;

/**
 * Gathers what is told to clients. One call is on its way at a time, and carries all that came together since the
 * one before it: so nothing waits where little happens, and where much does there are few calls. No pipelines: each
 * of the client's copies all of BullMQ's scripts.
 */
export class Outbox {
  readonly #link: RedisLink;
  readonly #keys: BullmqKeys;
  #channels = new Map<string, ReplyField[]>();
  #run: Promise<void> | undefined;
  #counts = new Map<string, number>();
  #counted = -Infinity;
  #counting: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(link: RedisLink, keys: BullmqKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** @param channel The name of the client's channel, as the job says it. */
  add(channel: string | undefined, field: ReplyField): void {
    if (channel === undefined) return;
    const fields = this.#channels.get(channel);
    if (fields === undefined) this.#channels.set(channel, [field]);
    else fields.push(field);
    this.#run ??= this.#tell();
  }

  /** Counts for all who look at the queue; the first at once, many together. */
  count(name: "completed" | "failed" | "redelivered"): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    if (!this.#closed) {
      this.#counting ??= setTimeout(
        () => void this.#count(),
        Math.max(0, this.#counted + COUNT_PAUSE - performance.now()),
      );
    }
  }

  /** Resolves when all is told. */
  async flush(): Promise<void> {
    await Promise.all([this.#run, this.#count()]);
  }

  /** Counts no more by itself. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#counting);
  }

  async #tell(): Promise<void> {
    // What comes in the same turn goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#channels.size > 0 && !this.#link.closed) {
      const channels = this.#channels;
      this.#channels = new Map();
      // The sweep finds what was not told.
      await Promise.all(Array.from(channels, (entry) => this.#publish(...entry).catch(() => {})));
    }
    this.#run = undefined; // here, and not when that has settled: what comes in between would wait for the next
  }

  #publish(channel: string, fields: readonly ReplyField[]): Promise<unknown> {
    // A job's data may be forged: only channels of this queue are written to. NOMKSTREAM: a client that has
    // gone wants nothing.
    const key = this.#keys.channel(channel);
    const args = [key, "NOMKSTREAM", "MAXLEN", "~", CHANNEL_LENGTH, "*", ...fields.flat()];
    const { main } = this.#link;
    return main.xadd(...args as Parameters<typeof main.xadd>);
  }

  async #count(): Promise<void> {
    clearTimeout(this.#counting);
    this.#counting = undefined;
    this.#counted = performance.now();
    const counts = this.#counts;
    this.#counts = new Map();
    const { main, closed } = this.#link;
    if (closed) return;
    await Promise.all(Array.from(counts, ([name, count]) => {
      return main.hincrby(this.#keys.totals, name, count).catch(() => {});
    }));
  }
}
