import { Worker } from "node:worker_threads";
import { run } from "./app.js";

await run({
  tasks: new URL("./tasks.js", import.meta.url),
  worker: () => new Worker(new URL("./worker.js", import.meta.url)),
  builtin: async (path) => {
    const { basename } = await import("node:path");
    return basename(path);
  },
});
