import { run } from "./app.js";

await run({
  tasks: new URL("./tasks.js", import.meta.url),
  worker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
});
