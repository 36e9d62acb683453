import type { TaskInfo } from "../backend/executor_events.ts";
import { makeFuture } from "../futures/future.ts";
import type { Future, Producer } from "../futures/future.ts";
import { TaskRecord } from "./task_record.ts";
import type { TaskEntry } from "./task_registry.ts";
import { packed, WorkItem } from "./work_item.ts";
import type { WorkItemOwner } from "./work_item.ts";

/** Tasks of one row: cancelling looks through them, and a row costs as much as three tasks. */
const MAX_TASKS = 128;

/** Whom a row tells that tasks leave it. */
export interface TaskRowOwner {
  /** One of its tasks is cancelled. */
  leftRow(row: TaskRow): void;
}

/**
 * Tasks that wait far behind in the queue, which is one entry for all of them: of each there is its
 * future, its function and its arguments, and no work item before its turn comes. So a hundred thousand that
 * wait cost the garbage collector a third.
 */
export class TaskRow extends WorkItem implements Producer {
  readonly #queue: TaskRowOwner;
  /** The futures of those that wait; `undefined` where none does any more. */
  readonly #futures = new Array<Future<unknown> | undefined>(MAX_TASKS);
  /** Of each its function, and then its arguments. */
  readonly #tasks = new Array<unknown>(2 * MAX_TASKS);
  /**
   * Of each when it was submitted, and then its number: NaN where nobody looked, or only metrics are kept.
   * None at all while nobody looks.
   */
  #watched: Float64Array | undefined = undefined;
  /** Where the first of them stands, if there is one, and how many there were. */
  #at = 0;
  #end = 0;
  /** How many wait. */
  size = 0;

  /** @param sequence That of its first task; the others follow one after the other. */
  constructor(owner: WorkItemOwner, task: TaskEntry, queue: TaskRowOwner, sequence: number) {
    super(owner, task, []);
    this.#queue = queue;
    this.sequence = sequence;
  }

  /** Whether the task with this place in submit order may be added. */
  follows(sequence: number): boolean {
    return this.#end < MAX_TASKS && sequence === this.sequence - this.#at + this.#end;
  }

  add(task: TaskEntry, args: readonly unknown[]): void {
    const at = this.#end++;
    this.#futures[at] = makeFuture<unknown>(this);
    this.#tasks[2 * at] = task;
    this.#tasks[2 * at + 1] = packed(args);
    this.size++;
  }

  /** The future of the task that was added last. */
  get lastFuture(): Future<unknown> {
    return this.#futures[this.#end - 1]!;
  }

  /** How many there were. */
  get end(): number {
    return this.#end;
  }

  /**
   * Somebody looks at the task that was added last.
   *
   * @param id Its number; NaN if only metrics are kept.
   */
  watchLast(submittedAt: number, id: number): void {
    const watched = this.#watched ??= new Float64Array(2 * MAX_TASKS).fill(NaN);
    watched[2 * this.#end - 2] = submittedAt;
    watched[2 * this.#end - 1] = id;
  }

  #recordAt(at: number): TaskRecord | number | undefined {
    if (this.#watched === undefined) return undefined;
    const submittedAt = this.#watched[2 * at]!;
    if (Number.isNaN(submittedAt)) return undefined;
    const info = this.infoAt(at);
    return info === undefined ? submittedAt : new TaskRecord(info, submittedAt);
  }

  /** As observers are told of a task of this row; `undefined` if they are not. It may have left. */
  infoAt(at: number): TaskInfo | undefined {
    const id = this.#watched![2 * at + 1]!;
    if (Number.isNaN(id)) return undefined;
    const { name } = this.#tasks[2 * at] as TaskEntry;
    return { id, name, priority: 0, chunk: 0 };
  }

  /** When a task of this row was submitted at which somebody looks. It may have left. */
  submittedAt(at: number): number {
    return this.#watched![2 * at]!;
  }

  /** Takes the first task out. There must be one. */
  take(): WorkItem {
    while (this.#futures[this.#at] === undefined) this.#skip();
    return this.#takeAt(this.#at);
  }

  #skip(): void {
    this.#at++;
    this.sequence++;
  }

  #takeAt(at: number): WorkItem {
    const tasks = this.#tasks;
    const item = new WorkItem(this.owner, tasks[2 * at] as TaskEntry, [], 0, this.#futures[at]);
    item.args = tasks[2 * at + 1];
    item.sequence = this.sequence - this.#at + at;
    item.record = this.#recordAt(at);
    this.#futures[at] = tasks[2 * at + 1] = undefined;
    this.size--;
    if (at === this.#at) this.#skip();
    return item;
  }

  override revoke(future: Future<unknown>): boolean {
    const item = this.#takeAt(this.#futures.indexOf(future, this.#at));
    this.#queue.leftRow(this);
    this.owner.itemCancelled(item);
    return true;
  }

  override started(): boolean {
    return false;
  }

  override ended(): boolean {
    return false;
  }
}
