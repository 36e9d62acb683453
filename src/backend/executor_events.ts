/** A task, as events tell of it. */
export interface TaskInfo {
  /** Its number; no other task of the executor has it. */
  readonly id: number;
  /** The name of its function. */
  readonly name: string;
  /** See `TaskOptions.priority`. */
  readonly priority: number;
  /** How many items of a `map` it has; 0 if it was submitted alone. */
  readonly chunk: number;
}

/** Why a task that was sent to a worker came back, to be run elsewhere. */
export type ReturnReason = "stolen" | "recalled" | "priority" | "workerLost";

/** How a task ended: as `stats()` counts it, but that those that failed are told apart. */
export type TaskOutcome = "succeeded" | "failed" | "cancelled" | "timedOut" | "crashed";

/** Why a worker ended. */
export type WorkerEndReason = "shutdown" | "idle" | "recycled" | "crashed" | "stopped";

/** What every event tells. */
export interface ExecutorEventBase {
  /** When it was, in milliseconds of this thread's `performance.now()`. */
  readonly at: number;
  /** The executor's name. */
  readonly executor: string;
}

/** A task was submitted, or a chunk was cut off a `map`; or a `map` was cancelled before all of it was cut. */
export interface TaskSubmittedEvent extends ExecutorEventBase {
  /** What happened. */
  readonly type: "submitted";
  /** Which task. */
  readonly task: TaskInfo;
}

/** A task was sent to a worker. */
export interface TaskSentEvent extends ExecutorEventBase {
  /** What happened. */
  readonly type: "sent";
  /** Which task. */
  readonly task: TaskInfo;
  /** The worker's name. */
  readonly worker: string;
  /** How many tasks the worker had before it. */
  readonly ahead: number;
}

/** A task that had not begun came back from its worker. */
export interface TaskReturnedEvent extends ExecutorEventBase {
  /** What happened. */
  readonly type: "returned";
  /** Which task. */
  readonly task: TaskInfo;
  /** The worker's name. */
  readonly worker: string;
  /** Why. */
  readonly reason: ReturnReason;
}

/** A task began: a long one tells it at once, a short one with its end; `at` is its worker's own time. */
export interface TaskStartedEvent extends ExecutorEventBase {
  /** What happened. */
  readonly type: "started";
  /** Which task. */
  readonly task: TaskInfo;
  /** The worker's name. */
  readonly worker: string;
}

/** A task ended; nothing comes after it. */
export interface TaskEndedEvent extends ExecutorEventBase {
  /** What happened. */
  readonly type: "ended";
  /** Which task. */
  readonly task: TaskInfo;
  /** Where it ran, or was to run; `undefined` if it was never sent. */
  readonly worker: string | undefined;
  /** How it ended. */
  readonly outcome: TaskOutcome;
  /** Milliseconds from submit to its start, or to its end if it is not known to have begun. */
  readonly waited: number;
  /** Milliseconds that it ran; 0 if it is not known to have begun, as with a short task of a worker that died. */
  readonly ran: number;
  /** What its future rejects with. */
  readonly error?: unknown;
}

/** A worker takes tasks from now on. */
export interface WorkerStartedEvent extends ExecutorEventBase {
  /** What happened. */
  readonly type: "workerStarted";
  /** The worker's name. */
  readonly worker: string;
  /** Milliseconds that its start took, its initializer included. */
  readonly took: number;
}

/** A worker has ended. */
export interface WorkerEndedEvent extends ExecutorEventBase {
  /** What happened. */
  readonly type: "workerEnded";
  /** The worker's name. */
  readonly worker: string;
  /** Why. */
  readonly reason: WorkerEndReason;
  /** Its exit code, where the runtime tells. */
  readonly exitCode?: number | undefined;
}

/**
 * What an executor does: see `Executor.observe()`. Events of one task come in order. That a long task began is
 * told at once; a short one, sent ahead in a batch, tells of it with its end, and both times are right.
 */
export type ExecutorEvent =
  | TaskSubmittedEvent
  | TaskSentEvent
  | TaskReturnedEvent
  | TaskStartedEvent
  | TaskEndedEvent
  | WorkerStartedEvent
  | WorkerEndedEvent;

/** Called with each event. */
export type Observer = (event: ExecutorEvent) => void;

/** Times of many tasks, in milliseconds; all of them 0 while `count` is. */
export interface TimeSummary {
  /** How many. */
  readonly count: number;
  /** The shortest. */
  readonly min: number;
  /** The longest. */
  readonly max: number;
  /** On average. */
  readonly mean: number;
  /** Half of them took no longer. This and those below are right within 5 %. */
  readonly p50: number;
  /** Nine in ten took no longer. */
  readonly p90: number;
  /** 99 of 100 took no longer. */
  readonly p99: number;
  /** 999 of 1000 took no longer. */
  readonly p999: number;
}

/** What an executor has measured since it was made: see `Executor.metrics()`. */
export interface ExecutorMetrics {
  /** From submit until a worker began the task. */
  readonly waitTime: TimeSummary;
  /** How long tasks ran. */
  readonly runTime: TimeSummary;
  /** For each live worker, the part of its life in which it ran tasks, 0 to 1. */
  readonly utilization: Readonly<Record<string, number>>;
  /** How many tasks ended in the last second. */
  readonly throughput: number;
  /** How many tasks have not begun. */
  readonly queueLength: number;
}
