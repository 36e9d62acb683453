import { importTasks } from "@concurrent/futures";
import { run } from "./app.js";

const tasks = importTasks(__webpack_public_path__ + "tasks.js");
// The global one: webpack puts in that of node:worker_threads.
const worker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

async function builtin(path) {
  const { basename } = await import(/* webpackIgnore: true */ "node:path");
  return basename(path);
}

await run({ tasks, worker, builtin });
