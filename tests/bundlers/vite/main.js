import { importTasks } from "@concurrent/futures";
import { run } from "./app.js";

const tasks = importTasks(new URL(/* @vite-ignore */ "./tasks.js", import.meta.url));
const worker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

await run({ tasks, worker });
