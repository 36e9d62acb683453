/** A worker file of a user's own, for tests. */

import { serve } from "../../src/worker/mod.ts";
import * as tasks from "../fixtures/tasks.ts";

serve(tasks);
