import type { ChunkOutcome } from "../backend/task_backend.ts";
import { SerializationError } from "../futures/errors.ts";
import { messageOf } from "../futures/show.ts";
import { decodeNote, decodeOutcome } from "./envelope.ts";
import type { RunReport, TaskResult } from "./envelope.ts";
import { ResultLostError, WorkerLostError } from "./errors.ts";
import type { RemoteItem } from "./remote_item.ts";
import type { Signer } from "./signature.ts";
import type { Lookup, Outcome, Reply } from "./transport.ts";

/** Who has the items and settles them. */
export interface InboxOwner {
  /** The item, unless it is settled. */
  find(id: string): RemoteItem | undefined;
  begun(item: RemoteItem, worker: string): void;
  progressed(item: RemoteItem, value: unknown): void;
  completed(item: RemoteItem, value: unknown, report: RunReport | undefined): void;
  failed(item: RemoteItem, error: unknown, report?: RunReport): void;
  /** A reply says what only the engine can be believed. */
  doubtful(item: RemoteItem): void;
}

/** Looks in a row after which a task that the engine does not know is lost. */
const LOOKS = 2;

/** Reads what comes from workers, in order. What is forged, doubled or late changes nothing. */
export class Inbox {
  readonly #signer: Signer;
  readonly #owner: InboxOwner;
  /** Signatures are checked beside the program, and what comes later waits. */
  #last: Promise<void> | undefined;
  #reported = false;

  constructor(signer: Signer, owner: InboxOwner) {
    this.#signer = signer;
    this.#owner = owner;
  }

  receive(replies: readonly Reply[]): void {
    if (!this.#signer.signs) {
      for (const reply of replies) this.#read(reply);
      return;
    }
    const before = this.#last ?? Promise.resolve();
    this.#last = before.then(async () => {
      for (const reply of await Promise.all(replies.map((reply) => this.#checked(reply)))) {
        if (reply !== undefined) this.#read(reply);
      }
    });
  }

  /** The reply without its signature; nothing if that is wrong. */
  async #checked(reply: Reply): Promise<Reply | undefined> {
    if (this.#owner.find(reply.id) === undefined) return undefined;
    if (reply.kind === "started") return reply;
    if (reply.kind === "progress") {
      const payload = await this.#signer.open("note", reply.id, reply.payload);
      return payload === undefined ? this.#forged(reply.id) : { ...reply, payload };
    }
    const outcome = await this.#opened(reply.id, reply.outcome);
    return outcome === undefined ? this.#forged(reply.id) : { ...reply, outcome };
  }

  async #opened(id: string, outcome: Outcome): Promise<Outcome | undefined> {
    if (outcome.status === "lost") return outcome;
    const payload = await this.#signer.open("outcome", id, outcome.payload);
    return payload === undefined ? undefined : { ...outcome, payload };
  }

  #forged(id: string): undefined {
    if (this.#reported) return undefined;
    this.#reported = true; // once: who can forge one can forge a million
    console.error(`DistributedExecutor: refused a reply to "${id}": its signature is wrong`);
  }

  #read(reply: Reply): void {
    const item = this.#owner.find(reply.id);
    if (item === undefined) return;
    if (reply.kind === "started") return this.#owner.begun(item, reply.worker);
    if (reply.kind === "outcome") {
      // No worker signs that it was lost.
      if (reply.outcome.status === "lost") this.#owner.doubtful(item);
      else if (!this.#settle(item, reply.outcome)) this.#owner.doubtful(item);
      return;
    }
    try {
      this.#owner.progressed(item, decodeNote(reply.payload));
    } catch { /* not from a worker of ours */ }
  }

  /** What the engine knows of an item; whether that settled it. */
  async lookedUp(item: RemoteItem, found: Lookup): Promise<boolean> {
    if (found === "pending") {
      item.missing = 0;
      return false;
    }
    if (found === "missing") {
      if (++item.missing < LOOKS) return false;
      this.#owner.failed(
        item,
        new ResultLostError(
          `Cannot get the result of task "${item.task.name}": the engine does not know it any ` +
            `more; it may have run`,
        ),
      );
      return true;
    }
    const opened = await this.#opened(item.id, found);
    if (item.done) return false;
    if (opened === undefined) this.#unreadable(item, "its signature is missing or wrong");
    else if (opened.status === "lost") this.#owner.failed(item, workerLost(item, opened));
    else this.#settle(item, opened, true);
    return true;
  }

  /** @param recorded It is the engine's word: there will be no other. */
  #settle(item: RemoteItem, outcome: Outcome, recorded = false): boolean {
    if (outcome.status === "lost") return false;
    let result: TaskResult;
    try {
      result = decodeOutcome(outcome.payload, outcome.status === "completed", item.sentItems);
    } catch (error) {
      if (recorded) this.#unreadable(item, messageOf(error), error);
      return false;
    }
    const { report } = result;
    if ("error" in result) this.#owner.failed(item, result.error, report);
    else {
      const { value } = result;
      const all = item.unsent === undefined ? value : whole(item, value as ChunkOutcome);
      this.#owner.completed(item, all, report);
    }
    return true;
  }

  #unreadable(item: RemoteItem, why: string, cause?: unknown): void {
    this.#owner.failed(
      item,
      new SerializationError(
        `Cannot read the result of task "${item.task.name}": ${why}; it may have run`,
        { cause },
      ),
    );
  }
}

/** What a chunk came to, with the items that were not sent in their places. */
export function whole(item: RemoteItem, { values, failures }: ChunkOutcome): ChunkOutcome {
  const unsent = item.unsent!;
  const all: unknown[] = [];
  const failed = new Map(unsent);
  for (let i = 0, at = 0; i < item.items; i++) {
    if (unsent.has(i)) {
      all.push(undefined);
      continue;
    }
    if (failures?.has(at)) failed.set(i, failures.get(at));
    all.push(values[at++]);
  }
  return { values: all, failures: failed };
}

function workerLost(item: RemoteItem, { redeliveries }: { redeliveries: number }): WorkerLostError {
  return new WorkerLostError(
    `Cannot finish task "${item.task.name}": its worker was lost, and ${redeliveries} more ` +
      `after it; it may have run`,
  );
}
