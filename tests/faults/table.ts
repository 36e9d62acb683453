/** All faults that are caused in the same way: by a task. @module */

import type { Fault } from "./fault.ts";
import { THROWN } from "./thrown.ts";

export const FAULTS: readonly Fault[] = [...THROWN];
