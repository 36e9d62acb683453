import { run } from "./app.js";

await run({
  tasks: __webpack_public_path__ + "tasks.js",
  worker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
});
