/**
 * A job of BullMQ in the hands of its worker.
 *
 * @module
 */

import { type Job, UnrecoverableError, WaitingError } from "bullmq";
import type { Delivery, JobHandler, JobResult } from "../remote/transport.ts";
import { TransportError } from "../remote/transport.ts";
import { progressField, type ReplyField, startedField, toFailedReason } from "./bullmq_format.ts";

/** The error that BullMQ records: its message is kept, and its stack shown. */
export function failure(summary: string, rest: string, final: boolean): Error {
  const message = toFailedReason(summary, rest);
  const error = final ? new UnrecoverableError(message) : new Error(message);
  error.stack = summary;
  return error;
}

/** What a job that is held does to the queue. */
export interface HeldActions {
  tell(field: ReplyField): void;
  giveBack(): Promise<void>;
}

/** A job under this worker's lock. */
export class Held implements Delivery {
  readonly id: string;
  readonly name: string;
  readonly payload: Uint8Array;
  readonly attempt: number;
  readonly age: number;
  readonly #actions: HeldActions;
  /** Made when somebody listens, or there is something to hear. */
  #controller: AbortController | undefined;
  #reject: (error: Error) => void = () => {};
  #lost = false;
  #ended = false;

  constructor(job: Job, id: string, payload: Uint8Array, age: number, actions: HeldActions) {
    this.id = id;
    this.name = job.name;
    this.payload = payload;
    this.attempt = job.attemptsMade + job.stalledCounter + 1;
    this.age = Math.max(age, 0);
    this.#actions = actions;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** What its handler gives. Rejects as soon as it is handed back, so that its place is free. */
  result(handler: JobHandler): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      handler(this).then(resolve, reject);
    });
  }

  lose(): void {
    if (this.#ended) return;
    this.#lost = true;
    this.abort(new TransportError("away", `The lock of job "${this.id}" is lost`));
  }

  abort(reason: unknown): void {
    (this.#controller ??= new AbortController()).abort(reason);
  }

  started(worker: string): void {
    if (!this.#ended) this.#actions.tell(startedField(this.id, worker));
  }

  progress(payload: Uint8Array): void {
    if (!this.#ended) this.#actions.tell(progressField(this.id, payload));
  }

  async handBack(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    try {
      await this.#actions.giveBack();
    } finally {
      this.#reject(new WaitingError());
    }
  }

  end(): void {
    this.#ended = true;
  }
}
