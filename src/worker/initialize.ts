import type { WorkerSetup } from "../wire/messages.ts";
import { apply } from "../wire/originals.ts";
import type { Context } from "./context.ts";
import type { TaskFunctions } from "./task_functions.ts";
import type { AnyFunction } from "./task_table.ts";
import { isThenable, whenSettled } from "./thenable.ts";

/** Runs the initializer: what every worker runs before its first task. */
export function initialize(
  functions: TaskFunctions,
  context: Context,
  { task, args }: NonNullable<WorkerSetup["initializer"]>,
  succeeded: () => void,
  failed: (error: unknown) => void,
): void {
  const run = (call: AnyFunction): void => {
    try {
      const result = apply(call, context, args);
      if (isThenable(result)) return whenSettled(result, succeeded, failed);
    } catch (error) {
      return failed(error);
    }
    succeeded();
  };
  let call: AnyFunction | undefined;
  try {
    call = functions.findNow(task);
  } catch (error) {
    return failed(error);
  }
  if (call === undefined) functions.load(task, run, failed);
  else run(call);
}
