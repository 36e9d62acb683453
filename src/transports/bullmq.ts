/**
 * The engine BullMQ, on Redis or Valkey, for `DistributedExecutor` and `RemoteWorker`. Its clients `bullmq` and
 * `ioredis` are to be installed beside this library.
 *
 * As a broker is for Celery, which this is closest to in Python.
 *
 * @example
 * ```ts
 * import { bullmq } from "@concurrent/futures/bullmq";
 *
 * const transport = bullmq({ url: "redis://localhost:6379", queue: "images" });
 * console.log(transport.name); // bullmq images at redis://localhost:6379
 * await transport.close(); // nothing was connected yet
 * ```
 *
 * @module
 */

import { Queue } from "bullmq";
import type { RedisOptions } from "ioredis";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { env } from "node:process";
import type {
  ConsumeOptions,
  Consumer,
  Job,
  JobHandler,
  Lookup,
  QueueStatus,
  RemoteWorkerInfo,
  Reply,
  Subscription,
  Transport,
} from "../remote/transport.ts";
import { TransportError } from "../remote/transport.ts";
import { BullmqConsumer } from "./bullmq_consumer.ts";
import { OUTCOME_FIELDS, readOutcome, readReplies, toBulkJob, toJobId } from "./bullmq_format.ts";
import { BullmqKeys } from "./bullmq_keys.ts";
import { isFull, RedisLink } from "./redis_link.ts";
import { StreamReader } from "./redis_stream.ts";

/** Milliseconds that a client's channel outlives the client, if it ends without a word. */
const CHANNEL_LIFE = 60_000;

/** Milliseconds that an abort waits for its worker to be reached. */
const TELL_LIFE = 60_000;

/** Entries of BullMQ's own stream of events, which nobody here reads: the fewest that it likes. */
const EVENTS = 100;

/** Options of {@linkcode bullmq}. */
export interface BullmqOptions {
  /**
   * `redis://user:password@host:6379/0`, or `rediss://` for TLS.
   *
   * @default the environment's `CONCURRENT_FUTURES_URL`, so that a password stands in no argument list
   */
  url?: string;
  /** The queue's name: clients and workers that say the same meet. */
  queue: string;
  /**
   * What all keys begin with; for a cluster in braces, `{cf}`.
   *
   * @default {"cf"}
   */
  prefix?: string;
  /** Further options for the client `ioredis`: `tls`, `sentinels`, `family`. */
  connection?: Readonly<Record<string, unknown>>;
}

/**
 * A queue of BullMQ. Nothing connects before it is used; the server may be away for any time.
 *
 * Priorities are rounded to integers, and bounded by a million either way.
 *
 * @param options Which server and which queue.
 * @returns What `DistributedExecutor` and `RemoteWorker` take.
 * @throws {TypeError} if an option is missing or wrong.
 *
 * @example
 * ```ts
 * import { bullmq } from "@concurrent/futures/bullmq";
 *
 * const transport = bullmq({ url: "rediss://user:password@redis.example:6380", queue: "images" });
 * console.log(transport.name); // bullmq images at rediss://redis.example:6380
 * await transport.close();
 * ```
 */
export function bullmq(options: BullmqOptions): Transport {
  for (const name of Object.keys(options)) {
    if (["url", "queue", "prefix", "connection"].includes(name)) continue;
    throw new TypeError(`Cannot use BullMQ: there is no option "${name}"`);
  }
  const { url = env["CONCURRENT_FUTURES_URL"], queue, prefix = "cf", connection = {} } = options;
  if (typeof url !== "string" || !/^rediss?:\/\/./.test(url) || !URL.canParse(url)) {
    throw new TypeError(
      'Cannot use BullMQ: url is not like "redis://localhost:6379" (set it, or CONCURRENT_FUTURES_URL)',
    );
  }
  if (typeof queue !== "string" || queue === "" || queue.includes(":")) {
    throw new TypeError(`Cannot use BullMQ: queue "${queue}" is empty or has a ":"`);
  }
  if (typeof prefix !== "string" || prefix === "") {
    throw new TypeError("Cannot use BullMQ: prefix is empty");
  }
  return new BullmqTransport(new RedisLink(url, connection as RedisOptions), queue, prefix);
}

class BullmqTransport implements Transport {
  readonly name: string;
  readonly #link: RedisLink;
  readonly #queueName: string;
  readonly #keys: BullmqKeys;
  readonly #readers = new Set<StreamReader>();
  readonly #consumers = new Set<BullmqConsumer>();
  #queue: Queue | undefined;
  #channel: string | undefined;

  constructor(link: RedisLink, queue: string, prefix: string) {
    this.#link = link;
    this.#queueName = queue;
    this.#keys = new BullmqKeys(prefix, queue);
    this.name = `bullmq ${queue} at ${link.place}`;
  }

  /** Made at its first use, as it connects. */
  #open(): Queue {
    if (this.#queue !== undefined) return this.#queue;
    const queue = this.#queue = new Queue(this.#queueName, {
      connection: this.#link.main,
      prefix: this.#keys.prefix,
      streams: { events: { maxLen: EVENTS } },
    });
    queue.on("error", () => {}); // the link knows
    return queue;
  }

  async add(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return;
    await this.#link.call(async (redis) => {
      const timestamp = this.#link.now();
      try {
        await this.#open().addBulk(jobs.map((job) => toBulkJob(job, this.#channel, timestamp)));
      } catch (error) {
        // BullMQ adds one after the other: what came before the end of the memory is taken back.
        if (isFull(error)) {
          await this.#keys.removeWaiting(redis, jobs.map(({ id }) => id), timestamp)
            .catch(() => {});
        }
        throw error;
      }
    });
  }

  async replies(onReplies: (replies: readonly Reply[]) => void): Promise<Subscription> {
    const channel = this.#channel = randomUUID();
    const key = this.#keys.channel(channel);
    // Workers write only to channels that exist, so that one that was closed does not come back.
    let closed = false;
    const keep = async (): Promise<void> => {
      const kept = await this.#link.main.pexpire(key, CHANNEL_LIFE);
      if (kept === 1 || closed) return; // what is made now comes after the deletion
      await this.#link.main.multi().xadd(key, "*", "-", "").pexpire(key, CHANNEL_LIFE).exec();
    };
    await this.#link.call(keep);
    const reader = new StreamReader(this.#link, key, "0-0", (entries) => {
      const { replies, ended } = readReplies(entries);
      if (replies.length > 0) onReplies(replies);
      if (ended.length > 0) void this.#fetch(ended, onReplies);
    }, keep);
    this.#readers.add(reader);
    return {
      close: async () => {
        if (!this.#readers.delete(reader)) return;
        if (this.#channel === channel) this.#channel = undefined;
        closed = true;
        await reader.close();
        await this.#link.lastCall((redis) => redis.del(key)); // else it expires
      },
    };
  }

  /** Outcomes that were too large for the channel. If it fails, the sweep finds them. */
  async #fetch(ids: readonly string[], onReplies: (replies: readonly Reply[]) => void) {
    const outcomes = await this.lookup(ids).catch(() => []);
    const replies: Reply[] = [];
    outcomes.forEach((outcome, i) => {
      if (typeof outcome === "object") replies.push({ kind: "outcome", id: ids[i]!, outcome });
    });
    if (replies.length > 0) onReplies(replies);
  }

  async lookup(ids: readonly string[]): Promise<readonly Lookup[]> {
    if (ids.length === 0) return [];
    return await this.#link.call(async (redis) => {
      const pipeline = redis.pipeline();
      for (const id of ids) pipeline.hmget(this.#keys.job(toJobId(id)), ...OUTCOME_FIELDS);
      return repliesOf(await pipeline.exec()).map(([error, fields]) => {
        if (error === null) return readOutcome(fields as readonly (string | null)[]);
        // Somebody has put something else there: it is no job, and the others are none the worse for it.
        if (/^WRONGTYPE\b/.test(error.message)) return "missing";
        throw error;
      });
    });
  }

  async remove(ids: readonly string[]): Promise<readonly boolean[]> {
    if (ids.length === 0) return [];
    return await this.#link.call((redis) => this.#keys.removeWaiting(redis, ids));
  }

  async tell(ids: readonly string[], reason: Uint8Array): Promise<void> {
    if (ids.length === 0) return;
    const key = this.#keys.tell;
    await this.#link.call((redis) =>
      redis.multi()
        .xadd(key, "MAXLEN", "~", 10_000, "*", ids.join(","), Buffer.from(reason))
        .pexpire(key, TELL_LIFE).exec()
    );
  }

  async consume(options: ConsumeOptions, handler: JobHandler): Promise<Consumer> {
    const consumer = new BullmqConsumer(this.#link, this.#keys, this.#queueName, options, handler);
    this.#consumers.add(consumer);
    try {
      await this.#link.call(() => consumer.start());
    } catch (error) {
      await consumer.close();
      throw error;
    }
    return consumer;
  }

  async workers(): Promise<readonly RemoteWorkerInfo[]> {
    return await this.#link.call((redis) => this.#keys.fleetAt(redis, this.#link.now()));
  }

  async status(): Promise<QueueStatus> {
    return await this.#link.call(async (redis) => {
      const queue = this.#open();
      const counts = await queue.getJobCounts("wait", "prioritized", "delayed", "active");
      const first = await queue.getJobs(["wait", "prioritized", "delayed"], 0, 0, true);
      const times = first.filter((job) => job !== undefined).map(({ timestamp }) => timestamp);
      const totals = await redis.hgetall(this.#keys.totals);
      const total = (name: string): number => Number(totals[name] ?? 0);
      const { wait = 0, prioritized = 0, delayed = 0, active = 0 } = counts;
      return {
        waiting: wait + prioritized + delayed,
        running: active,
        oldest: times.length > 0 ? Math.max(this.#link.now() - Math.min(...times), 0) : undefined,
        completed: total("completed"),
        failed: total("failed"),
        redelivered: total("redelivered"),
      };
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    const channel = this.#channel;
    if (channel !== undefined) {
      await this.#link.lastCall((redis) => redis.del(this.#keys.channel(channel)));
    }
    this.#link.close();
    await Promise.all([...this.#readers].map((reader) => reader.close()));
    this.#queue?.close().catch(() => {}); // the connection is not its own: it only forgets it
  }
}

/** What came of each command of a pipeline. */
function repliesOf(
  results: readonly (readonly [Error | null, unknown])[] | null,
): readonly (readonly [Error | null, unknown])[] {
  if (results !== null) return results;
  throw new TransportError("away", "Cannot ask Redis: it dropped a pipeline");
}
