/** Where a process's program finds the channel to its owner. Registered: two texts agree on it. */
export const PROCESS_PORT: unique symbol = Symbol.for(
  "@concurrent/futures.processPort",
) as typeof PROCESS_PORT;

/** The channel to the owner, as the program of a process has it. */
export interface ProcessPort {
  on(event: "message" | "messageerror", listener: (data: unknown) => void): void;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  /** Lets the owner know that the next of its tasks begins, also if this process is killed at once. */
  announce(): void;
  /** Ends the process when what it printed is on its way. */
  leave(): void;
  /** Throws if a value cannot be sent. */
  check(value: unknown): void;
}
