import type { Scheduler } from "../engine/scheduler.ts";
import { attachBackend } from "./executor.ts";
import type { Executor } from "./executor.ts";

/** Edge runtimes may have none, nor workers to end. */
const dropped = typeof FinalizationRegistry === "function"
  ? new FinalizationRegistry<Scheduler>((scheduler) => scheduler.abandon())
  : undefined;

/**
 * Gives an executor its scheduler, whose workers end when nobody can reach the executor any more. The
 * executor and its views hold the scheduler by one function, which nobody else may hold.
 */
export function attachWorkers(executor: Executor, scheduler: Scheduler): void {
  const find = (): Scheduler => scheduler;
  dropped?.register(find, scheduler);
  attachBackend(executor, find);
}
