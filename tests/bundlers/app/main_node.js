import { importTasks } from "@concurrent/futures";
import { Worker } from "node:worker_threads";
import { run } from "./app.js";

const tasks = importTasks(new URL("./tasks.js", import.meta.url));
const worker = () => new Worker(new URL("./worker.js", import.meta.url));

async function builtin(path) {
  const { basename } = await import("node:path");
  return basename(path);
}

await run({ tasks, worker, builtin });
