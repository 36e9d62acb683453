// Length: one queue, whose states are told in one place; its faults are beside what they break.

import { clock } from "../futures/clock.ts";
import { messageOf } from "../futures/show.ts";
import { TransportError } from "./transport.ts";
import type {
  ConsumeOptions,
  Consumer,
  Delivery,
  Job,
  JobHandler,
  JobResult,
  Lookup,
  Outcome,
  QueueStatus,
  RemoteWorkerInfo,
  Reply,
} from "./transport.ts";

/** What a {@linkcode MemoryEngine} does wrong, while it is switched on. */
export interface MemoryFaults {
  /** Every reply comes twice. */
  duplicate?: boolean | undefined;
  /** These replies never come. */
  lose?: ((reply: Reply) => boolean) | undefined;
  /** Replies come so many milliseconds late. */
  late?: number | undefined;
  /** Replies that come together come in the opposite order. */
  reorder?: boolean | undefined;
  /** `add` fails for this reason; what was to be added may be in, if it is `"away"`. */
  add?: "away" | "full" | undefined;
  /** No call gets an answer. */
  away?: boolean | undefined;
  /** Jobs that wait at the most; beyond that the engine is full. */
  room?: number | undefined;
}

/** One client's channel. */
export interface MemoryClient {
  /** Reads no more; what is left in the channel is gone. */
  close(): void;
}

interface Channel {
  readonly buffer: Reply[];
  read: ((replies: readonly Reply[]) => void) | undefined;
  scheduled: boolean;
}

interface Entry {
  readonly job: Job;
  readonly client: string;
  readonly order: number;
  readonly added: number;
  state: "waiting" | "held" | "delayed" | "ended";
  outcome: Outcome | undefined;
  ended: number;
  attempt: number;
  failures: number;
  redeliveries: number;
  /** The delivery that has the lock. */
  holder: Held | undefined;
  retry: ReturnType<typeof setTimeout> | undefined;
}

interface Held extends Delivery {
  lost: boolean;
  readonly controller: AbortController;
  readonly consumer: MemoryConsumer;
}

/**
 * A queue in memory: what `memoryTransport()` talks to. Its `faults` may be set at any time.
 *
 * @example Usage
 * ```ts
 * import { DistributedExecutor, MemoryEngine, memoryTransport } from "@concurrent/futures/remote";
 * import { remoteTasks } from "@concurrent/futures/remote";
 * import { assertRejects } from "@std/assert";
 *
 * const { double } = remoteTasks<{ double(x: number): number }>("numbers");
 * const engine = new MemoryEngine();
 * engine.faults = { add: "full" };
 *
 * const executor = new DistributedExecutor(memoryTransport(engine));
 * await assertRejects(() => executor.submit(double, 1).result(), Error, "the engine is full");
 * await executor.shutdown();
 * ```
 */
export class MemoryEngine {
  /** What goes wrong; nothing, at first. */
  faults: MemoryFaults = {};
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: Entry[] = [];
  readonly #channels = new Map<string, Channel>();
  readonly #consumers = new Set<MemoryConsumer>();
  #added = 0;
  #completed = 0;
  #failed = 0;
  #redelivered = 0;

  /**
   * Whether it answers.
   *
   * @throws {TransportError} If it is away.
   */
  checkThere(): void {
    if (this.faults.away) throw new TransportError("away", "Cannot reach the engine: it is away");
  }

  /** Jobs that it knows, those that ended included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Channels that are left. */
  get channels(): number {
    return this.#channels.size;
  }

  /** Forgets all jobs, as FLUSHALL does. */
  flush(): void {
    for (const { holder, retry } of this.#entries.values()) {
      this.#lose(holder);
      clock.clearTimeout(retry);
    }
    this.#entries.clear();
    this.#waiting.length = 0;
  }

  /** Takes the lock of a job from its worker, as a partition does: the job goes to another one. */
  loseLock(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry?.state !== "held") return false;
    const held = entry.holder;
    this.#lose(held);
    this.#redeliver(entry);
    return true;
  }

  /** Ids of the jobs that workers hold. */
  get held(): string[] {
    return [...this.#entries.values()].filter(({ state }) => state === "held")
      .map(({ job }) => job.id);
  }

  /** See `Transport.add`. */
  add(jobs: readonly Job[], client: string): void {
    const { faults } = this;
    this.#purge();
    if (faults.add === "full" || this.#waiting.length + jobs.length > (faults.room ?? Infinity)) {
      throw new TransportError("full", "Cannot add jobs: the engine is full");
    }
    for (const job of jobs) {
      if (this.#entries.has(job.id)) continue;
      const entry: Entry = {
        ...{ job, client, order: this.#added++, added: clock.now(), state: "waiting" },
        ...{ outcome: undefined, ended: 0, attempt: 0, failures: 0, redeliveries: 0 },
        ...{ holder: undefined, retry: undefined },
      };
      this.#entries.set(job.id, entry);
      this.#queue(entry);
    }
    if (faults.add === "away") throw new TransportError("away", "The engine did not answer");
    this.#deal();
  }

  /** See `Transport.replies`. */
  open(client: string, read: (replies: readonly Reply[]) => void): MemoryClient {
    const channel = this.#channel(client);
    channel.read = read;
    this.#schedule(channel);
    return {
      close: () => {
        channel.read = undefined;
        this.#channels.delete(client);
      },
    };
  }

  /** See `Transport.lookup`. */
  lookup(id: string): Lookup {
    this.#purge();
    const entry = this.#entries.get(id);
    if (entry === undefined) return "missing";
    return entry.outcome ?? "pending";
  }

  /** See `Transport.remove`. */
  remove(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.state === "held" || entry.state === "ended") return false;
    this.#entries.delete(id);
    clock.clearTimeout(entry.retry);
    if (entry.state === "waiting") this.#waiting.splice(this.#waiting.indexOf(entry), 1);
    entry.state = "ended";
    return true;
  }

  /** See `Transport.tell`. */
  tell(id: string, reason: Uint8Array): void {
    this.#entries.get(id)?.holder?.controller.abort(reason);
  }

  /** See `Transport.consume`. */
  consume(options: ConsumeOptions, handler: JobHandler): Consumer {
    const consumer = new MemoryConsumer(options, handler, {
      close: (held) => {
        this.#consumers.delete(consumer);
        for (const delivery of held) this.#runOut(delivery, options.lock);
      },
    });
    this.#consumers.add(consumer);
    clock.queueMicrotask(() => this.#deal());
    return consumer;
  }

  /** See `Transport.workers`. */
  workers(): readonly RemoteWorkerInfo[] {
    return Array.from(this.#consumers, ({ options }) => options.describe());
  }

  /** See `Transport.status`. */
  status(): QueueStatus {
    let running = 0;
    let waiting = 0;
    let oldest: number | undefined;
    for (const { state, added } of this.#entries.values()) {
      if (state === "held") running++;
      if (state === "waiting" || state === "delayed") {
        waiting++;
        oldest = Math.max(oldest ?? 0, clock.now() - added);
      }
    }
    const [completed, failed, redelivered] = [this.#completed, this.#failed, this.#redelivered];
    return { waiting, running, oldest, completed, failed, redelivered };
  }

  /** Higher priorities first, then the order of addition. */
  #queue(entry: Entry): void {
    entry.state = "waiting";
    const list = this.#waiting;
    let at = list.length;
    while (at > 0 && goesBefore(entry, list[at - 1]!)) at--;
    list.splice(at, 0, entry);
  }

  /** Gives jobs to workers that have room, in turn. */
  #deal(): void {
    for (let dealt = true; dealt && this.#waiting.length > 0;) {
      dealt = false;
      for (const consumer of this.#consumers) {
        if (!consumer.hasRoom) continue;
        const entry = this.#waiting.shift();
        if (entry === undefined) return;
        this.#hand(entry, consumer);
        dealt = true;
      }
    }
  }

  #hand(entry: Entry, consumer: MemoryConsumer): void {
    const { job } = entry;
    const controller = new AbortController();
    entry.state = "held";
    entry.attempt++;
    const held: Held = {
      ...{ id: job.id, name: job.name, payload: job.payload, attempt: entry.attempt },
      ...{ age: clock.now() - entry.added, signal: controller.signal, lost: false },
      ...{ controller, consumer },
      started: (worker) => {
        if (entry.holder === held) this.#publish(entry, { kind: "started", id: job.id, worker });
      },
      progress: (payload) => {
        if (entry.holder === held) this.#publish(entry, { kind: "progress", id: job.id, payload });
      },
      handBack: () => {
        if (entry.holder === held) {
          entry.holder = undefined;
          entry.attempt--;
          consumer.held.delete(held);
          this.#queue(entry);
          this.#deal();
        }
        return Promise.resolve();
      },
    };
    entry.holder = held;
    consumer.held.add(held);
    clock.queueMicrotask(() => void this.#run(entry, held, consumer));
  }

  async #run(entry: Entry, held: Held, consumer: MemoryConsumer): Promise<void> {
    let result: JobResult;
    try {
      result = await consumer.handler(held);
    } catch (error) {
      const payload = new Uint8Array();
      result = { status: "failed", payload, summary: messageOf(error), final: true };
    }
    consumer.held.delete(held);
    if (entry.holder === held && !consumer.closed) {
      entry.holder = undefined;
      this.#conclude(entry, result);
    }
    this.#deal();
  }

  #conclude(entry: Entry, result: JobResult): void {
    const { job } = entry;
    const { status, payload } = result;
    if (status === "failed" && !result.final && entry.failures < job.retries) {
      entry.state = "delayed";
      entry.retry = clock.setTimeout(() => {
        this.#queue(entry);
        this.#deal();
      }, job.backoff * 2 ** entry.failures++);
      return;
    }
    this.#end(entry, { status, payload });
  }

  #end(entry: Entry, outcome: Outcome): void {
    entry.state = "ended";
    entry.outcome = outcome;
    entry.ended = clock.now();
    if (outcome.status === "completed") this.#completed++;
    else this.#failed++;
    this.#publish(entry, { kind: "outcome", id: entry.job.id, outcome });
  }

  /** The lock of a job whose worker is gone holds a while. */
  #runOut(held: Held, lock: number): void {
    const entry = this.#entries.get(held.id);
    if (entry === undefined || entry.holder !== held) return;
    clock.setTimeout(() => {
      if (entry.holder !== held) return;
      this.#lose(held);
      this.#redeliver(entry);
    }, lock);
  }

  #lose(held: Held | undefined): void {
    if (held === undefined) return;
    held.lost = true;
    const entry = this.#entries.get(held.id);
    if (entry?.holder === held) entry.holder = undefined;
    held.controller.abort(new TransportError("away", "The lock of the job is lost"));
  }

  #redeliver(entry: Entry): void {
    if (entry.redeliveries >= entry.job.maxRedeliveries) {
      return this.#end(entry, { status: "lost", redeliveries: entry.redeliveries });
    }
    entry.redeliveries++;
    this.#redelivered++;
    this.#queue(entry);
    this.#deal();
  }

  #publish({ client }: Entry, reply: Reply): void {
    const { lose, duplicate } = this.faults;
    if (lose?.(reply)) return;
    const channel = this.#channels.get(client);
    if (channel === undefined) return; // its client is gone
    channel.buffer.push(reply);
    if (duplicate) channel.buffer.push(reply);
    this.#schedule(channel);
  }

  #channel(client: string): Channel {
    let channel = this.#channels.get(client);
    if (channel === undefined) {
      channel = { buffer: [], read: undefined, scheduled: false };
      this.#channels.set(client, channel);
    }
    return channel;
  }

  #schedule(channel: Channel): void {
    if (channel.scheduled || channel.buffer.length === 0) return;
    channel.scheduled = true;
    const deliver = (): void => {
      channel.scheduled = false;
      const replies = channel.buffer.splice(0);
      if (this.faults.reorder) replies.reverse();
      channel.read?.(replies);
    };
    const { late } = this.faults;
    if (late === undefined) clock.queueMicrotask(deliver);
    else clock.setTimeout(deliver, late);
  }

  /** Forgets outcomes that are too old. */
  #purge(): void {
    const now = clock.now();
    for (const [id, { state, ended, job }] of this.#entries) {
      // The oldest are first, and most of them end first.
      if (state !== "ended" || now - ended <= job.resultTtl) break;
      this.#entries.delete(id);
    }
  }
}

function goesBefore(a: Entry, b: Entry): boolean {
  if (a.job.priority !== b.job.priority) return a.job.priority > b.job.priority;
  return a.order < b.order;
}

/** A worker of a {@linkcode MemoryEngine}. */
class MemoryConsumer implements Consumer {
  readonly options: ConsumeOptions;
  readonly handler: JobHandler;
  readonly held = new Set<Held>();
  readonly #owner: { close(held: Iterable<Held>): void };
  #stopped = false;
  closed = false;

  constructor(
    options: ConsumeOptions,
    handler: JobHandler,
    owner: { close(held: Iterable<Held>): void },
  ) {
    this.options = options;
    this.handler = handler;
    this.#owner = owner;
  }

  get hasRoom(): boolean {
    return !this.#stopped && this.held.size < this.options.concurrency;
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#stopped = true;
    if (!this.closed) {
      this.closed = true;
      this.#owner.close(this.held);
    }
    return Promise.resolve();
  }
}
