import type { TaskInfo } from "../backend/executor_events.ts";
import type { TaskLimits } from "../backend/task_backend.ts";
import { callBack } from "../futures/callback.ts";
import { FutureSource } from "../futures/future_source.ts";
import type { TaskTrace } from "../runtime/runtime.ts";
import type { RemoteTask } from "./remote_task.ts";

/** What may be asked for one task of a distributed executor; everything is checked already. */
export interface RemoteLimits extends TaskLimits {
  readonly taskId?: string | undefined;
  readonly retries?: number | undefined;
  readonly expires?: number | undefined;
}

/** How a task is to be taken back: where it runs, it is aborted for this reason, if there is one. */
export interface RecallRequest {
  readonly abort: { readonly reason: unknown } | undefined;
}

/** What is known of a task while somebody looks. */
export interface RemoteRecord {
  readonly info: TaskInfo;
  readonly submittedAt: number;
  sentAt: number;
  /** When a worker began it, by this clock, as far as that is known. */
  startedAt: number | undefined;
  worker: string | undefined;
  /** What tools were told, and will be. */
  trace: TaskTrace | undefined;
}

/** What an item asks of its backend. */
export interface RemoteItemOwner {
  /** Takes the item from this side's queue, if it was not handed to the engine. */
  takeBack(item: RemoteItem): boolean;
}

/**
 * A task on its way, and its future. It goes from *held* (arguments that are futures) to *queued* here, to
 * *handed* to the engine, which may have it, and to *sent*: the engine has it. Each but the first may be left
 * out, and from each of them it may settle.
 */
export class RemoteItem extends FutureSource<unknown> {
  readonly owner: RemoteItemOwner;
  readonly id: string;
  readonly task: RemoteTask;
  /** Items of a chunk of `map`, 0 for a task of its own. */
  readonly items: number;
  readonly limits: RemoteLimits;
  /** The arguments, until the engine has them. */
  args: readonly unknown[];
  /** As it is sent; kept until the engine has it, so that it is the same each time. */
  payload: Uint8Array | undefined = undefined;
  /** What travels with it, to be its task's trace context. */
  carrier: Readonly<Record<string, string>> | undefined = undefined;
  /** Why items of a chunk cannot be sent, by index: the others go without them. */
  unsent: Map<number, unknown> | undefined = undefined;
  /** The engine may know it: it cannot be cancelled on this side alone. */
  handed = false;
  /** The engine knows it. */
  sent = false;
  /** A worker said that it began. */
  begun = false;
  /** Its replies may go to another client: the engine is asked at each sweep. */
  shared = false;
  /** When the engine was asked last, or took it. */
  looked = 0;
  /** When it has waited too long. */
  expiresAt: number = Infinity;
  /** How often in a row the engine did not know it. */
  missing = 0;
  /** While somebody looks. */
  record: RemoteRecord | undefined = undefined;
  /** It is to be taken back as soon as it is sent. */
  recall: RecallRequest | undefined = undefined;
  /** Told when it is sent, or settled. */
  readonly onSent: (() => void)[] = [];
  /** Lets go of what waits for it: a signal, arguments. */
  readonly release: (() => void)[] = [];

  constructor(
    owner: RemoteItemOwner,
    id: string,
    task: RemoteTask,
    args: readonly unknown[],
    items: number,
    limits: RemoteLimits,
  ) {
    super();
    this.owner = owner;
    this.id = id;
    this.task = task;
    this.args = args;
    this.items = items;
    this.limits = limits;
  }

  /** How many items of a chunk are sent. */
  get sentItems(): number {
    return this.items - (this.unsent?.size ?? 0);
  }

  /** Whether the future is settled. */
  get done(): boolean {
    return this.future.done();
  }

  /** Its worker tells how far it is. */
  tellProgress(value: unknown): void {
    const { onProgress } = this.limits;
    if (onProgress === undefined || this.done) return;
    callBack(() => onProgress(value, this.future), `onProgress of task "${this.task.name}"`);
  }

  override revoke(): boolean {
    return !this.handed && this.owner.takeBack(this);
  }

  override started(): boolean {
    return this.begun;
  }
}
