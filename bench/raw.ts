import { RUNTIME } from "./workload.ts";

type Post = (message: unknown, transfer?: Transferable[]) => void;

interface Worker {
  post: Post;
  terminate(): unknown;
}

/** How a channel is used. */
export interface RawOptions {
  /** Arguments come in arrays, and so do results. */
  readonly batched?: boolean;
  /** What comes moves back, with its buffer. */
  readonly moves?: boolean;
  /** A worker as the web has it, on Deno too, whose `node:worker_threads` look into what is sent. */
  readonly web?: boolean;
}

/** The kind of worker that the library itself uses on each runtime, without the library. */
async function startWorker(web: boolean, receive: (data: unknown) => void): Promise<Worker> {
  const url = new URL("./raw_worker.js", import.meta.url);
  const isDenoWeb = web && RUNTIME === "deno";
  if (isDenoWeb) url.search = "?web";
  if (RUNTIME === "bun" || "document" in globalThis || isDenoWeb) {
    const { Worker } = globalThis as unknown as {
      Worker: new (url: URL, options: WorkerOptions) => globalThis.Worker;
    };
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = (event: MessageEvent) => receive(event.data);
    return {
      post: (message, transfer) => worker.postMessage(message, transfer ?? []),
      terminate: () => worker.terminate(),
    };
  }
  const { Worker } = await import("node:worker_threads");
  const worker = new Worker(url);
  worker.on("message", receive);
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as never),
    terminate: () => worker.terminate(),
  };
}

/**
 * Bare workers: what the channel can carry. Answers come in the order of the questions. There is no
 * queue, no cancel, no error, no crash here: it is a ceiling, not a rival.
 */
export class RawChannel {
  readonly #workers: Worker[] = [];
  readonly #waiting: ((data: never) => void)[][] = [];
  readonly #heads: number[] = [];
  #next = 0;

  /** Starts workers for one of the tasks. */
  static async start(
    workers: number,
    task: string,
    { batched = false, moves = false, web = false }: RawOptions = {},
  ): Promise<RawChannel> {
    const channel = new RawChannel();
    for (let i = 0; i < workers; i++) {
      const waiting: ((data: never) => void)[] = [];
      channel.#waiting.push(waiting);
      channel.#heads.push(0);
      channel.#workers.push(
        await startWorker(web, (data) => channel.#answered(i, data)),
      );
      await channel.send({ setup: { task, batched, moves } }, i);
    }
    return channel;
  }

  #answered(worker: number, data: unknown): void {
    const waiting = this.#waiting[worker]!;
    const resolve = waiting[this.#heads[worker]!++]!;
    if (this.#heads[worker] === waiting.length) {
      waiting.length = 0;
      this.#heads[worker] = 0;
    }
    resolve(data as never);
  }

  /** Sends one message to the next worker, or to a certain one; resolves with the answer. */
  send<T>(
    message: unknown,
    worker: number = this.#next,
    transfer?: Transferable[],
  ): Promise<T> {
    this.#next = (worker + 1) % this.#workers.length;
    return new Promise<T>((resolve) => {
      this.#waiting[worker]!.push(resolve);
      this.#workers[worker]!.post(message, transfer);
    });
  }

  async end(): Promise<void> {
    for (const worker of this.#workers) await worker.terminate();
  }
}

/** Tasks in a message at the most, when the raw channel is used in small batches. */
export const BATCH = 512;

/**
 * One promise per task over the raw channel, the tasks of a microtask put together in flat arrays: as
 * fast as anybody could hand out tasks that can be awaited one by one.
 */
export class BatchedChannel {
  readonly #channel: RawChannel;
  #args: unknown[] = [];
  #resolves: ((value: unknown) => void)[] = [];

  constructor(channel: RawChannel) {
    this.#channel = channel;
  }

  submit(arg: unknown): Promise<unknown> {
    if (this.#args.length === 0) queueMicrotask(() => this.#flush());
    this.#args.push(arg);
    return new Promise((resolve) => {
      this.#resolves.push(resolve);
    });
  }

  #flush(): void {
    const args = this.#args;
    const resolves = this.#resolves;
    this.#args = [];
    this.#resolves = [];
    for (let at = 0; at < args.length; at += BATCH) {
      void this.#channel.send<unknown[]>(args.slice(at, at + BATCH)).then(
        (results) => {
          for (let i = 0; i < results.length; i++) {
            resolves[at + i]!(results[i]);
          }
        },
      );
    }
  }

  end(): Promise<void> {
    return this.#channel.end();
  }
}
