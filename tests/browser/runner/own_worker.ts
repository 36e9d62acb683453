/** A worker of the user's own, as pages need under a strict Content-Security-Policy. @module */

import { serve } from "../../../src/worker/serve.ts";
import { provideFiles } from "./files.ts";

provideFiles(`${location.origin}/files`);
serve({});
