import { serve } from "@concurrent/futures/worker";
import * as tasks from "./tasks.js";

serve(tasks);
