import type { TaskInfo } from "../backend/executor_events.ts";
import type { TaskTrace } from "../runtime/runtime.ts";

/** What is known of a task while somebody looks. */
export class TaskRecord {
  /** As observers are told; `undefined` if they are not told of this task. */
  readonly info: TaskInfo | undefined;
  readonly submittedAt: number;
  /** The worker that it was sent to. */
  worker: string | undefined = undefined;
  sentAt = 0;
  /** When it began, by its worker, brought to this clock. */
  startedAt: number | undefined = undefined;
  /** How long it ran, if its worker has told. */
  ran: number | undefined = undefined;
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
}
