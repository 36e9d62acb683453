import { ThreadWorker } from "../node_modules/poolifier-web-worker/esm/mod.js";
import * as tasks from "../tasks.js";

export default new ThreadWorker({ ...tasks });
