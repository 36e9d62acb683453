/** A worker of the user's own. @module */

import { serve } from "../../src/worker/mod.ts";
import * as tasks from "./own_tasks.ts";

serve(tasks);
