/** A worker file of a user's own. */

import { serve } from "@concurrent/futures/worker";
import * as tasks from "./tasks.mjs";

serve(tasks);
