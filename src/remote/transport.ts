/**
 * The port between the distributed executor and an engine: a queue on a server that people operate already.
 *
 * A transport moves bytes. It knows jobs, outcomes and replies, and nothing of tasks, codecs or futures; and
 * nothing of its engine shows through. Each `Transport` belongs to one client or one worker. What every one of
 * them must keep is told at each call and tried by `tests/remote/conformance.ts`.
 *
 * @module
 */

/** What goes to the engine: one task, or one chunk of `map`. */
export interface Job {
  /** Letters, digits, `_` and `-`, not only digits, at most 300: unique, and chosen by the client. */
  readonly id: string;
  /** `module#export`, for those who look at the queue. Workers go by what the payload says. */
  readonly name: string;
  /** What only workers read. */
  readonly payload: Uint8Array;
  /** Any finite number: higher ones first, equal ones in the order of their addition. 0 is usual. */
  readonly priority: number;
  /** How often a job that failed, and not for good, runs again. */
  readonly retries: number;
  /** Milliseconds before the first retry; they double with each. */
  readonly backoff: number;
  /** How often a job whose worker was lost goes to another one. After that its outcome is `"lost"`. */
  readonly maxRedeliveries: number;
  /** Milliseconds that the engine keeps the outcome. */
  readonly resultTtl: number;
  /** The trace context of the one who submitted it, for tools that look at the engine. Workers go by the payload's. */
  readonly carrier?: Readonly<Record<string, string>> | undefined;
}

/** What came of a job. The first that the engine recorded is the only one. */
export type Outcome =
  /** Its handler gave this. */
  | { readonly status: "completed"; readonly payload: Uint8Array }
  /** Its handler gave this as a failure, and no retry is left. */
  | { readonly status: "failed"; readonly payload: Uint8Array }
  /** Its workers were lost, one after the other: it may have run, and nobody told. */
  | { readonly status: "lost"; readonly redeliveries: number };

/** What a client is told of a job of its own. Replies may be lost, late, doubled, and in any order. */
export type Reply =
  | { readonly kind: "outcome"; readonly id: string; readonly outcome: Outcome }
  | { readonly kind: "started"; readonly id: string; readonly worker: string }
  | { readonly kind: "progress"; readonly id: string; readonly payload: Uint8Array };

/** What the engine knows of a job: its outcome; that it waits, runs or will be retried; or nothing. */
export type Lookup = Outcome | "pending" | "missing";

/** A channel that is being read. */
export interface Subscription {
  /** Reads no more, and leaves nothing of the channel in the engine. */
  close(): Promise<void>;
}

/** What a handler says of its job. */
export type JobResult =
  | { readonly status: "completed"; readonly payload: Uint8Array }
  | {
    readonly status: "failed";
    readonly payload: Uint8Array;
    /** One line for those who look at the queue: `TypeError: bad input`. */
    readonly summary: string;
    /** Whether a retry could not help. */
    readonly final: boolean;
  };

/** A job as its worker holds it, under a lock that the transport renews. */
export interface Delivery {
  /** As it was added. */
  readonly id: string;
  /** As it was added. */
  readonly name: string;
  /** As it was added. */
  readonly payload: Uint8Array;
  /** 1 at first, and one more for each retry and each redelivery; the same after `handBack()`. */
  readonly attempt: number;
  /** Milliseconds since the engine took the job, as well as that can be told. */
  readonly age: number;
  /** Aborted by `Transport.tell()`, with its bytes as the reason, and when the lock is lost. */
  readonly signal: AbortSignal;
  /** Whether the lock is lost: another worker may run the job, and what this one gives is refused. */
  readonly lost: boolean;
  /** Tells the client that the job runs, and on which worker. At most once; may be left out. */
  started(worker: string): void;
  /** Tells the client something, in order and before the outcome. */
  progress(payload: Uint8Array): void;
  /** Gives the job to another worker at once, as if this one had never had it. What the handler gives is ignored then. */
  handBack(): Promise<void>;
}

/**
 * Runs a job. It never rejects in good order; if it does, the job has failed with an empty payload and the error's text.
 */
export type JobHandler = (job: Delivery) => Promise<JobResult>;

/** A worker, as its fleet sees it. */
export interface RemoteWorkerInfo {
  /** Unique among those that live. */
  readonly name: string;
  /** `"node 24.21.0"`. */
  readonly runtime: string;
  /** The name of its machine, if the runtime tells. */
  readonly host: string;
  /** The number of its process. */
  readonly pid: number;
  /** Tasks that it runs at once. */
  readonly places: number;
  /** Tasks that it runs now. */
  readonly running: number;
  /** Tasks that it has ended, so far. */
  readonly done: number;
  /** When it began: milliseconds since 1970. */
  readonly since: number;
  /** The version of its modules, if it was told one. */
  readonly build?: string | undefined;
}

/** How a worker takes jobs. */
export interface ConsumeOptions {
  /** Jobs that it holds at once; never one more. */
  readonly concurrency: number;
  /** Milliseconds that a lock holds without being renewed. */
  readonly lock: number;
  /** Milliseconds between two looks for jobs whose lock has run out. At most half of `lock`. */
  readonly check: number;
  /** What `workers()` tells of it, asked again and again. */
  describe(): RemoteWorkerInfo;
  /** Trouble that the transport mends by itself: told once for each outage, and `undefined` when it is over. */
  onTrouble(error: Error | undefined): void;
}

/** A worker that takes jobs. */
export interface Consumer {
  /** Takes no more jobs; those it has go on. */
  stop(): Promise<void>;
  /** Stops, waits for no handler, and leaves the fleet. Jobs that are still held run out of their locks. */
  close(): Promise<void>;
}

/** How a queue is doing. */
export interface QueueStatus {
  /** Jobs that wait, those to be retried included. */
  readonly waiting: number;
  /** Jobs that workers hold. */
  readonly running: number;
  /** Milliseconds that the oldest waiting job has waited; `undefined` without one. */
  readonly oldest: number | undefined;
  /** Jobs that ended, ever, as far as the engine counts. */
  readonly completed: number;
  /** Jobs that failed for good, ever, lost ones included. */
  readonly failed: number;
  /** Jobs that went to another worker because theirs was lost, ever. */
  readonly redelivered: number;
}

/**
 * What a transport cannot do now, and whether that passes. All else that it throws is for good.
 *
 * @example Usage
 * ```ts
 * import { TransportError } from "@concurrent/futures/remote";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new TransportError("full", "The engine takes no more").reason, "full");
 * ```
 */
export class TransportError extends Error {
  /** `"away"`: the engine does not answer; what was asked may have happened. `"full"`: it takes no more. */
  readonly reason: "away" | "full";

  /** An error of this reason. */
  constructor(reason: "away" | "full", message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
Object.defineProperty(TransportError.prototype, "name", {
  value: "TransportError",
  configurable: true,
  writable: true,
});

/**
 * An engine, as clients and workers use it.
 *
 * Nothing connects before the first call. Where the engine is away a call may wait until it is back (within a
 * second of its return), or reject with a `TransportError` "away"; whoever calls tries again, so each call can be
 * repeated. No timer or socket keeps the program alive after `close()`.
 */
export interface Transport {
  /** What it is called in errors and logs, without user and password: `"bullmq images at redis://localhost:6379"`. */
  readonly name: string;
  /**
   * Adds jobs, all or none. One whose id the engine knows, also as ended, is left as it is. Replies go to this
   * client, if it has called `replies()`.
   *
   * @throws {TransportError} "full" if the engine has no room.
   */
  add(jobs: readonly Job[]): Promise<void>;
  /** Reads this client's private channel, from its beginning. Resolves when the engine has answered: it is there. */
  replies(onReplies: (replies: readonly Reply[]) => void): Promise<Subscription>;
  /** The truth, in the order of the ids. */
  lookup(ids: readonly string[]): Promise<readonly Lookup[]>;
  /** Takes back what no worker has; true for each that will never run, and is gone. */
  remove(ids: readonly string[]): Promise<readonly boolean[]>;
  /** Aborts the signals of these jobs where they run, with these bytes as the reason. Who does not run is not told. */
  tell(ids: readonly string[], reason: Uint8Array): Promise<void>;
  /** Takes jobs for a worker. Resolves when it takes them. An outcome is recorded before the client is told. */
  consume(options: ConsumeOptions, handler: JobHandler): Promise<Consumer>;
  /** The workers that live. One that was killed is gone from the list within its lock. */
  workers(): Promise<readonly RemoteWorkerInfo[]>;
  /** How the queue is doing. */
  status(): Promise<QueueStatus>;
  /** Ends this client's or worker's connections, and leaves nothing of its own in the engine. Calls that wait reject. */
  close(): Promise<void>;
}
