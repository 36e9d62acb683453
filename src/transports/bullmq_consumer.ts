/**
 * The worker's side of a queue of BullMQ: a `Worker` of BullMQ, whose lock, renewal and check for stalled jobs
 * are used as they are.
 *
 * @module
 */

import { type Job, UnrecoverableError, WaitingError, Worker as BullmqWorker } from "bullmq";
import { randomUUID } from "node:crypto";
import type { ConsumeOptions, Consumer, JobHandler } from "../remote/transport.ts";
import { TransportError } from "../remote/transport.ts";
import {
  fromBase64,
  fromJobId,
  type JobData,
  lostRest,
  outcomeField,
  readJobData,
  type ReplyField,
  toBase64,
} from "./bullmq_format.ts";
import { failure, Held } from "./bullmq_delivery.ts";
import type { BullmqKeys } from "./bullmq_keys.ts";
import { Outbox } from "./bullmq_outbox.ts";
import type { RedisLink } from "./redis_link.ts";
import { type StreamFields, StreamReader } from "./redis_stream.ts";

/** Milliseconds until BullMQ asks again after it could not. */
const RETRY = 200;

/** Seconds that an idle worker waits for a job in one call. */
const DRAIN_DELAY = 5;

/** Milliseconds between two signs of life, at most. */
const GREETING = 2_000;

/** Each job counts its redeliveries against its own limit. */
const NO_LIMIT = 2 ** 31;

/** A worker of BullMQ. */
export class BullmqConsumer implements Consumer {
  readonly #link: RedisLink;
  readonly #keys: BullmqKeys;
  readonly #options: ConsumeOptions;
  readonly #handler: JobHandler;
  readonly #queue: string;
  readonly #held = new Map<string, Held>();
  readonly #outbox: Outbox;
  readonly #member = randomUUID();
  /** What is to be told once BullMQ has recorded the outcome. */
  readonly #outcomes = new WeakMap<object, { channel: string | undefined; field: ReplyField }>();
  #worker: BullmqWorker | undefined;
  #aborts: StreamReader | undefined;
  #greeting: ReturnType<typeof setInterval> | undefined;
  #unwatch: (() => void) | undefined;
  #stopping = false;
  #closing: Promise<void> | undefined;

  constructor(
    link: RedisLink,
    keys: BullmqKeys,
    queue: string,
    options: ConsumeOptions,
    handler: JobHandler,
  ) {
    this.#link = link;
    this.#keys = keys;
    this.#queue = queue;
    this.#options = options;
    this.#handler = handler;
    this.#outbox = new Outbox(link, keys);
  }

  /** Begins to take jobs. */
  async start(): Promise<void> {
    const { concurrency, lock, check, describe, onTrouble } = this.#options;
    const main = this.#link.main;
    // From the server's time on: what is told before that is about nobody here.
    const [seconds, microseconds] = await main.time();
    const from = `${Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)}-0`;
    this.#aborts = new StreamReader(
      this.#link,
      this.#keys.tell,
      from,
      (entries) => this.#abort(entries),
    );
    const worker = this.#worker = new BullmqWorker(
      this.#queue,
      (job, token) => this.#run(job, token!),
      {
        connection: main,
        prefix: this.#keys.prefix,
        name: describe().name,
        autorun: false,
        concurrency,
        lockDuration: lock,
        stalledInterval: check,
        maxStalledCount: NO_LIMIT,
        drainDelay: DRAIN_DELAY,
        runRetryDelay: RETRY,
      },
    );
    worker.on("error", () => {}); // outages are told by the link, lost locks below
    worker.on("lockRenewalFailed", (ids) => {
      for (const id of ids as string[]) this.#held.get(id)?.lose();
    });
    worker.on("completed", (job) => this.#recorded(job, "completed"));
    worker.on("failed", (job) => {
      if (job?.finishedOn !== undefined) this.#recorded(job, "failed"); // else it will be retried
    });
    await worker.waitUntilReady();
    this.#unwatch = this.#link.watch(onTrouble);
    const pause = Math.min(lock / 3, GREETING);
    const greet = (): Promise<void> =>
      this.#keys.greet(main, this.#member, describe(), this.#link.now() + lock, lock);
    await greet();
    if (this.#closing !== undefined) throw new TransportError("away", "Cannot begin: closed");
    this.#greeting = setInterval(() => {
      // While the server is away, signs of life would only pile up.
      if (main.status === "ready") greet().catch(() => {});
    }, pause);
    worker.run().catch((error) => onTrouble(error));
  }

  async #run(job: Job, token: string): Promise<string> {
    if (this.#stopping) {
      await this.#giveBack(job, token);
      throw new WaitingError();
    }
    let data: JobData;
    try {
      data = readJobData(job.data);
    } catch (error) {
      throw new UnrecoverableError((error as Error).message);
    }
    const id = fromJobId(job.id!);
    const tell = (field: ReplyField): void => this.#outbox.add(data.r, field);
    const keep = (field: ReplyField): void => {
      this.#outcomes.set(job, { channel: data.r, field });
    };
    const { stalledCounter } = job;
    if (stalledCounter > 0) this.#outbox.count("redelivered");
    if (stalledCounter > data.m) {
      keep(outcomeField(id, { status: "lost", redeliveries: data.m }));
      throw failure("WorkerLostError: its workers were lost", lostRest(data.m), true);
    }
    this.#held.get(job.id!)?.lose(); // that this worker has it again says that its lock was lost
    const held = new Held(job, id, fromBase64(data.p), this.#link.now() - job.timestamp, {
      tell,
      giveBack: () => this.#giveBack(job, token),
    });
    this.#held.set(job.id!, held);
    try {
      const result = await held.result(this.#handler);
      if (result.status === "completed") {
        keep(outcomeField(id, result));
        return toBase64(result.payload);
      }
      keep(outcomeField(id, { status: "failed", payload: result.payload }));
      throw failure(result.summary, toBase64(result.payload), result.final);
    } finally {
      held.end();
      if (this.#held.get(job.id!) === held) this.#held.delete(job.id!);
    }
  }

  async #giveBack(job: Job, token: string): Promise<void> {
    await this.#link.call(async (redis) => {
      await job.moveToWait(token);
      // BullMQ 6.7 wakes idle workers only for jobs without a priority.
      await redis.zadd(this.#keys.job("marker"), 0, "0");
    });
  }

  #recorded(job: Job, total: "completed" | "failed"): void {
    this.#outbox.count(total);
    const told = this.#outcomes.get(job);
    if (told !== undefined) this.#outbox.add(told.channel, told.field);
  }

  #abort(entries: readonly StreamFields[]): void {
    for (const fields of entries) {
      for (let i = 0; i + 1 < fields.length; i += 2) {
        const ids = new Set(fields[i]!.toString().split(","));
        const reason = new Uint8Array(fields[i + 1]!);
        for (const held of this.#held.values()) {
          if (ids.has(held.id)) held.abort(reason);
        }
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true; // what is on its way now goes back
    await this.#worker?.pause(true);
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#greeting);
    this.#outbox.close();
    this.#unwatch?.();
    await this.#aborts?.close();
    await this.#worker?.close(true);
    if (this.#link.closed || this.#link.main.status !== "ready") return;
    await this.#link.lastCall(async (redis) => {
      await this.#outbox.flush();
      await redis.hdel(this.#keys.fleet, this.#member); // else it expires
    });
  }
}
