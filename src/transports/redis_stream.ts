/**
 * Reading a stream of Redis from a place on, entry by entry, whatever happens to the connection.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { RedisLink } from "./redis_link.ts";

/** Milliseconds that a read waits for the next entry. */
const BLOCK = 5_000;

/** Entries of one read. */
const COUNT = 500;

/** Milliseconds between two calls that delete what was read. */
const TRIM_PAUSE = 250;

/** What an entry holds: names and values in turn. */
export type StreamFields = readonly Buffer[];

/** A stream that is being read. */
export class StreamReader {
  readonly #link: RedisLink;
  readonly #key: string;
  readonly #onEntries: (entries: readonly StreamFields[]) => void;
  readonly #keep: (() => Promise<void>) | undefined;
  readonly #redis: ReturnType<RedisLink["connect"]>;
  #last: string;
  #closed = false;
  #trimming: ReturnType<typeof setTimeout> | undefined;
  #leave: () => void = () => {};
  readonly #ended: Promise<void>;

  /**
   * @param from The id after which it begins.
   * @param keep For a stream that nobody else reads: called before each read, at most every few seconds, it keeps
   * the stream from expiring. What was read of such a one is deleted.
   */
  constructor(
    link: RedisLink,
    key: string,
    from: string,
    onEntries: (entries: readonly StreamFields[]) => void,
    keep?: () => Promise<void>,
  ) {
    this.#link = link;
    this.#key = key;
    this.#last = from;
    this.#onEntries = onEntries;
    this.#keep = keep;
    this.#redis = link.connect();
    this.#ended = this.#read();
  }

  async #read(): Promise<void> {
    let kept = 0;
    while (!this.#closed && !this.#link.closed) {
      try {
        if (this.#keep !== undefined && Date.now() - kept > BLOCK) {
          await this.#untilClosed(this.#keep());
          kept = Date.now();
        }
        const read = this.#redis.xreadBuffer(
          ...["COUNT", COUNT, "BLOCK", BLOCK, "STREAMS", this.#key, this.#last] as const,
        );
        const found = await this.#untilClosed(read);
        const entries = entriesOf(found);
        if (entries.length === 0) continue;
        this.#last = entries.at(-1)!.id;
        if (this.#keep !== undefined) this.#trimming ??= setTimeout(() => this.#trim(), TRIM_PAUSE);
        this.#onEntries(entries.map(({ fields }) => fields));
      } catch {
        // The connection is back by itself; a server that is up and refuses is asked again, but not at once.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  /** The client forgets commands if it is ended while it has no connection: nothing comes of them then. */
  #untilClosed<T>(command: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      command.then(resolve, reject);
      this.#leave = () => resolve(undefined);
      if (this.#closed) this.#leave();
    });
  }

  #trim(): void {
    this.#trimming = undefined;
    this.#link.main.xtrim(this.#key, "MINID", this.#last).catch(() => {});
  }

  /** Reads no more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#trimming);
    this.#redis.disconnect();
    this.#leave();
    await this.#ended;
  }
}

interface Entry {
  id: string;
  fields: StreamFields;
}

/** The entries of the one stream that was asked for; the reply is a list with RESP2 and a map with RESP3. */
function entriesOf(found: unknown): Entry[] {
  if (found === null || found === undefined) return [];
  const streams = found instanceof Map
    ? [...found.values()]
    : Array.isArray(found)
    ? found.map((stream) => Array.isArray(stream) ? stream[1] : undefined)
    : Object.values(found as object);
  return streams.flatMap((entries) => entries as [Buffer, Buffer[]][])
    .map(([id, fields]) => ({ id: id.toString(), fields }));
}
