import { SerializationError } from "../futures/errors.ts";
import { messageOf } from "../futures/show.ts";
import type { EngineLink } from "./engine_link.ts";
import { encodeTask } from "./envelope.ts";
import type { TaskEnvelope } from "./envelope.ts";
import { EngineFullError } from "./errors.ts";
import type { RemoteItem } from "./remote_item.ts";
import type { Signer } from "./signature.ts";
import { TransportError } from "./transport.ts";
import type { Job } from "./transport.ts";

/** Milliseconds before the first retry of a task that threw. */
const BACKOFF = 200;

/** Bytes after which a batch takes no more, so that one call does not hold up an engine. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** What an outbox has to know. */
export interface OutboxOptions {
  readonly batchSize: number;
  readonly retries: number;
  readonly maxRedeliveries: number;
  readonly expires: number | undefined;
  readonly resultTtl: number;
  readonly maxPayload: number;
}

/** Who is told what became of what was put in. */
export interface OutboxOwner {
  /** The item is about to be sent: what is to travel with it, to be its task's trace context. */
  itemSending(item: RemoteItem): Readonly<Record<string, string>> | undefined;
  /** The item is in the engine's hands. */
  itemHanded(item: RemoteItem): void;
  /** The engine has them. */
  itemsSent(items: readonly RemoteItem[]): void;
  /** Not one item of the chunk can be sent. */
  chunkUnsendable(item: RemoteItem): void;
  /** The item cannot be sent. */
  itemRefused(item: RemoteItem, error: unknown): void;
}

/** Brings tasks to the engine, in order and in batches: while the engine takes one, the next is made. */
export class Outbox {
  readonly #link: EngineLink;
  readonly #signer: Signer;
  readonly #options: OutboxOptions;
  readonly #owner: OutboxOwner;
  #queue: RemoteItem[] = [];
  #at = 0;
  #run: Promise<void> | undefined;

  constructor(link: EngineLink, signer: Signer, options: OutboxOptions, owner: OutboxOwner) {
    this.#link = link;
    this.#signer = signer;
    this.#options = options;
    this.#owner = owner;
  }

  /** Sends an item with those that are submitted in the same turn. */
  put(item: RemoteItem): void {
    this.#queue.push(item);
    this.#run ??= Promise.resolve().then(() => this.#work());
  }

  /** Resolves when nothing is on its way. */
  rested(): Promise<void> {
    return this.#run ?? Promise.resolve();
  }

  async #work(): Promise<void> {
    // Until it is there, what waits is in nobody's hands, and can be cancelled.
    await this.#link.connected().catch(() => {});
    let last: Promise<void> | undefined;
    for (;;) {
      const batch = this.#take();
      const sending = batch.length > 0 ? this.#send(batch) : undefined;
      if (last === undefined && sending === undefined) break;
      await last; // two at the most are on their way
      last = sending;
    }
    this.#run = undefined;
  }

  /** The next items, encoded. Arguments are read now, not before. */
  #take(): RemoteItem[] {
    const batch: RemoteItem[] = [];
    let bytes = 0;
    const { batchSize } = this.#options;
    while (this.#at < this.#queue.length && batch.length < batchSize && bytes <= BATCH_BYTES) {
      const item = this.#queue[this.#at++]!;
      if (item.done || !this.#encode(item)) continue;
      if (item.done) continue; // a getter of an argument cancelled it
      item.handed = true;
      this.#owner.itemHanded(item);
      bytes += item.payload!.length;
      batch.push(item);
    }
    if (this.#at === this.#queue.length || this.#at > 10_000) {
      this.#queue = this.#queue.slice(this.#at);
      this.#at = 0;
    }
    return batch;
  }

  #encode(item: RemoteItem): boolean {
    const { maxPayload } = this.#options;
    const { task, items, args, limits } = item;
    item.carrier = this.#owner.itemSending(item);
    const envelope = {
      module: task.module,
      name: task.name,
      items,
      args,
      timeout: limits.timeout,
      expires: limits.expires ?? this.#options.expires,
      maxPayload,
      reports: limits.onProgress !== undefined,
      times: item.record !== undefined,
      carrier: item.carrier,
    };
    try {
      let payload: Uint8Array;
      try {
        payload = encodeTask(envelope);
      } catch (error) {
        if (items === 0) throw error;
        const sendable = dropUnsendable(item, envelope);
        if (item.sentItems === 0) {
          this.#owner.chunkUnsendable(item);
          return false;
        }
        payload = encodeTask({ ...envelope, items: item.sentItems, args: sendable });
      }
      if (payload.length > maxPayload) {
        throw new SerializationError(
          `Cannot send task "${task.name}": it has ${payload.length} bytes, more than ` +
            `maxPayload, ${maxPayload}; send where the data is in its place`,
        );
      }
      item.payload = payload;
      item.args = [];
      return true;
    } catch (error) {
      this.#owner.itemRefused(item, error);
      return false;
    }
  }

  async #send(batch: readonly RemoteItem[]): Promise<void> {
    try {
      const jobs = this.#signer.signs
        ? await Promise.all(batch.map(async (item) => {
          return this.#job(item, await this.#signer.sign("task", item.id, item.payload!));
        }))
        : batch.map((item) => this.#job(item, item.payload!));
      await this.#link.ask((transport) => transport.add(jobs));
      for (const item of batch) item.payload = undefined;
      this.#owner.itemsSent(batch);
    } catch (error) {
      const full = error instanceof TransportError && error.reason === "full";
      if (full && batch.length > 1) {
        // All or none: halves, until what fits is in.
        const half = batch.length >> 1;
        await this.#send(batch.slice(0, half));
        await this.#send(batch.slice(half));
        return;
      }
      for (const item of batch) {
        item.payload = undefined;
        this.#owner.itemRefused(item, full ? engineFull(item, error) : error);
      }
    }
  }

  #job(item: RemoteItem, payload: Uint8Array): Job {
    const { id, task, limits } = item;
    return {
      id,
      name: `${task.module}#${task.name}`,
      payload,
      priority: limits.priority ?? 0,
      retries: limits.retries ?? this.#options.retries,
      backoff: BACKOFF,
      maxRedeliveries: this.#options.maxRedeliveries,
      resultTtl: this.#options.resultTtl,
      carrier: item.carrier,
    };
  }
}

/** The arguments of those items of a chunk that can be sent; why the others cannot is noted. */
function dropUnsendable(item: RemoteItem, envelope: TaskEnvelope): unknown[] {
  const { items, args } = item;
  const width = args.length / items;
  const unsent = item.unsent = new Map<number, unknown>();
  const sendable: unknown[] = [];
  for (let i = 0; i < items; i++) {
    const own = args.slice(i * width, (i + 1) * width);
    try {
      encodeTask({ ...envelope, items: 0, args: own });
      for (const arg of own) sendable.push(arg);
    } catch (error) {
      unsent.set(i, error);
    }
  }
  return sendable;
}

function engineFull(item: RemoteItem, cause: unknown): EngineFullError {
  return new EngineFullError(
    `Cannot send task "${item.task.name}": the engine is full (${messageOf(cause)})`,
    { cause },
  );
}
