/**
 * What a worker runs that is started from the program text: finds its port, sets the traps, says
 * that it listens. `tools/generate_program.ts` bundles it into `program_source.ts`.
 *
 * @module
 */

import { listen } from "./listen.ts";

listen(undefined);
