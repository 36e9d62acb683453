/**
 * The keys of one queue, and what is asked of them that BullMQ has no call for.
 *
 * @module
 */

import type { Redis } from "ioredis";
import type { RemoteWorkerInfo } from "../remote/transport.ts";
import { toJobId } from "./bullmq_format.ts";

/**
 * Takes jobs back that wait, and says which. `job.remove()` also deletes what has ended meanwhile, and with it
 * the only record of the outcome; here "it waits" and "it is gone" are one step. A stalled job waits in the
 * list, one to be retried among the delayed, all others are prioritized.
 *
 * KEYS: prioritized, delayed, wait. ARGV: what keys of jobs begin with, a timestamp or "", ids.
 */
const REMOVE_WAITING = `
local removed = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  removed[i - 2] = 0
  if ARGV[2] == "" or redis.call("HGET", key, "timestamp") == ARGV[2] then
    if redis.call("ZREM", KEYS[1], id) == 1 or redis.call("ZREM", KEYS[2], id) == 1
      or redis.call("LREM", KEYS[3], 1, id) == 1 then
      redis.call("DEL", key, key .. ":logs")
      removed[i - 2] = 1
    end
  end
end
return removed`;

/** Ids of one script: Redis does nothing else while it runs. */
const AT_ONCE = 500;

/** The keys of one queue. */
export class BullmqKeys {
  readonly prefix: string;
  readonly #queue: string;

  constructor(prefix: string, queue: string) {
    this.prefix = prefix;
    this.#queue = queue;
  }

  /** A key of BullMQ's own. */
  job(name: string): string {
    return `${this.prefix}:${this.#queue}:${name}`;
  }

  /** A client's private channel. */
  channel(name: string): string {
    return this.job(`cf:replies:${name}`);
  }

  /** Where aborts are told. */
  get tell(): string {
    return this.job("cf:tell");
  }

  /** A hash of the workers that live. */
  get fleet(): string {
    return this.job("cf:fleet");
  }

  /** A hash of what was counted. */
  get totals(): string {
    return this.job("cf:totals");
  }

  /** Takes jobs back that no worker has; with a timestamp only those that were added with it. */
  async removeWaiting(
    redis: Redis,
    ids: readonly string[],
    timestamp?: number,
  ): Promise<boolean[]> {
    const removed: boolean[] = [];
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const flags = await redis.eval(
        REMOVE_WAITING,
        3,
        this.job("prioritized"),
        this.job("delayed"),
        this.job("wait"),
        this.job(""),
        timestamp === undefined ? "" : String(timestamp),
        ...ids.slice(from, from + AT_ONCE).map(toJobId),
      ) as number[];
      removed.push(...flags.map((flag) => flag === 1));
    }
    return removed;
  }

  /** Says that a worker lives, for a while. */
  async greet(
    redis: Redis,
    member: string,
    info: RemoteWorkerInfo,
    until: number,
    life: number,
  ): Promise<void> {
    await redis.pipeline()
      .hset(this.fleet, member, JSON.stringify({ info, until }))
      .pexpire(this.fleet, Math.max(2 * life, 60_000))
      .exec();
  }

  /** Workers that have said so lately. */
  async fleetAt(redis: Redis, now: number): Promise<RemoteWorkerInfo[]> {
    const found: RemoteWorkerInfo[] = [];
    const gone: string[] = [];
    for (const [member, text] of Object.entries(await redis.hgetall(this.fleet))) {
      const entry = readMember(text);
      if (entry === undefined || entry.until <= now) gone.push(member);
      else found.push(entry.info);
    }
    if (gone.length > 0) await redis.hdel(this.fleet, ...gone);
    return found.sort((a, b) => a.since - b.since);
  }
}

/** What a worker said; `undefined` if it was no worker who wrote that. */
function readMember(text: string): { info: RemoteWorkerInfo; until: number } | undefined {
  try {
    const { info, until } = JSON.parse(text);
    if (typeof until !== "number" || typeof info.name !== "string") return undefined;
    return { info, until };
  } catch {
    return undefined;
  }
}
