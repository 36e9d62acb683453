import { importTasks } from "@concurrent/futures";
import { run } from "./app.js";

const tasks = importTasks(__webpack_public_path__ + "tasks.js");
const worker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

await run({ tasks, worker });
