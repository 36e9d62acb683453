import type { TaskInfo } from "../backend/executor_events.ts";
import type { TaskTrace } from "../runtime/runtime.ts";

/** The message by which tasks were sent: one for all of them. */
export interface Sending {
  readonly worker: string;
  readonly at: number;
}

/** What is known of a task while somebody looks. There may be as many as tasks: so it is small. */
export class TaskRecord {
  /** As observers are told; `undefined` if they are not told of this task. */
  readonly info: TaskInfo | undefined;
  readonly submittedAt: number;
  /** How it got to the worker that has it. */
  sent: Sending | undefined = undefined;
  /** When it began, by its worker, brought to this clock; NaN if that is not known. */
  startedAt: number = NaN;
  /** How long it ran, once its worker has told; else NaN. */
  ran: number = NaN;
  /** Whether its worker is to say at once when it begins. */
  notifies = false;
  /** It was told that the task ended; its worker may still tell of it. */
  isOver = false;
  /** What tools that listen to the channel were told, and will be. */
  trace: TaskTrace | undefined = undefined;

  constructor(info: TaskInfo | undefined, submittedAt: number) {
    this.info = info;
    this.submittedAt = submittedAt;
  }

  /** Whether it is known to have begun. */
  get hasBegun(): boolean {
    return !Number.isNaN(this.startedAt);
  }
}
