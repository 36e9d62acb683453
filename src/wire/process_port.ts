/** Where a process's program finds the channel to its owner. Registered: two texts agree on it. */
export const PROCESS_PORT: unique symbol = Symbol.for(
  "@concurrent/futures.processPort",
) as typeof PROCESS_PORT;

/** The channel to the owner, as the program of a process has it. */
export interface ProcessPort {
  on(event: "message" | "messageerror", listener: (data: unknown) => void): void;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  /** What it is told of arrives also if this process is killed at once. */
  readonly counter: TaskCounter;
  /** Whether something that was sent still lies here. */
  isFull(): boolean;
  /** Ends the process when what it printed is on its way. */
  leave(): void;
  /** Throws if a value cannot be sent. */
  check(value: unknown): void;
}

/** When a task began and how long it ran, by the clock of its worker. */
export interface TaskTime {
  readonly startedAt: number;
  readonly ran: number;
}

/** Lets the owner know what begins and ends although it shares no memory, and although tasks are busy. */
export interface TaskCounter {
  /** The next of its tasks begins, or is passed by. */
  begins(): void;
  /**
   * A task has ended, which is told when the next one begins.
   *
   * @param number The how manieth it was that began.
   * @param isTold Whether its value is to be told, too; else a message tells its outcome.
   * @param time Told with the value, if it is known.
   * @returns Whether its value is.
   */
  ended(
    slot: number,
    number: number,
    isTold: boolean,
    value: unknown,
    time: TaskTime | undefined,
  ): boolean;
}
