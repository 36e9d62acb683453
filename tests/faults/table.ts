/** All faults that are caused in the same way: by a task. @module */

import { CLONES } from "./clones.ts";
import { DEATHS } from "./deaths.ts";
import { ENDLESS } from "./endless.ts";
import type { Fault } from "./fault.ts";
import { HOSTILE } from "./hostile.ts";
import { LOADS } from "./loads.ts";
import { PROCESS_DEATHS } from "./processes.ts";
import { THROWN } from "./thrown.ts";

export const FAULTS: readonly Fault[] = [
  ...THROWN,
  ...DEATHS,
  ...PROCESS_DEATHS,
  ...ENDLESS,
  ...LOADS,
  ...CLONES,
  ...HOSTILE,
];
