/** All faults that are a task's, in a program that prints nothing else and then ends by itself. @module */

import { ALL_EXECUTORS, isProcesses } from "../contract/executors.ts";
import { checkFault, createFor } from "./fault.ts";
import { FAULTS } from "./table.ts";

for (const kind of ALL_EXECUTORS) {
  const isTold = kind.inline || kind.name === "ThreadPoolExecutor" || isProcesses(kind);
  if (!isTold) continue;
  const executor = createFor(kind);
  for (const fault of FAULTS) {
    if (fault.options !== undefined || fault.breaks || fault.skip?.(kind) !== undefined) continue;
    if (fault.prints || (fault.onlyProcesses && !isProcesses(kind))) continue;
    await checkFault(kind, fault, executor);
  }
  // It is not shut down: an idle executor lets the program end.
}
console.log("end");
