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

/** Gathers what is told to clients, so that one call carries what came together. */
export class Outbox {
  readonly #link: RedisLink;
  readonly #keys: BullmqKeys;
  readonly #channels = new Map<string, ReplyField[]>();
  readonly #counts = new Map<string, number>();
  #scheduled = false;

  constructor(link: RedisLink, keys: BullmqKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  add(channel: string | undefined, field: ReplyField): void {
    // A job's data may be forged: only channels of this queue are written to.
    if (channel === undefined || !channel.startsWith(this.#keys.channel(""))) return;
    const fields = this.#channels.get(channel);
    if (fields === undefined) this.#channels.set(channel, [field]);
    else fields.push(field);
    this.#schedule();
  }

  count(name: "completed" | "failed" | "redelivered"): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => void this.flush());
  }

  async flush(): Promise<void> {
    this.#scheduled = false;
    if (this.#link.closed || (this.#channels.size === 0 && this.#counts.size === 0)) return;
    const pipeline = this.#link.main.pipeline();
    for (const [channel, fields] of this.#channels) {
      // NOMKSTREAM: a client that has gone wants nothing.
      const args = [channel, "NOMKSTREAM", "MAXLEN", "~", CHANNEL_LENGTH, "*", ...fields.flat()];
      pipeline.xadd(...args as Parameters<typeof pipeline.xadd>);
    }
    for (const [name, count] of this.#counts) pipeline.hincrby(this.#keys.totals, name, count);
    this.#channels.clear();
    this.#counts.clear();
    await pipeline.exec().catch(() => {}); // the sweep finds what was not told
  }
}
