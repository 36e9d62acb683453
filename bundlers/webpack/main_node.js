import { run } from "./app.js";

await run({
  tasks: __webpack_public_path__ + "tasks.js",
  // The global one: webpack puts in that of node:worker_threads.
  worker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
  builtin: async (path) => {
    const { basename } = await import(/* webpackIgnore: true */ "node:path");
    return basename(path);
  },
});
