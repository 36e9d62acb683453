/** Options of {@linkcode Executor.shutdown}. */
export interface ShutdownOptions {
  /**
   * Wait until all work is done and all workers have ended.
   *
   * @default {true}
   */
  wait?: boolean | undefined;
  /**
   * Cancel what has not begun.
   *
   * @default {false}
   */
  cancelFutures?: boolean | undefined;
}
