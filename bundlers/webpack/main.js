import { run } from "./app.js";

await run({
  tasks: __webpack_public_path__ + "tasks.js",
  // The global Worker on Node too: webpack puts in that of node:worker_threads.
  worker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
});
