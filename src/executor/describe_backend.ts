import type { TaskBackend } from "../backend/task_backend.ts";

/** What an executor over it is and does, as it is printed. */
export function describeBackend(backend: TaskBackend): string {
  const { workers, running, pending } = backend.stats();
  const some = backend.capabilities.parallel ? `${workers} of ${backend.maxWorkers} workers, ` : "";
  const state = backend.state === "open" ? "" : `${backend.state}, `;
  return `${backend.name} { ${state}${some}${running} running, ${pending} pending }`;
}
